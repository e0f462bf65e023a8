#!/usr/bin/perl -w
# The part of a pod that outlives the agent. It needs perl-base only, which every Debian and Ubuntu has, and no module:
# POSIX alone would cost each start of it 15 ms, and each shim that stays 2 MB.
#
#   shim.pl sandbox SPEC ARCH   makes and names a pod's net, ipc and uts namespaces, then ends
#   shim.pl run SPEC ARCH       starts a container, writes its log, records its start and its end, then ends
#   shim.pl exec SPEC ARCH      runs a command inside a running container, with this process's stdio
#   shim.pl forward SPEC ARCH   makes connections to a pod's localhost for the agent that started it
#
# SPEC is a file of NUL-terminated strings: an operation's name, then its operands (see %arity; spec.ts writes it).
# ARCH is Node's process.arch. What only one mode needs is in shim-*.pl.
use strict;

my %arity = (
    log => 2, keep => 1, record => 2, event => 1, netns => 1, ipcns => 1, utsns => 1, pidns => 1, holder => 1,
    cgroup => 1, oomscore => 1, hostname => 1, sysctl => 3,
    overlay => 4, nolinks => 1, bind => 3, tree => 4, tmpfs => 3, mask => 1, dev => 1, proc => 1, sys => 1, readonly => 1,
    target => 1, tty => 0, stdin => 1, listen => 2, cwd => 1, user => 3, caps => 1, nonewprivs => 0, seccomp => 1,
    env => 2, arg => 1,
);

my ($mode, $file, $arch) = @ARGV;
my %call = $arch eq 'arm64'
    ? (mount => 40, umount2 => 39, pivot_root => 41, unshare => 97, setns => 268, prctl => 167, dup3 => 24,
       clock_gettime => 113, sethostname => 161, mknodat => 33, setsid => 157, exit_group => 94, pidfd_open => 434,
       setuid => 146, setgid => 144, open_tree => 428, move_mount => 429, mount_setattr => 442)
    : (mount => 165, umount2 => 166, pivot_root => 155, unshare => 272, setns => 308, prctl => 157, dup3 => 292,
       clock_gettime => 228, sethostname => 170, mknodat => 259, setsid => 112, exit_group => 231, pidfd_open => 434,
       setuid => 105, setgid => 106, open_tree => 428, move_mount => 429, mount_setattr => 442);
our %new = (mnt => 0x20000, cgroup => 0x2000000, uts => 0x4000000, ipc => 0x8000000, pid => 0x20000000, net => 0x40000000);
our $noFollow = $arch eq 'arm64' ? 0100000 : 0400000;
sub PATH() { 010000000 }
sub RDONLY() { 1 }
sub NOSUID() { 2 }
sub NODEV() { 4 }
sub NOEXEC() { 8 }
sub REMOUNT() { 32 }
sub BIND() { 4096 }
sub REC() { 16384 }
sub PRIVATE() { 1 << 18 }
sub SLAVE() { 1 << 19 }
sub DETACH() { 2 }

my @spec = readSpec($file);
sub spec { return @spec }
if ($mode eq 'sandbox') { dieWithParent(); part('sandbox'); sandbox() }
elsif ($mode eq 'run') { part($_) for qw(socket run); run() }
elsif ($mode eq 'exec') { dieWithParent(); unlink $file; part($_) for qw(program terminal exec); execute() }
elsif ($mode eq 'forward') { dieWithParent(); unlink $file; part($_) for qw(socket forward); forward() }
else { die "unknown mode $mode\n" }

sub part { my ($name) = @_; my $path = __FILE__; $path =~ s/\.pl$/-$name.pl/; require $path }

sub readSpec {
    my ($path) = @_;
    open my $in, '<:raw', $path or die "$path: $!\n";
    local $/;
    my @words = split /\0/, scalar(<$in>), -1;
    pop @words;
    my @operations;
    while (@words) {
        my $name = shift @words;
        die "unknown operation $name\n" unless exists $arity{$name};
        push @operations, [$name, splice @words, 0, $arity{$name}];
    }
    return @operations;
}

sub operands { my ($name) = @_; return map { my @o = @$_; shift @o; [@o] } grep { $_->[0] eq $name } @spec }
sub has { my ($name) = @_; return scalar grep { $_->[0] eq $name } @spec }
sub one { my ($name) = @_; my ($found) = operands($name); return $found ? @$found : () }

# A system call that must succeed; $what says what it was for.
sub call {
    my ($name, $what, @arguments) = @_;
    my $result = syscall($call{$name}, @arguments);
    die "$what: $!\n" if $result < 0;
    return $result;
}

# A system call whose failure does not matter. It may write to its arguments, so they are not copied.
sub try { my $name = shift; return syscall($call{$name}, @_) }

# Ends this process without what perl would do at its end: for forked children.
sub leave { my ($code) = @_; try('exit_group', $code) }

# $alive: the end of a pipe that only the parent can write to. A parent that died before we asked is seen there.
sub dieWithParent {
    my ($alive) = @_;
    call('prctl', 'parent death signal', 1, 9, 0, 0, 0);
    return unless $alive;
    my $read = '';
    vec($read, fileno($alive), 1) = 1;
    leave(137) if select($read, undef, undef, 0) > 0;
}

sub mountAt {
    my ($source, $target, $type, $flags, $data) = @_;
    my @strings = map { defined $_ ? "$_" : 0 } ($source, $target, $type);
    call('mount', "mount $target", @strings, $flags + 0, defined $data ? "$data" : 0);
}

sub enter {
    my ($path, $kind) = @_;
    open my $ns, '<', $path or die "$path: $!\n";
    call('setns', "enter $path", fileno($ns), $main::new{$kind});
    close $ns;
}

sub now {
    my $buffer = pack 'q2', 0, 0;
    try('clock_gettime', 0, $buffer);
    my ($seconds, $nanoseconds) = unpack 'q2', $buffer;
    my ($second, $minute, $hour, $day, $month, $year) = gmtime $seconds;
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02d.%09dZ', $year + 1900, $month + 1, $day, $hour, $minute, $second,
        $nanoseconds;
}

# When the kernel started a process: with the pid, its identity.
sub startTime {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/stat" or return 0;
    my $line = <$in>;
    $line =~ s/^.*\) //s;
    return (split ' ', $line)[19];
}

sub makeParents { my ($path) = @_; makeDirectory($1) if $path =~ m{^(.+)/[^/]+$} }

sub makeDirectory {
    my ($path) = @_;
    return if -d $path;
    makeParents($path);
    mkdir $path, 0755 or -d $path or die "mkdir $path: $!\n";
}

sub makeFile {
    my ($path) = @_;
    makeParents($path);
    # A link (resolv.conf of systemd-resolved) would lead the mount elsewhere.
    unlink $path if -l $path;
    return if -e $path;
    open my $out, '>', $path or die "create $path: $!\n";
    close $out;
}

sub writeAtomically {
    my ($path, $text) = @_;
    open my $out, '>', "$path.new" or die "$path: $!\n";
    print $out $text;
    close $out;
    rename "$path.new", $path or die "$path: $!\n";
}

# Before the world changes: control groups of the host are not in sight from a container.
sub joinGroups {
    for my $group (operands('cgroup')) {
        open my $out, '>', "$group->[0]/cgroup.procs" or die "$group->[0]: $!\n";
        print $out "0\n";
        close $out or die "join $group->[0]: $!\n";
    }
    my ($score) = one('oomscore') or return;
    open my $out, '>', '/proc/self/oom_score_adj' or return;
    print $out "$score\n";
    close $out;
}

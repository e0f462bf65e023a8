#!/usr/bin/perl
# The part of a pod that outlives the agent. It needs perl-base only, which every Debian and Ubuntu has.
#
#   shim.pl sandbox SPEC   makes and names a pod's net, ipc and uts namespaces, then ends
#   shim.pl run SPEC       starts a container, writes its log, records its start and its end, then ends
#   shim.pl exec SPEC      runs a command inside a running container, with this process's stdio
#
# SPEC is a file of NUL-terminated strings: an operation's name, then its operands (see %arity; spec.ts writes it).
use strict;
use warnings;
use POSIX qw(:sys_wait_h);
use Fcntl;

my %arity = (
    log => 2, record => 2, event => 1, netns => 1, ipcns => 1, utsns => 1, hostname => 1, sysctl => 2,
    overlay => 4, bind => 3, tmpfs => 3, mask => 1, dev => 1, proc => 1, sys => 1, readonly => 0,
    target => 1, tty => 0, cwd => 1, user => 3, caps => 1, nonewprivs => 0, env => 2, arg => 1,
);

my $arm = (POSIX::uname())[4] eq 'aarch64';
my %call = $arm
    ? (mount => 40, umount2 => 39, pivot_root => 41, unshare => 97, setns => 268, prctl => 167,
       clock_gettime => 113, sethostname => 161, mknodat => 33)
    : (mount => 165, umount2 => 166, pivot_root => 155, unshare => 272, setns => 308, prctl => 157,
       clock_gettime => 228, sethostname => 170, mknodat => 259);
my %new = (mnt => 0x20000, uts => 0x4000000, ipc => 0x8000000, pid => 0x20000000, net => 0x40000000);
use constant { RDONLY => 1, NOSUID => 2, NODEV => 4, NOEXEC => 8, REMOUNT => 32, BIND => 4096, REC => 16384,
    PRIVATE => 1 << 18, DETACH => 2 };

my ($mode, $file) = @ARGV;
my @spec = readSpec($file);
my $syscallResult;
if ($mode eq 'sandbox') { sandbox() }
elsif ($mode eq 'run') { run() }
elsif ($mode eq 'exec') { unlink $file; enterAndRun() }
else { die "unknown mode $mode\n" }

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
sub one { my ($name) = @_; my ($found) = operands($name); return $found ? @$found : () }

# A system call that must succeed; $what says what it was for.
sub call {
    my ($name, $what, @arguments) = @_;
    $syscallResult = syscall($call{$name}, @arguments);
    die "$what: $!\n" if $syscallResult < 0;
}

sub mountAt {
    my ($source, $target, $type, $flags, $data) = @_;
    my @strings = map { defined $_ ? "$_" : 0 } ($source, $target, $type);
    call('mount', "mount $target", @strings, $flags + 0, defined $data ? "$data" : 0);
}

sub enter {
    my ($path, $kind) = @_;
    open my $ns, '<', $path or die "$path: $!\n";
    call('setns', "enter $path", fileno($ns), $new{$kind});
    close $ns;
}

sub now {
    my $buffer = pack 'q2', 0, 0;
    syscall($call{clock_gettime}, 0, $buffer);
    my ($seconds, $nanoseconds) = unpack 'q2', $buffer;
    return POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime $seconds) . sprintf('.%09dZ', $nanoseconds);
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

# ---- sandbox

sub sandbox {
    my %path = map { my ($p) = one("${_}ns"); defined $p ? ($_ => $p) : () } qw(net ipc uts);
    my $flags = 0;
    $flags |= $new{$_} for keys %path;
    call('unshare', 'unshare', $flags);
    my ($hostname) = one('hostname');
    call('sethostname', 'hostname', "$hostname", length $hostname);
    for my $sysctl (operands('sysctl')) {
        open my $out, '>', $sysctl->[0] or next;
        print $out $sysctl->[1];
        close $out;
    }
    for my $kind (sort keys %path) {
        makeFile($path{$kind});
        mountAt("/proc/self/ns/$kind", $path{$kind}, undef, BIND);
    }
}

# ---- run

sub run {
    POSIX::setsid();
    my ($log, $limit) = one('log');
    pipe my $out, my $outEnd or die;
    pipe my $err, my $errEnd or die;
    pipe my $failed, my $failedEnd or die;
    call('unshare', 'unshare pid', $new{pid});
    my $pid = fork;
    die "fork: $!\n" unless defined $pid;
    if ($pid == 0) {
        close $_ for $out, $err, $failed;
        eval { container($outEnd, $errEnd); 1 } or print $failedEnd $@;
        close $failedEnd;
        POSIX::_exit(128);
    }
    close $_ for $outEnd, $errEnd, $failedEnd;
    $0 = 'fairway-shim ' . $file;
    my $failure = do { local $/; <$failed> };
    if (defined $failure && $failure ne '') {
        waitpid $pid, 0;
        recordEnd(128, 0, $failure);
        exit 0;
    }
    my ($directory) = one('record');
    writeAtomically("$directory/started", join(' ', $pid, startTime($pid), $$, startTime($$), now()) . "\n");
    event();
    $SIG{TERM} = $SIG{INT} = $SIG{HUP} = 'IGNORE';
    collect($log, $limit, stdout => $out, stderr => $err);
    waitpid $pid, 0;
    my $signal = $? & 127;
    recordEnd($signal ? 128 + $signal : $? >> 8, $signal, '');
}

sub recordEnd {
    my ($code, $signal, $message) = @_;
    my ($directory) = one('record');
    writeAtomically("$directory/exit", join(' ', $code, $signal, now()) . "\n$message");
    event();
}

# Tells the agent, which watches one directory for all pods, that something is new.
sub event { my ($path) = one('event'); writeAtomically($path, '') }

# Both streams into one file, a line each, as the CRI writes them: TIME STREAM F|P TEXT.
sub collect {
    my ($path, $limit, %stream) = @_;
    my %pending = map { $_ => '' } keys %stream;
    my $handle = openLog($path);
    my $size = -s $handle;
    while (%stream) {
        my $read = '';
        vec($read, fileno($_), 1) = 1 for values %stream;
        next if select($read, undef, undef, undef) < 0;
        for my $name (qw(stdout stderr)) {
            next unless $stream{$name} && vec($read, fileno($stream{$name}), 1);
            my $count = sysread $stream{$name}, my $chunk, 65536;
            delete $stream{$name}, $chunk = '' unless $count;
            my $text = lines($name, \$pending{$name}, $chunk, !$count);
            next if $text eq '';
            if ($size > 0 && $size + length($text) > $limit) {
                close $handle;
                rename $path, "$path.1";
                $handle = openLog($path);
                $size = 0;
            }
            syswrite $handle, $text;
            $size += length $text;
        }
    }
}

sub openLog { my ($path) = @_; open my $handle, '>>:raw', $path or die "$path: $!\n"; return $handle }

sub lines {
    my ($name, $pending, $chunk, $ended) = @_;
    my ($text, $time) = ('', now());
    $$pending .= $chunk;
    while ($$pending =~ s/^([^\n]*)\n//) { $text .= "$time $name F $1\n" }
    while (length $$pending > 16384) { $text .= "$time $name P " . substr($$pending, 0, 16384, '') . "\n" }
    if ($ended && $$pending ne '') { $text .= "$time $name P $$pending\n"; $$pending = '' }
    return $text;
}

# In the new process, PID 1 of its namespace: the world around the program, then the program. Dies with the reason.
sub container {
    my ($out, $err) = @_;
    POSIX::setsid();
    open STDIN, '<', '/dev/null';
    for my $kind (qw(net ipc uts)) { my ($path) = one("${kind}ns"); enter($path, $kind) if defined $path }
    call('unshare', 'unshare mount', $new{mnt});
    mountAt('none', '/', undef, REC | PRIVATE);
    my $root = buildRoot();
    # Programs open /dev/stdout anew, also those that are not root.
    my ($uid, $gid) = one('user');
    chown $uid, $gid, $out, $err;
    POSIX::dup2(fileno($out), 1);
    POSIX::dup2(fileno($err), 2);
    becomeProgram($root);
}

sub buildRoot {
    my ($root, $lower, $upper, $work) = one('overlay');
    makeDirectory($_) for $root, $upper, $work;
    mountAt('overlay', $root, 'overlay', 0, "lowerdir=$lower,upperdir=$upper,workdir=$work,index=off,metacopy=off");
    for my $operation (@spec) {
        my ($name, @o) = @$operation;
        if ($name eq 'bind') { bindInto($root, @o) }
        elsif ($name eq 'tmpfs') {
            makeDirectory("$root$o[0]");
            mountAt('tmpfs', "$root$o[0]", 'tmpfs', NOSUID | NODEV, "mode=$o[1],size=$o[2]");
        }
        elsif ($name eq 'mask') { maskPath("$root$o[0]") }
        elsif ($name eq 'dev') { makeDev($root, $o[0]) }
        elsif ($name eq 'proc') { mountProc($root, $o[0]) }
        elsif ($name eq 'sys') {
            makeDirectory("$root/sys");
            mountAt('sysfs', "$root/sys", 'sysfs', NOSUID | NODEV | NOEXEC | ($o[0] eq 'rw' ? 0 : RDONLY));
        }
    }
    mountAt('none', $root, undef, REMOUNT | BIND | RDONLY) if one('readonly') || grep { $_->[0] eq 'readonly' } @spec;
    chdir $root or die "chdir $root: $!\n";
    call('pivot_root', 'pivot_root', '.', '.');
    call('umount2', 'leave the host', '.', DETACH);
    chdir '/' or die "chdir /: $!\n";
    return '/';
}

sub bindInto {
    my ($root, $source, $target, $access) = @_;
    if (-d $source) { makeDirectory("$root$target") } else { makeFile("$root$target") }
    mountAt($source, "$root$target", undef, BIND | REC);
    mountAt('none', "$root$target", undef, REMOUNT | BIND | RDONLY) if $access eq 'ro';
}

sub maskPath {
    my ($path) = @_;
    if (-d $path) { mountAt('tmpfs', $path, 'tmpfs', RDONLY | NOSUID | NODEV | NOEXEC, 'size=0,mode=755') }
    elsif (-e $path) { mountAt('/dev/null', $path, undef, BIND) }
}

sub makeDev {
    my ($root, $whose) = @_;
    makeDirectory("$root/dev");
    if ($whose eq 'host') { mountAt('/dev', "$root/dev", undef, BIND | REC); return }
    mountAt('tmpfs', "$root/dev", 'tmpfs', NOSUID, 'mode=755,size=64k');
    my $old = umask 0;
    my %node = (null => [1, 3], zero => [1, 5], full => [1, 7], random => [1, 8], urandom => [1, 9], tty => [5, 0]);
    for my $name (keys %node) {
        my ($major, $minor) = @{ $node{$name} };
        my $path = "$root/dev/$name";
        call('mknodat', "mknod $name", -100, $path, 0020000 | 0666, $major << 8 | $minor);
    }
    umask $old;
    mkdir "$root/dev/$_", 0755 for qw(pts shm mqueue);
    mountAt('devpts', "$root/dev/pts", 'devpts', NOSUID | NOEXEC, 'newinstance,ptmxmode=0666,mode=0620,gid=5');
    mountAt('shm', "$root/dev/shm", 'tmpfs', NOSUID | NODEV | NOEXEC, 'mode=1777,size=64m');
    mountAt('mqueue', "$root/dev/mqueue", 'mqueue', NOSUID | NODEV | NOEXEC);
    my %link = (fd => '/proc/self/fd', stdin => '/proc/self/fd/0', stdout => '/proc/self/fd/1',
        stderr => '/proc/self/fd/2', ptmx => 'pts/ptmx');
    symlink $link{$_}, "$root/dev/$_" for keys %link;
}

# What containerd hides or makes read-only in /proc, unless the container is privileged.
sub mountProc {
    my ($root, $access) = @_;
    makeDirectory("$root/proc");
    mountAt('proc', "$root/proc", 'proc', NOSUID | NODEV | NOEXEC);
    return if $access eq 'rw';
    maskPath("$root/proc/$_") for qw(kcore keys latency_stats timer_list sched_debug scsi acpi asound interrupts);
    for my $path (map { "$root/proc/$_" } qw(bus fs irq sys sysrq-trigger)) {
        next unless -e $path;
        mountAt($path, $path, undef, BIND | REC);
        mountAt('none', $path, undef, REMOUNT | BIND | RDONLY | NOSUID | NODEV | NOEXEC);
    }
}

# The program takes over this process: directory, capabilities, user, environment.
sub becomeProgram {
    my ($cwd) = one('cwd');
    makeDirectory($cwd) unless -d $cwd;
    chdir $cwd or die "working directory $cwd: $!\n";
    my ($keep) = one('caps');
    my ($high, $low) = (hex(substr $keep, 0, 8), hex(substr $keep, 8, 8));
    for my $capability (0 .. 40) {
        my $word = $capability < 32 ? $low : $high;
        # Numbers above what this kernel knows are an error that does not matter.
        syscall($call{prctl}, 24, $capability, 0, 0, 0) unless $word >> ($capability % 32) & 1;
    }
    my ($uid, $gid, $groups) = one('user');
    $) = "$gid " . ($groups eq '' ? $gid : $groups);
    POSIX::setgid($gid);
    POSIX::setuid($uid) if $uid != 0;
    # A program whose shim is killed must not live on unseen. Changing user clears this, so it comes after.
    call('prctl', 'parent death signal', 1, 9, 0, 0, 0);
    call('prctl', 'no_new_privs', 38, 1, 0, 0, 0) if grep { $_->[0] eq 'nonewprivs' } @spec;
    %ENV = map { $_->[0] => $_->[1] } operands('env');
    my @command = map { $_->[0] } operands('arg');
    umask 0022;
    $SIG{$_} = 'DEFAULT' for qw(PIPE HUP INT TERM CHLD);
    { no warnings 'exec'; exec { $command[0] } @command }
    my $what = $!{ENOENT} && $command[0] !~ m{/} ? 'executable file not found in $PATH' : lc $!;
    die "exec: \"$command[0]\": $what\n";
}

# ---- exec

sub enterAndRun {
    my ($pid) = one('target');
    my %ns;
    for my $kind (qw(ipc uts net pid mnt)) { open $ns{$kind}, '<', "/proc/$pid/ns/$kind" or die "container is gone\n" }
    call('setns', "enter $_", fileno($ns{$_}), $new{$_}) for qw(ipc uts net pid mnt);
    close $_ for values %ns;
    my $child = fork;
    die "fork: $!\n" unless defined $child;
    if ($child == 0) {
        POSIX::setsid();
        ioctl STDIN, 0x540E, 1 if grep { $_->[0] eq 'tty' } @spec;
        eval { becomeProgram(); 1 } or print STDERR $@;
        POSIX::_exit($@ =~ /not found|no such file/ ? 127 : 126);
    }
    $SIG{HUP} = 'IGNORE';
    $SIG{TERM} = sub { kill 'KILL', $child };
    close STDIN;
    1 while waitpid($child, 0) < 0 && $!{EINTR};
    POSIX::_exit($? & 127 ? 128 + ($? & 127) : $? >> 8);
}

# Of shim.pl: what a container sees.
use strict;

# In the new process, PID 1 of its namespace: the world around the program, then the program. Dies with the reason.
sub container {
    my ($pipe, $terminal) = @_;
    try('setsid');
    joinGroups();
    call('unshare', 'unshare cgroup', $main::new{cgroup}) if has('cgroup');
    for my $kind (qw(net ipc uts)) { my ($path) = one("${kind}ns"); enter($path, $kind) if defined $path }
    call('unshare', 'unshare mount', $main::new{mnt});
    my %tree = openTrees();
    mountAt('none', '/', undef, REC | PRIVATE);
    buildRoot(\%tree);
    if (%$terminal) { takeLine(openLine(askForTerminal($terminal))) } else { takePipes($pipe) }
    becomeProgram($pipe->{alive}{out});
}

# A program that is not to have input finds its end at once.
sub takePipes {
    my ($pipe) = @_;
    my ($in, $out, $err) = ($pipe->{stdin}{out}, $pipe->{stdout}{in}, $pipe->{stderr}{in});
    unless (has('stdin')) { open $in, '<', '/dev/null' or die "/dev/null: $!\n" }
    # Programs open /dev/stdout anew, also those that are not root.
    my ($uid, $gid) = one('user');
    chown $uid, $gid, grep { -p $_ } $in, $out, $err;
    call('dup3', 'stdin', fileno($in), 0, 0);
    call('dup3', 'stdout', fileno($out), 1, 0);
    call('dup3', 'stderr', fileno($err), 2, 0);
}

# The process beside us opens it, and says its number.
sub askForTerminal {
    my ($pipe) = @_;
    syswrite $pipe->{ready}{in}, '.';
    close $pipe->{ready}{in};
    close $pipe->{number}{in};
    my $number = readline $pipe->{number}{out};
    die "no terminal\n" unless defined $number;
    chomp $number;
    return $number;
}

# Taken while they still hear of the host's mounts: file descriptors by target.
sub openTrees {
    my ($here, $cloneAll, $closeOnExec) = (-100, 0x8001, 02000000);
    return map {
        my ($source, $target) = @$_;
        my ($path, $held) = sourceOf($source);
        ($target => call('open_tree', "open $source", $here, "$path", $cloneAll | $closeOnExec));
    } operands('tree');
}

# Where to mount a source from, and what must stay open until then. A container may have put a link into the path since
# the agent looked: such a path is opened part by part, so that it is what it says, or nothing.
sub sourceOf {
    my ($path) = @_;
    return ($path) unless grep { $_->[0] eq $path } operands('nolinks');
    sysopen my $place, '/', PATH or die "/: $!\n";
    for my $part (grep { length } split m{/}, $path) {
        sysopen my $next, '/proc/self/fd/' . fileno($place) . "/$part", PATH | $main::noFollow or die "$path: $!\n";
        die "$path leads through a link\n" if ((stat $next)[2] & 0170000) == 0120000;
        $place = $next;
    }
    return ('/proc/self/fd/' . fileno $place, $place);
}

sub buildRoot {
    my ($tree) = @_;
    my ($root, $lower, $upper, $work) = one('overlay');
    # Not their parents: a pod that was removed meanwhile must not come back.
    for ($root, $upper, $work) { mkdir $_, 0755 or -d $_ or die "mkdir $_: $!\n" }
    mountAt('overlay', $root, 'overlay', 0, "lowerdir=$lower,upperdir=$upper,workdir=$work,index=off,metacopy=off");
    my @sealed;
    for my $operation (spec()) {
        my ($name, @o) = @$operation;
        if ($name eq 'bind') { bindInto($root, @o) }
        elsif ($name eq 'tree') { moveInto($root, $tree->{ $o[1] }, @o) }
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
            if ($o[0] eq 'ro') { maskPath("$root/sys/$_") for qw(firmware devices/virtual/powercap) }
        }
        elsif ($name eq 'readonly') {
            # The mount that is there now, whatever comes over it or into it.
            open my $place, '<', "$root$o[0]" or die "$o[0]: $!\n";
            push @sealed, $place;
        }
    }
    mountAt('none', '/proc/self/fd/' . fileno $_, undef, REMOUNT | BIND | RDONLY) for @sealed;
    chdir $root or die "chdir $root: $!\n";
    call('pivot_root', 'pivot_root', '.', '.');
    call('umount2', 'leave the host', '.', DETACH);
    chdir '/' or die "chdir /: $!\n";
}

sub bindInto {
    my ($root, $source, $target, $access) = @_;
    my ($parent, $name) = $target =~ m{^(.*)/([^/]+)/*$};
    my ($from, $held) = sourceOf($source);
    # A file replaces a link of its name (resolv.conf of systemd-resolved).
    my $at = -d $from ? inside($root, $target) : inside($root, $parent) . "/$name";
    unlink $at if !-d $from && -l $at;
    die "error mounting \"$source\" to rootfs at \"$target\": not a directory: Are you trying to mount a directory onto a "
        . "file (or vice-versa)? Check if the specified host path exists and is the expected type\n"
        if -e $at && !-d $from != !-d $at;
    if (-d $from) { makeDirectory($at) } else { makeFile($at) }
    mountAt($from, $at, undef, BIND | REC);
    mountAt('none', $at, undef, REMOUNT | BIND | RDONLY) if $access eq 'ro';
    seal($at) if $access eq 'rro';
}

# A mount and all below it are made read-only.
sub seal {
    my ($path) = @_;
    my ($here, $recursive, $readOnly) = (-100, 0x8000, 1);
    my $attributes = pack 'Q4', $readOnly, 0, 0, 0;
    call('mount_setattr', "make $path read-only", $here, "$path", $recursive, $attributes, length $attributes);
}

# Where a path of the container is before it is the root: links (/var/run) are followed as inside, never out of it.
sub inside {
    my ($root, $path) = @_;
    my ($hops, @found) = (0);
    my @left = grep { length } split m{/}, $path;
    while (defined(my $part = shift @left)) {
        next if $part eq '.';
        if ($part eq '..') { pop @found; next }
        my $link = readlink join '/', $root, @found, $part;
        if (!defined $link) { push @found, $part; next }
        die "too many links in $path\n" if ++$hops > 40;
        @found = () if $link =~ m{^/};
        unshift @left, grep { length } split m{/}, $link;
    }
    return join '/', $root, @found;
}

# A mount that goes on hearing of the host's mounts below it; a shared one tells the host of its own, too.
sub moveInto {
    my ($root, $tree, $source, $target, $access, $propagation) = @_;
    if (-d $source) { makeDirectory("$root$target") } else { makeFile("$root$target") }
    call('move_mount', "mount $target", $tree, '', -100, "$root$target", 4);
    mountAt('none', "$root$target", undef, REC | SLAVE) if $propagation eq 'slave';
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
    mountAt('tmpfs', "$root/dev", 'tmpfs', NOSUID, 'mode=755,size=64k');
    my $old = umask 0;
    copyDevices('/dev', "$root/dev") if $whose eq 'host';
    my %device = (null => [1, 3], zero => [1, 5], full => [1, 7], random => [1, 8], urandom => [1, 9], tty => [5, 0]);
    for my $name (keys %device) {
        my ($major, $minor) = @{ $device{$name} };
        my $path = "$root/dev/$name";
        next if -e $path;
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

# The host's device files, but not what is mounted among them.
sub copyDevices {
    my ($from, $to) = @_;
    opendir my $entries, $from or return;
    for my $name (grep { !/^(\.\.?|pts|shm|mqueue|ptmx|hugepages)$/ } readdir $entries) {
        my $source = "$from/$name";
        my (undef, undef, $mode, undef, $uid, $gid, $number) = lstat $source;
        if (-d _) {
            mkdir "$to/$name", 0755;
            copyDevices($source, "$to/$name");
        }
        elsif (-b _ || -c _) {
            my $path = "$to/$name";
            call('mknodat', "mknod $path", -100, $path, $mode, $number);
            chown $uid, $gid, $path;
        }
    }
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

1;

# Of shim.pl: the namespaces of a pod, made and named.
use strict;

sub sandbox {
    my %path = map { my ($p) = one("${_}ns"); defined $p ? ($_ => $p) : () } qw(net ipc uts);
    my $flags = 0;
    $flags |= $main::new{$_} for keys %path;
    call('unshare', 'unshare', $flags);
    my ($hostname) = one('hostname');
    call('sethostname', 'hostname', "$hostname", length $hostname);
    for my $sysctl (operands('sysctl')) {
        my ($name, $value, $whether) = @$sysctl;
        my $out;
        my $done = open($out, '>', $name) && print($out $value) && close $out;
        die "sysctl $name=$value: $!\n" unless $done || $whether eq 'may';
    }
    hold();
    for my $kind (sort keys %path) {
        makeFile($path{$kind});
        mountAt("/proc/self/ns/$kind", $path{$kind}, undef, BIND);
    }
}

# With a process namespace of the pod: its first process, which takes in what the containers leave behind.
sub hold {
    my ($namespace) = one('pidns') or return;
    my ($record) = one('holder');
    call('unshare', 'unshare pid', $main::new{pid});
    my $pid = fork;
    die "fork: $!\n" unless defined $pid;
    if ($pid == 0) {
        try('setsid');
        open STDIN, '<', '/dev/null';
        open $_, '>', '/dev/null' for *STDOUT, *STDERR;
        $0 = '/pause';
        $SIG{CHLD} = 'IGNORE';
        $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP);
        sleep while 1;
    }
    writeAtomically($record, $pid . ' ' . startTime($pid) . "\n");
    makeFile($namespace);
    mountAt('/proc/self/ns/pid_for_children', $namespace, undef, BIND);
}

1;

# Of shim.pl: a command inside a running container. With a terminal, file descriptor 3 brings its size: `COLUMNS ROWS`,
# a line for each change. Why a command could not be begun goes to descriptor 4 where the caller opened it, else to stderr.
use strict;

sub execute {
    my $failures = openFailures();
    eval { enterAndRun($failures); 1 } or print $failures $@;
    close $failures;
    leave(126);
}

sub openFailures {
    open my $failures, '>>&=', 4 or return *STDERR;
    my ($setFlags, $closeOnExec) = (2, 1);
    fcntl $failures, $setFlags, $closeOnExec;
    return $failures;
}

sub enterAndRun {
    my ($failures) = @_;
    my ($pid) = one('target');
    my %ns;
    for my $kind (qw(cgroup ipc uts net pid mnt)) { open $ns{$kind}, '<', "/proc/$pid/ns/$kind" or die "container is gone\n" }
    joinGroups();
    call('setns', "enter $_", fileno($ns{$_}), $main::new{$_}) for qw(cgroup ipc uts net pid mnt);
    close $_ for values %ns;
    my ($terminal, $number) = has('tty') ? openTerminal('/dev/ptmx') : ();
    my $line = $terminal && openLine($number);
    pipe my $alive, my $aliveEnd or die;
    my $child = fork;
    die "fork: $!\n" unless defined $child;
    if ($child == 0) {
        close $aliveEnd;
        try('setsid');
        ownTerminal($terminal, $line) if $terminal;
        eval { becomeProgram($alive); 1 } or print $failures $@;
        close $failures;
        leave($@ =~ /not found|no such file/ ? 127 : 126);
    }
    $SIG{HUP} = 'IGNORE';
    $SIG{TERM} = sub { kill 'KILL', $child };
    if ($terminal) { close $line; relay($terminal, $child) }
    else { close STDIN }
    my $interrupted = 4;
    1 while waitpid($child, 0) < 0 && $! == $interrupted;
    leave($? & 127 ? 128 + ($? & 127) : $? >> 8);
}

sub ownTerminal {
    my ($terminal, $line) = @_;
    close $terminal;
    if (open my $sizes, '<&=', 3) { close $sizes }
    takeLine($line);
}

# Between our stdio and the terminal until the command has ended. Input is read only when the last was taken.
sub relay {
    my ($terminal, $child) = @_;
    my $ended = call('pidfd_open', 'watch the command', $child, 0);
    open my $sizes, '<&=', 3 or die "terminal size: $!\n";
    my ($input, $sizeLines, $inputOpen) = ('', '', 1);
    while (1) {
        my ($read, $write) = ('', '');
        vec($read, $ended, 1) = 1;
        vec($read, fileno($terminal), 1) = 1;
        vec($read, fileno($sizes), 1) = 1 if $sizes;
        vec($read, 0, 1) = 1 if $inputOpen && $input eq '';
        vec($write, fileno($terminal), 1) = 1 if $input ne '';
        next if select($read, $write, undef, undef) < 0;
        if ($sizes && vec($read, fileno($sizes), 1)) {
            if (sysread $sizes, $sizeLines, 4096, length $sizeLines) {
                setSize($terminal, $1, $2) while $sizeLines =~ s/^(\d+) (\d+)\n//;
            } else { undef $sizes }
        }
        if ($inputOpen && vec($read, 0, 1)) {
            # Control-D: what a terminal has for the end of input.
            if (!sysread STDIN, $input, 65536) { $inputOpen = 0; $input = "\cD" }
        }
        if ($input ne '' && vec($write, fileno($terminal), 1)) {
            my $count = syswrite $terminal, $input;
            substr($input, 0, $count, '') if $count;
        }
        my $over = vec($read, $ended, 1);
        passOutput($terminal, $over) if $over || vec($read, fileno($terminal), 1);
        return if $over;
    }
}

sub passOutput {
    my ($terminal, $all) = @_;
    do {
        sysread $terminal, my $chunk, 65536 or return;
        while ($chunk ne '') { substr($chunk, 0, syswrite(STDOUT, $chunk) || leave(1), '') }
    } while ($all);
}

1;

# Of shim.pl: a terminal of a container's own /dev/pts, so that `tty` in the container finds its name.
use strict;

# The side that is not the program's, and the number of the other: /dev/pts/NUMBER.
sub openTerminal {
    my ($path) = @_;
    open my $terminal, '+<:raw', $path or die "$path: $!\n";
    my ($unlock, $number) = (pack('i', 0), pack('I', 0));
    ioctl $terminal, 0x40045431, $unlock or die "unlock terminal: $!\n";
    ioctl $terminal, 0x80045430, $number or die "name of terminal: $!\n";
    setSize($terminal, 80, 24);
    my ($readWrite, $nonBlocking) = (2, 2048);
    fcntl $terminal, 4, $readWrite | $nonBlocking or die "terminal: $!\n";
    return ($terminal, unpack('I', $number));
}

# The program's side, by its name in the container.
sub openLine {
    my ($number) = @_;
    my ($path, $noControl) = ("/dev/pts/$number", 0400);
    sysopen my $line, $path, 2 | $noControl or die "$path: $!\n";
    my ($uid) = one('user');
    chown $uid, 5, $path;
    return $line;
}

# It becomes this process's stdio and its session's terminal.
sub takeLine {
    my ($line) = @_;
    ioctl $line, 0x540E, 0;
    call('dup3', 'terminal', fileno($line), $_, 0) for 0 .. 2;
}

sub setSize {
    my ($terminal, $columns, $rows) = @_;
    ioctl $terminal, 0x5414, pack('S4', $rows, $columns, 0, 0);
}

1;

# Of shim.pl: sockets that the agent connects to. Their names may be long, so they are bound from their directory.
use strict;

sub listenAt {
    my ($directory, $name) = @_;
    chdir $directory or die "$directory: $!\n";
    unlink $name;
    socket my $listener, 1, 1, 0 or die "socket: $!\n";
    my $mask = umask 0177;
    bind $listener, pack('S a*', 1, "$name\0") or die "bind $directory/$name: $!\n";
    umask $mask;
    listen $listener, 128 or die "listen: $!\n";
    chdir '/';
    return $listener;
}

sub nonBlocking {
    my ($handle) = @_;
    my ($readWrite, $nonBlocking) = (2, 2048);
    return fcntl $handle, 4, $readWrite | $nonBlocking;
}

1;

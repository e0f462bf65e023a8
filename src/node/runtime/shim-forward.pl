# Of shim.pl: TCP connections to a pod's own localhost, for port-forward. Each connection to our socket begins with a
# line, the port. The answer is a line, `ok` or why not (IPv4's reason, then IPv6's); after `ok` bytes pass both ways.
use strict;

sub forward {
    my ($directory, $name) = one('listen');
    my $listener = listenAt($directory, $name);
    my ($netns) = one('netns');
    enter($netns, 'net') if defined $netns;
    $SIG{PIPE} = 'IGNORE';
    syswrite STDOUT, "ready\n";
    my %pair;
    # Its name goes with the pod, whose network must not stay for our sake.
    while (-e "$directory/$name") {
        my ($read, $write) = ('', '');
        vec($read, fileno($listener), 1) = 1;
        watchPair($_, \$read, \$write) for values %pair;
        next if select($read, $write, undef, 2) <= 0;
        for my $key (keys %pair) { delete $pair{$key} unless servePair($pair{$key}, $read, $write) }
        if (vec($read, fileno($listener), 1) && accept my $client, $listener) {
            nonBlocking($client);
            $pair{fileno $client} = { client => $client, request => '' };
        }
    }
}

# One that has no `flows` yet waits for its request, or for its connection.
sub watchPair {
    my ($pair, $read, $write) = @_;
    if ($pair->{flows}) {
        for my $flow (@{ $pair->{flows} }) {
            if ($flow->{bytes} ne '') { vec($$write, fileno($flow->{to}), 1) = 1 }
            elsif (!$flow->{ended}) { vec($$read, fileno($flow->{from}), 1) = 1 }
        }
    }
    elsif ($pair->{server}) { vec($$write, fileno($pair->{server}), 1) = 1 }
    else { vec($$read, fileno($pair->{client}), 1) = 1 }
}

# False when it is over.
sub servePair {
    my ($pair, $read, $write) = @_;
    if ($pair->{flows}) {
        passBytes($_, $read, $write) or return 0 for @{ $pair->{flows} };
        return scalar grep { !$_->{ended} || $_->{bytes} ne '' } @{ $pair->{flows} };
    }
    if ($pair->{server}) { return !vec($write, fileno($pair->{server}), 1) || connected($pair) }
    return 1 unless vec($read, fileno($pair->{client}), 1);
    sysread $pair->{client}, $pair->{request}, 16, length $pair->{request} or return 0;
    return length $pair->{request} < 16 unless $pair->{request} =~ /^(\d+)\n/;
    @$pair{qw(port families reasons)} = ($1, [4, 6], []);
    return nextFamily($pair);
}

# localhost is 127.0.0.1, and ::1 where nobody listens there.
sub nextFamily {
    my ($pair) = @_;
    my $family = shift @{ $pair->{families} };
    if (!defined $family) {
        syswrite $pair->{client}, join('|', @{ $pair->{reasons} }) . "\n";
        return 0;
    }
    my $address = $family == 4
        ? pack('S n a4 x8', 2, $pair->{port}, "\x7f\0\0\1")
        : pack('S n N a16 N', 10, $pair->{port}, 0, "\0" x 15 . "\1", 0);
    return 1 if startConnection($pair, $family == 4 ? 2 : 10, $address);
    return nextFamily($pair);
}

sub startConnection {
    my ($pair, $domain, $address) = @_;
    my ($server, $inProgress) = (undef, 115);
    if (!socket $server, $domain, 1, 0) { push @{ $pair->{reasons} }, 'socket: ' . lc $!; return 0 }
    nonBlocking($server);
    if (connect($server, $address) || $! == $inProgress) { $pair->{server} = $server; return 1 }
    push @{ $pair->{reasons} }, 'connect: ' . lc $!;
    return 0;
}

sub connected {
    my ($pair) = @_;
    my ($client, $server) = @$pair{qw(client server)};
    if (my $error = unpack 'i', getsockopt $server, 1, 4) {
        $! = $error;
        push @{ $pair->{reasons} }, 'connect: ' . lc $!;
        delete $pair->{server};
        return nextFamily($pair);
    }
    # The request's line is all that a client sends before the answer.
    syswrite $client, "ok\n";
    $pair->{flows} = [
        { from => $client, to => $server, bytes => '', ended => 0 },
        { from => $server, to => $client, bytes => '', ended => 0 },
    ];
    return 1;
}

# What was read is written before more is read. False when the connection is broken.
sub passBytes {
    my ($flow, $read, $write) = @_;
    my $again = 11;
    if ($flow->{bytes} eq '' && !$flow->{ended} && vec($read, fileno($flow->{from}), 1)) {
        my $count = sysread $flow->{from}, $flow->{bytes}, 262144;
        return $! == $again unless defined $count;
        if ($count == 0) { $flow->{ended} = 1; shutdown $flow->{to}, 1 }
    }
    return 1 if $flow->{bytes} eq '';
    my $count = syswrite $flow->{to}, $flow->{bytes};
    return $! == $again unless defined $count;
    substr($flow->{bytes}, 0, $count, '');
    return 1;
}

1;

# Of shim.pl: the clients that are attached to a container, loaded with the first of them. Frames both ways: a byte that
# says what it is, four for the length, the bytes (attachment.ts has the same table):
#   0 stdin  1 stdout  2 stderr  3 what the client wants, words  4 the terminal's size, `COLUMNS ROWS`  5 end of stdin
use strict;

my %client;
my %input = (bytes => '', closing => 0);
# What waits for the container or for a client, before we stop reading.
my $heldMax = 262144;

sub acceptClient {
    my ($listener) = @_;
    accept my $socket, $listener or return;
    nonBlocking($socket);
    $client{fileno $socket} = { socket => $socket, in => '', out => '', wants => {} };
}

# Whether the container must wait for a client.
sub clogged { return scalar grep { length $_->{out} > $heldMax } values %client }

sub watchClients {
    my ($stdin, $read, $write) = @_;
    for my $one (values %client) {
        vec($$read, fileno($one->{socket}), 1) = 1 if length $input{bytes} < $heldMax;
        vec($$write, fileno($one->{socket}), 1) = 1 if $one->{out} ne '';
    }
    vec($$write, fileno($stdin), 1) = 1 if $stdin && $input{bytes} ne '';
}

# Returns the container's stdin, or nothing once that is closed.
sub serveClients {
    my ($stdin, $terminal, $read, $write) = @_;
    for my $key (keys %client) {
        my $one = $client{$key};
        my $fine = !vec($write, $key, 1) || flushClient($one);
        $fine &&= readClient($one, $terminal) if $fine && vec($read, $key, 1);
        dropClient($key, $terminal) unless $fine;
    }
    if ($stdin && $input{bytes} ne '') {
        my $count = syswrite $stdin, $input{bytes};
        my $again = 11;
        if (defined $count) { substr($input{bytes}, 0, $count, '') }
        elsif ($! != $again) { @input{qw(bytes closing)} = ('', 1) }
    }
    if ($stdin && $input{closing} && $input{bytes} eq '') {
        close $stdin unless $terminal;
        undef $stdin;
    }
    # What is sent to a container without input, or none any more, is dropped.
    @input{qw(bytes closing)} = ('', 1) unless $stdin;
    return $stdin;
}

# The one client whose stdin was to be the container's ends it by leaving, too.
sub dropClient {
    my ($key, $terminal) = @_;
    my $one = delete $client{$key};
    $input{closing} = 1 if $one->{wants}{stdin} && isOnce($terminal);
}

sub isOnce { my ($terminal) = @_; my ($how) = one('stdin'); return !$terminal && defined $how && $how eq 'once' }

sub flushClient {
    my ($one) = @_;
    my $again = 11;
    my $count = syswrite $one->{socket}, $one->{out};
    return $! == $again unless defined $count;
    substr($one->{out}, 0, $count, '');
    return 1;
}

sub readClient {
    my ($one, $terminal) = @_;
    my $count = sysread $one->{socket}, $one->{in}, 65536, length $one->{in};
    my $again = 11;
    return $! == $again unless defined $count;
    return 0 if $count == 0;
    while (length $one->{in} >= 5) {
        my ($what, $length) = unpack 'C N', $one->{in};
        last if length $one->{in} < 5 + $length;
        my $bytes = substr $one->{in}, 5, $length;
        substr($one->{in}, 0, 5 + $length, '');
        if ($what == 0) { $input{bytes} .= $bytes unless $input{closing} }
        elsif ($what == 3) { $one->{wants}{$_} = 1 for split ' ', $bytes }
        elsif ($what == 4) { setSize($terminal, $1, $2) if $terminal && $bytes =~ /^(\d+) (\d+)$/ }
        # Where the container's stdin stays open, its client only leaves.
        elsif ($what == 5) { return 0 unless isOnce($terminal); $input{closing} = 1 }
    }
    return 1;
}

sub passToClients {
    my ($name, $bytes) = @_;
    my $what = $name eq 'stdout' ? 1 : 2;
    $_->{out} .= pack('C N', $what, length $bytes) . $bytes for grep { $_->{wants}{$name} } values %client;
}

# The container's output has ended: clients get what they have not yet, if they take it soon. Then they are told the end
# and leave by themselves: a socket that we closed with input unread in it would reset the connection, and with it goes
# what the client has not read.
sub releaseClients {
    my $deadline = time + 10;
    while (%client && time < $deadline) {
        my ($read, $write) = ('', '');
        for my $one (values %client) {
            if ($one->{out} eq '') { shutdown $one->{socket}, 1 unless $one->{told}++ }
            else { vec($write, fileno($one->{socket}), 1) = 1 }
            vec($read, fileno($one->{socket}), 1) = 1;
        }
        next if select($read, $write, undef, 1) <= 0;
        for my $key (keys %client) {
            my $one = $client{$key};
            my $fine = !vec($write, $key, 1) || flushClient($one);
            $fine &&= stillThere($one->{socket}) if $fine && vec($read, $key, 1);
            delete $client{$key} unless $fine;
        }
    }
}

# Reads and drops what nobody wants any more.
sub stillThere {
    my ($socket) = @_;
    my $again = 11;
    my $count = sysread $socket, my $dropped, 65536;
    return defined $count ? $count : $! == $again;
}

1;

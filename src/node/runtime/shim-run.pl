# Of shim.pl: the process that stays beside a container, for its log and its end.
use strict;

sub run {
    try('setsid');
    my ($log, $limit) = one('log');
    my ($files) = one('keep');
    my ($directory) = one('record');
    my $listener = listenAt($directory, 'attach');
    part('terminal') if has('tty');
    my %pipe = map { pipe my $out, my $in or die; ($_ => { out => $out, in => $in }) } qw(stdin stdout stderr failed alive);
    my %terminal = has('tty') ? map { pipe my $out, my $in or die; ($_ => { out => $out, in => $in }) } qw(ready number) : ();
    my ($processes) = one('pidns');
    if (!defined $processes) { call('unshare', 'unshare pid', $main::new{pid}) }
    elsif ($processes ne 'host') { enter($processes, 'pid') }
    my $pid = fork;
    die "fork: $!\n" unless defined $pid;
    if ($pid == 0) {
        close $_ for $listener, $pipe{stdin}{in}, (map { $pipe{$_}{out} } qw(stdout stderr failed)), $pipe{alive}{in};
        my $failed = $pipe{failed}{in};
        # Not in this process, which stays: what is loaded stays with it.
        eval { dieWithParent($pipe{alive}{out}); part('program'); part('container'); container(\%pipe, \%terminal); 1 }
            or print $failed $@;
        close $failed;
        leave(128);
    }
    close $_ for $pipe{stdin}{out}, (map { $pipe{$_}{in} } qw(stdout stderr failed)), $pipe{alive}{out};
    my $terminal = giveTerminal($pid, %terminal);
    my $failure = do { local $/; my $failed = $pipe{failed}{out}; <$failed> };
    if (defined $failure && $failure ne '') {
        waitpid $pid, 0;
        recordEnd(128, 0, $failure);
        exit 0;
    }
    writeAtomically("$directory/started", join(' ', $pid, startTime($pid), $$, startTime($$), now()) . "\n");
    event();
    $SIG{$_} = 'IGNORE' for qw(TERM INT HUP PIPE);
    my %stream = $terminal ? (stdout => $terminal) : (stdout => $pipe{stdout}{out}, stderr => $pipe{stderr}{out});
    my $stdin = has('stdin') ? $terminal || $pipe{stdin}{in} : undef;
    delete @pipe{qw(stdin stdout stderr)};
    nonBlocking($stdin) if $stdin;
    # What it leaves in a process namespace that is not its own would keep its output open.
    my $ended = defined $processes ? call('pidfd_open', 'watch the container', $pid, 0) : undef;
    my %own = (listener => $listener, stdin => $stdin, terminal => $terminal, ended => $ended);
    collect($log, $limit, $files, \%stream, \%own);
    waitpid $pid, 0;
    my $signal = $? & 127;
    recordEnd($signal ? 128 + $signal : $? >> 8, $signal, '');
}

# The terminal is the container's own, so it is opened when the container has its /dev; our side stays with us.
sub giveTerminal {
    my ($pid, %pipe) = @_;
    return unless %pipe;
    close $_ for $pipe{ready}{in}, $pipe{number}{out};
    # Nothing comes from a container that cannot be made; why not, it tells elsewhere.
    sysread $pipe{ready}{out}, my $line, 1 or return;
    my ($terminal, $number) = openTerminal("/proc/$pid/root/dev/pts/ptmx");
    syswrite $pipe{number}{in}, "$number\n";
    return $terminal;
}

sub recordEnd {
    my ($code, $signal, $message) = @_;
    my ($directory) = one('record');
    writeAtomically("$directory/exit", join(' ', $code, $signal, now(), outOfMemory()) . "\n$message");
    event();
}

# How many of its processes the kernel ended for want of memory.
sub outOfMemory {
    for my $group (operands('cgroup')) {
        for my $file (qw(memory.events memory.oom_control)) {
            open my $in, '<', "$group->[0]/$file" or next;
            return $1 if join('', <$in>) =~ /^oom_kill (\d+)/m;
        }
    }
    return 0;
}

# What the program left in a process namespace that is not its own.
sub endOthers {
    my ($group) = one('cgroup') or return;
    for (1 .. 500) {
        open my $in, '<', "$group/cgroup.procs" or return;
        my @left = map { /(\d+)/ ? $1 : () } <$in>;
        return unless @left;
        kill 'KILL', @left;
        select undef, undef, undef, 0.002;
    }
}

# Tells the agent, which watches one directory for all pods, that something is new.
# The shims of a pod do so at the same time, into one file: what one of them misses, the other has told.
sub event {
    my ($path) = one('event');
    open my $out, '>', $path or return;
    print $out "\n";
    close $out;
}

# Both streams into one file, a line each, as the CRI writes them: TIME STREAM F|P TEXT. And to whoever is attached.
sub collect {
    my ($path, $limit, $files, $stream, $own) = @_;
    my ($listener, $stdin, $terminal, $ended) = @$own{qw(listener stdin terminal ended)};
    my %pending = map { $_ => '' } keys %$stream;
    my $handle = openLog($path);
    my $size = -s $handle;
    my $attached = 0;
    while (%$stream) {
        my ($read, $write) = ('', '');
        vec($read, fileno($listener), 1) = 1;
        vec($read, $ended, 1) = 1 if defined $ended;
        unless ($attached && clogged()) { vec($read, fileno($_), 1) = 1 for values %$stream }
        watchClients($stdin, \$read, \$write) if $attached;
        next if select($read, $write, undef, undef) < 0;
        if (defined $ended && vec($read, $ended, 1)) { endOthers(); undef $ended }
        if (vec($read, fileno($listener), 1)) {
            part('attach') unless $attached++;
            acceptClient($listener);
        }
        $stdin = serveClients($stdin, $terminal, $read, $write) if $attached;
        for my $name (qw(stdout stderr)) {
            next unless $stream->{$name} && vec($read, fileno($stream->{$name}), 1);
            my $count = sysread $stream->{$name}, my $chunk, 65536;
            my $again = 11;
            next if !defined $count && $! == $again;
            delete $stream->{$name}, $chunk = '' unless $count;
            passToClients($name, $chunk) if $attached && $count;
            my $text = lines($name, \$pending{$name}, $chunk, !$count);
            next if $text eq '';
            if ($size > 0 && $size + length($text) > $limit) {
                close $handle;
                putAway($path, $files);
                $handle = openLog($path);
                $size = 0;
            }
            syswrite $handle, $text;
            $size += length $text;
        }
    }
    releaseClients() if $attached;
}

# Of those put away, PATH.1 is the newest; with the one being written there are $files at most.
sub putAway {
    my ($path, $files) = @_;
    rename "$path.$_", "$path." . ($_ + 1) for reverse 1 .. $files - 2;
    rename $path, "$path.1";
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

1;

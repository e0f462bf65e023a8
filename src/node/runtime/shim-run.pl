# Of shim.pl: the process that stays beside a container, for its log and its end.
use strict;

sub run {
    try('setsid');
    my ($log, $limit) = one('log');
    pipe my $out, my $outEnd or die;
    pipe my $err, my $errEnd or die;
    pipe my $failed, my $failedEnd or die;
    pipe my $alive, my $aliveEnd or die;
    call('unshare', 'unshare pid', $main::new{pid});
    my $pid = fork;
    die "fork: $!\n" unless defined $pid;
    if ($pid == 0) {
        close $_ for $out, $err, $failed, $aliveEnd;
        eval { dieWithParent($alive); container($alive, $outEnd, $errEnd); 1 } or print $failedEnd $@;
        close $failedEnd;
        leave(128);
    }
    close $_ for $outEnd, $errEnd, $failedEnd, $alive;
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

1;

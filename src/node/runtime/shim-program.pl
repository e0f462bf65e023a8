# Of shim.pl: the last steps before a program runs, the same for containers and for commands in them.
use strict;

# The program takes over this process: directory, capabilities, user, environment.
sub becomeProgram {
    my ($alive) = @_;
    my ($cwd) = one('cwd');
    makeDirectory($cwd) unless -e $cwd;
    chdir $cwd or die "chdir to cwd (\"$cwd\") set in config.json failed: " . lc($!) . "\n";
    my ($keep) = one('caps');
    my ($high, $low) = (hex(substr $keep, 0, 8), hex(substr $keep, 8, 8));
    for my $capability (0 .. 40) {
        my $word = $capability < 32 ? $low : $high;
        # Numbers above what this kernel knows are an error that does not matter.
        try('prctl', 24, $capability, 0, 0, 0) unless $word >> ($capability % 32) & 1;
    }
    filterCalls();
    my ($uid, $gid, $groups) = one('user');
    $) = "$gid " . ($groups eq '' ? $gid : $groups);
    call('setgid', 'group', $gid + 0);
    call('setuid', 'user', $uid + 0) if $uid != 0;
    # A program whose shim is killed must not live on unseen. Changing user clears this, so it comes after.
    dieWithParent($alive);
    call('prctl', 'no_new_privs', 38, 1, 0, 0, 0) if has('nonewprivs');
    %ENV = map { $_->[0] => $_->[1] } operands('env');
    my @command = map { $_->[0] } operands('arg');
    umask 0022;
    $SIG{$_} = 'DEFAULT' for qw(PIPE HUP INT TERM CHLD);
    local $^W = 0;
    { exec { $command[0] } @command }
    my $noEntry = 2;
    my $what = $! == $noEntry && $command[0] !~ m{/} ? 'executable file not found in $PATH' : lc $!;
    die "exec: \"$command[0]\": $what\n";
}

# While we still may without no_new_privs.
sub filterCalls {
    my ($hex) = one('seccomp') or return;
    my $filter = pack 'H*', $hex;
    my $program = pack 'S x6 P', length($filter) / 8, $filter;
    call('prctl', 'seccomp filter', 22, 2, $program, 0, 0);
}

1;

#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# run.pl COMMAND-FILE   Run it by a shell, its output to descriptors 7 and 8.
# Pipes lie between, so that programs see no terminal.  What the command leaves
# running has no say in when this ends.  The exit code is the command's, or 128
# and the signal.
use strict;
use warnings;
use Fcntl;
use POSIX ();

my ($command) = @ARGV;
my (%to, %open, @from, @into);
for my $fd (7, 8) {
	pipe(my $r, my $w) or die "pipe: $!";
	fcntl($r, F_SETFL, O_NONBLOCK) or die "fcntl: $!";
	push @from, $r;
	$open{fileno $r} = 1;
	push @into, $w;
	$to{fileno $r} = $fd;
}
$SIG{CHLD} = sub { };
my $pid = fork // die "fork: $!";
if ($pid == 0) {
	open STDIN, '<', '/dev/null';
	POSIX::dup2(fileno $into[0], 1);
	POSIX::dup2(fileno $into[1], 2);
	POSIX::close($_) for 7, 8, 9;
	$SIG{CHLD} = 'DEFAULT';
	exec 'sh', $command;
	POSIX::_exit(127);
}
close $_ for @into;

# What there is now; a port takes it as fast as it can.
sub pass {
	for my $r (@from) {
		my $n;
		while ($n = sysread $r, my $text, 65536) {
			my $at = 0;
			while ($at < $n) {
				$at += POSIX::write($to{fileno $r},
				    substr($text, $at), $n - $at) || 0;
			}
		}
		delete $open{fileno $r} if defined $n;	# its end
	}
}

while (1) {
	my $ended = waitpid($pid, POSIX::WNOHANG()) == $pid;
	my $status = $?;
	pass();
	exit($status & 127 ? 128 + ($status & 127) : $status >> 8) if $ended;
	my $bits = '';
	vec($bits, $_, 1) = 1 for keys %open;
	select $bits, undef, undef, 0.1;
}

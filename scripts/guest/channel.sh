#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# Commands for a test, on ttyS1: one line in, its output back, then \001 and the
# exit code.
stty -F /dev/ttyS1 raw -echo 115200
exec 3<>/dev/ttyS1
printf 'ready\001\n' >&3
# Not in process 1: whatever a command leaves behind becomes its child, and as
# one ends, the shell's `read` begins anew and what it has of a line is lost.
while read -r line <&3; do
	# The interpreter may die (kill, exec); the loop must not.
	busybox sh -c "$line" >&3 2>&1 </dev/null
	printf '\n\001%d\n' $? >&3
done

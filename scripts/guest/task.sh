#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What `hvnet vm --run` gave: a command, a folder to take out.  The ports: ttyS1
# is the command's standard output, ttyS2 its standard error, ttyS3 tells how it
# went.
for tty in ttyS1 ttyS2 ttyS3; do
	stty -F /dev/$tty raw -echo 115200
done
exec 7>/dev/ttyS1 8>/dev/ttyS2 9>/dev/ttyS3
if [ -e /run/hvnet/copy-failed ]; then
	cat /run/hvnet/copy-failed >&8
	echo "bad --copy: no room in the machine, or not a path there" >&9
	exit 1
fi
echo start >&9
cd /root
/run/hvnet/run.pl /run/hvnet/command
code=$?
to=$(/run/hvnet/disk.sh hvnet-fetch)
if [ -n "$to" ]; then
	read -r path </run/hvnet/fetch
	if [ ! -e "$path" ]; then
		echo "bad --fetch: the machine has no $path" >&9
	elif ! tar -cf - -C "$(dirname "$path")" "$(basename "$path")" |
	    dd "of=$to" bs=1M conv=fsync 2>/dev/null; then
		echo "bad --fetch: $path does not fit" >&9
	fi
fi
# Setting a port waits until all is sent.
stty -F /dev/ttyS1 raw
stty -F /dev/ttyS2 raw
echo "exit $code" >&9
stty -F /dev/ttyS3 raw

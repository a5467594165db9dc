#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# Process 1 of a test's virtual machine.  ttyS0 is the kernel's console, ttyS1
# carries commands: one line in, its output back, then \001 and the exit code.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mkdir -p /dev/pts /run
ip link set lo up
hostname vm
grep -q noload /proc/cmdline || for m in $(cat /modules); do
	insmod "/lib/modules/$m.ko"
done
stty -F /dev/ttyS1 raw -echo 115200
exec 3<>/dev/ttyS1
printf 'ready\001\n' >&3
# Not in process 1: whatever a command leaves behind becomes its child, and as
# one ends, the shell's `read` begins anew and what it has of a line is lost.
(
	while read -r line <&3; do
		# The interpreter may die (kill, exec); the loop must not.
		sh -c "$line" >&3 2>&1 </dev/null
		printf '\n\001%d\n' $? >&3
	done
)
poweroff -f

#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# Load the driver of the synthetic NICs and wait until each has an interface.
grep -qw noload /proc/cmdline && exit 0
modprobe hv_netvsc 2>/dev/null
class=f8615163-df3e-46c5-913f-f2d2f965ed0e
n=0
while [ $n -lt 50 ]; do
	found= waiting=
	for d in /sys/bus/vmbus/devices/*; do
		[ -e "$d/class_id" ] && read -r id <"$d/class_id" || continue
		[ "$id" = "{$class}" ] || continue
		found=1
		[ -d "$d/net" ] || waiting=1
	done
	[ -z "$found" ] || [ -n "$waiting" ] || exit 0
	n=$((n + 1))
	sleep 0.1
done

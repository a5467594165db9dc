#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# disk.sh NAME   The disk that hvnet vm gave that name, as its serial number.
for d in /sys/block/vd*; do
	serial=
	[ -e "$d/serial" ] && read -r serial <"$d/serial"
	[ "$serial" != "$1" ] || echo "/dev/${d##*/}"
done

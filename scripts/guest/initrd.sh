#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# Process 1 of a machine's initial root: finds the Debian root and starts it.
b=/bin/busybox

fail() {
	echo "hvnet: $*"
	$b sleep 1
	$b poweroff -f
}

disk() {
	$b sh /hvnet/disk.sh "$1"
}

$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for m in /modules/*; do
	[ -e "$m" ] && $b insmod "$m"
done
root=$(disk hvnet-root)
[ -n "$root" ] || fail "this kernel shows no disk: it needs CONFIG_VIRTIO_PCI" \
    "and CONFIG_VIRTIO_BLK, built in, or as modules that --modules names"
$b mount -t ext4 -o noatime,noinit_itable "$root" /root ||
    fail "this kernel cannot mount the root: it needs CONFIG_EXT4_FS, built" \
    "in, or as a module that --modules names"
modules=$(disk hvnet-modules)
[ -z "$modules" ] || $b mount -t ext4 -o ro "$modules" /root/lib/modules
$b mount -t tmpfs -o mode=755 run /root/run
$b cp -r /hvnet /root/run/hvnet
init=/run/hvnet/init.sh
for word in $($b cat /proc/cmdline); do
	[ "$word" != hvnet.init=systemd ] || init=/run/hvnet/systemd.sh
done
for d in proc sys dev; do
	$b mount -o move /$d /root/$d
done
exec $b switch_root /root "$init"

# SPDX-License-Identifier: BSD-2-Clause
# A hook of mmdebstrap: makes its new root, $1, that of a machine.
set -eu
root=$1
echo vm >"$root/etc/hostname"
printf '127.0.0.1 localhost vm\n::1 localhost\n' >"$root/etc/hosts"
# systemd's first boot would choose one, and more.
echo 68766e65740040008000000000000001 >"$root/etc/machine-id"
# root logs in without a password.
sed -i 's/^root:[^:]*:/root::/' "$root/etc/shadow"
mkdir -p "$root/lib/modules"
# Nothing of itself, no network of itself: the machine is the user's.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    e2scrub_all.timer e2scrub_reap.service fstrim.timer \
    systemd-timesyncd.service systemd-networkd-wait-online.service; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
# What Debian has no program for here, busybox has: nc, vconfig, ifconfig ...
chroot "$root" sh -c 'for a in $(busybox --list); do
	command -v "$a" >/dev/null || ln -s /bin/busybox "/usr/local/bin/$a"
done'
# Without systemd as process 1 its own would look for it.
for how in poweroff reboot halt; do
	cat >"$root/usr/local/sbin/$how" <<END
#!/bin/sh
[ -d /run/systemd/system ] && exec /sbin/$how "\$@"
exec busybox $how -f
END
	chmod 755 "$root/usr/local/sbin/$how"
done

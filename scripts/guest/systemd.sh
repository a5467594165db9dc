#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Process 1 becomes systemd; a task or a channel is a service of it.
/run/hvnet/copies.sh
units=/run/systemd/system
mkdir -p $units/multi-user.target.wants \
    $units/serial-getty@ttyS0.service.d
cat >$units/serial-getty@ttyS0.service.d/autologin.conf <<END
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --noclear --keep-baud 115200 %I vt220
END
for what in task channel; do
	grep -qw hvnet.$what /proc/cmdline || continue
	cat >$units/hvnet.service <<END
[Unit]
After=basic.target
[Service]
Type=idle
Environment=HOME=/root
ExecStartPre=/run/hvnet/nics.sh
ExecStart=/run/hvnet/$what.sh
ExecStopPost=/usr/bin/systemctl poweroff --force --force
END
	ln -s ../hvnet.service $units/multi-user.target.wants/hvnet.service
done
exec /sbin/init

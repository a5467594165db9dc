#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Run apt-get; while another apt is at work, wait, ten minutes at most.
# Usage: scripts/apt-wait.sh ARGUMENTS-OF-APT-GET
# apt itself can wait for dpkg's lock, but not for the one of its package lists.
set -u
export LC_ALL=C
said=$(mktemp)
trap 'rm -f "$said"' EXIT
tries=300
while :; do
	apt-get -o DPkg::Lock::Timeout=600 "$@" 2>"$said" && rc=0 || rc=$?
	[ $rc != 0 ] && [ $tries -gt 0 ] || break
	grep -q 'Could not get lock' "$said" || break
	[ $tries != 300 ] || echo "apt-wait: another apt is at work" >&2
	tries=$((tries - 1))
	sleep 2
done
cat "$said" >&2
exit $rc

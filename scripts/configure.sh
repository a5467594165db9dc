#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# configure.sh BUILD PREFIX: configure a build folder, once, and again when what
# it was configured with has changed: compiler, flags, DPDK.  meson itself reads
# those only the first time.  As root in a folder that a user built, it acts as
# that user.
set -eu
build=$1 prefix=$2
dpdk=$(pkg-config --modversion libdpdk 2>/dev/null) || dpdk=none
now="CC=${CC:-} CFLAGS=${CFLAGS:-} LDFLAGS=${LDFLAGS:-} dpdk=$dpdk"
note=$build/.configured-with
before=$(cat "$note" 2>/dev/null) || before=
if [ -e "$build/build.ninja" ] && [ "$now" = "$before" ]; then
	exit 0
fi
how=
if [ -e "$build/build.ninja" ]; then
	how=--wipe
	echo "configured anew: $now"
fi
output=$(meson setup $how "$build" --buildtype=release -Ddebug=true \
    --prefix="$prefix") || { echo "$output" | tail -n 4 >&2; exit 1; }
echo "$now" >"$note"

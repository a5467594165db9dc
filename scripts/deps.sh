#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Install the Debian packages that hvnet builds and is tested with.
# Usage: scripts/deps.sh [build|demo|check|full]
# Each includes the one before.
set -eu
build="gcc clang make meson ninja-build pkg-config python3 libc6-dev
libbpf-dev bpftool libevent-dev libinih-dev libjansson-dev libmnl-dev
libpcap-dev libcmocka-dev iproute2"
demo="iperf3 iputils-ping"
check="libclang-rt-14-dev llvm python3-pytest gcc-multilib ethtool tcpdump
tshark spin man-db procps git dpdk libdpdk-dev dpdk-dev valgrind
mmdebstrap kmod e2fsprogs"
full="debhelper dpkg-dev lintian"
case "${1:-build}" in
build)	want="$build" ;;
demo)	want="$build $demo" ;;
check)	want="$build $demo $check" ;;
full)	want="$build $demo $check $full" ;;
*)	echo "deps.sh: build, demo, check or full, not '$1'" >&2; exit 2 ;;
esac
if ! command -v dpkg-query >/dev/null; then
	echo "deps.sh: no dpkg here, so packages are not looked for; wanted," \
	    "by Debian's names: $(echo $want)" >&2
	exit 0
fi
missing=
for p in $want; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
	    grep -q 'ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "deps.sh: not root; install by hand:$missing" >&2
	exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt=$(dirname "$0")/apt-wait.sh
"$apt" update -qq
# shellcheck disable=SC2086
"$apt" install -y -qq --no-install-recommends $missing >/dev/null

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Compile every header by itself: each must be self-contained.
# Usage: scripts/check_headers.sh BUILD_DIR     (for generated headers)
set -u
build=$1
flags="-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter -Icore -I.
-Ilinux/port -I$build/linux/net $(pkg-config --cflags libevent jansson libmnl)"
bad=0
for h in $(git ls-files '*.h' | grep -v -e '^qemu/' -e '^freebsd/' \
    -e '/port/' -e '^tests/freestanding/'); do
	more=
	case $h in
	tests/freebsd/*)	# <hvn_kernel.h> is the stand-in's
		more=-Itests/freebsd ;;
	tests/dpdk/*)		# where Debian's libdpdk-dev is there
		more=$(pkg-config --cflags libdpdk 2>/dev/null) || continue ;;
	esac
	# shellcheck disable=SC2086
	if ! echo "#include \"$h\"" |
	    ${CC:-gcc} $flags $more -x c -fsyntax-only -; then
		echo "$h: not self-contained"
		bad=1
	fi
done
exit $bad

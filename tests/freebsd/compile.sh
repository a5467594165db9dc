#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Compile the driver's module against the FreeBSD source trees (each has sys/
# and share/mk) that HVNET_FREEBSD_SRC names, blanks between them: with clang,
# bmake and the trees' own rules for modules.  Nothing of FreeBSD is built.
# Reports by TAP.  HVNET_FREEBSD_OUT=DIR keeps the modules.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}
[ -n "${HVNET_FREEBSD_SRC:-}" ] ||
	skip "HVNET_FREEBSD_SRC names no FreeBSD source tree"
for tool in bmake clang ld.lld; do
	command -v $tool >/dev/null || skip "there is no $tool"
done
cc="clang --target=x86_64-unknown-freebsd -Wno-unknown-warning-option"
n=0
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for src in $HVNET_FREEBSD_SRC; do
	n=$((n + 1))
	mkdir "$out/$n"
	version=$(sed -n 's/^#define __FreeBSD_version \([0-9]*\).*/\1/p' \
	    "$src/sys/sys/param.h")
	# All symbols are exported: what picks them needs FreeBSD's awk.
	if bmake -C "$top/freebsd" -m "$src/share/mk" -s \
	    SYSDIR="$src/sys" SRCTOP="$src" MACHINE=amd64 MACHINE_ARCH=amd64 \
	    MAKEOBJDIR="$out/$n" __MAKE_CONF=/dev/null SRCCONF=/dev/null \
	    SRC_ENV_CONF=/dev/null MK_CTF=no MK_KERNEL_SYMBOLS=no MK_MAN=no \
	    WITHOUT_CTF=yes EXPORT_SYMS=YES WERROR=-Werror \
	    ${HVNET_FREEBSD_MAKE:-} \
	    FORMAT_EXTENSIONS=-D__printf__=__freebsd_kprintf__ \
	    CC="$cc" LD=ld.lld OBJCOPY=objcopy NM=nm if_hvn.ko \
	    >"$out/$n/log" 2>&1; then
		echo "ok $n - FreeBSD $version"
	else
		sed 's/^/# /' "$out/$n/log" | tail -60
		echo "not ok $n - FreeBSD $version"
	fi
	if [ -n "${HVNET_FREEBSD_OUT:-}" ] && [ -e "$out/$n/if_hvn.ko" ]; then
		cp "$out/$n/if_hvn.ko" "$HVNET_FREEBSD_OUT/if_hvn-$version.ko"
	fi
done
echo "1..$n"

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Compile core/ with no libc, for one compiler and target.
# Usage: scripts/check_freestanding.sh gcc|gcc32|clang|clang32|aarch64|be
# Objects go to a temporary folder; what matters is that nothing is missing.
set -eu
warn="-Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow -Wvla -Werror
-Wmissing-prototypes -Wno-unused-parameter -Wno-missing-field-initializers
-Wno-atomic-alignment"
case "${1:-}" in
gcc)	 cc="gcc" ; warn=${warn%-Wno-atomic-alignment} ;;
gcc32)	 cc="gcc -m32" ; warn=${warn%-Wno-atomic-alignment} ;;
clang)	 cc="clang" ;;
clang32) cc="clang -m32" ;;
aarch64) cc="clang --target=aarch64-linux-gnu" ;;
be)	 cc="clang --target=powerpc64-linux-gnu" ;;
*)	 echo "usage: $0 gcc|gcc32|clang|clang32|aarch64|be" >&2; exit 2 ;;
esac
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
own=$($cc -print-file-name=include)
n=0
for f in core/*/*.c; do
	# shellcheck disable=SC2086
	$cc -std=gnu11 -O2 -ffreestanding -nostdinc -isystem "$own" $warn \
	    -fno-strict-aliasing -Icore -Itests/freestanding \
	    -c "$f" -o "$out/$(basename "$f" .c).o"
	n=$((n + 1))
done
echo "$n files"

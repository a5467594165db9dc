#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Make a static library of one object, whose global names are few: what other
# names a program has then cannot clash with ours.
# Usage: scripts/one_object.sh PATTERN OUT.a IN.a CC [FLAG...]
#	PATTERN: the names that stay global, as objcopy -w takes them
set -eu
names=$1 out=$2 in=$3
shift 3
object=${out%.a}.o
trap 'rm -f "$object"' EXIT
"$@" -r -nostdlib -o "$object" -Wl,--whole-archive "$in" -Wl,--no-whole-archive
objcopy -w --keep-global-symbol="$names" "$object"
rm -f "$out"
ar rcsD "$out" "$object"

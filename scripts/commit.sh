#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The commit of this tree, for `hvnet --version`: from git, with a + if files
# differ from it; in a tarball of `git archive` from scripts/commit.txt, which
# git fills in; else "unknown".
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
# Not that of a repository around an unpacked tarball.
if [ "$(git -C "$top" rev-parse --show-toplevel 2>/dev/null)" = "$top" ]; then
	git -C "$top" describe --always --abbrev=12 --exclude '*' --dirty=+
	exit
fi
commit=$(cat "$top/scripts/commit.txt")
case "$commit" in
*'$'* | '')	echo unknown ;;
*)		echo "$commit" ;;
esac

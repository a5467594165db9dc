#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The main job in under three minutes; see scripts/demo.py.
set -eu
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
	echo "make demo needs root: it makes network namespaces and TAPs" >&2
	exit 1
fi
scripts/deps.sh demo
exec python3 scripts/demo.py "$@"

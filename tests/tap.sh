#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tap.sh PROGRAM [ARG ...]: run a cmocka program, TAP on stdout.  cmocka says
# `not ok N # SKIP` of a test that was skipped, which meson takes for a failure;
# here it is `ok`.  The exit status is the program's: a crash stays one.
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM
CMOCKA_MESSAGE_OUTPUT=TAP "$@" >"$out"
rc=$?
sed 's/^not ok \([0-9]* # SKIP\)/ok \1/' "$out"
exit $rc

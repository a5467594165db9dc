#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Check the Spin models, and that each mutant of them fails: TAP on stdout.
# usage: run.sh            SPIN_N=5 runs the ring with more packets than 4
set -u
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v spin >/dev/null || ! command -v "${CC:-cc}" >/dev/null; then
	echo "1..0 # SKIP spin or a C compiler is missing"
	exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work" || exit 1
count=0
failed=0

# check MODEL pass|fail N [SWITCH]
check() {
	count=$((count + 1))
	name="$1${4:+ with $4}: must $2"
	spin -DN="$3" ${4:+-D$4} -a "$here/$1.pml" >spin.log 2>&1 &&
	    "${CC:-cc}" -O1 -w -DSAFETY -DCOLLAPSE -o pan pan.c \
	    >>spin.log 2>&1 &&
	    ./pan -m100000 >pan.log 2>&1
	# The verdict is what pan counted; a run that died has none.
	errors=$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' pan.log 2>/dev/null)
	if grep -q 'max search depth too small' pan.log 2>/dev/null; then
		errors=
	fi
	case "$2:${errors:-none}" in
	pass:0 | fail:[1-9]*)
		echo "ok $count - $name" ;;
	*)
		failed=$((failed + 1))
		echo "not ok $count - $name"
		echo "# errors: ${errors:-none, the run did not finish}"
		cat spin.log pan.log 2>/dev/null | sed 's/^/# /' | tail -n 20
		echo "# to reproduce: spin -DN=$3 ${4:+-D$4 }-a" \
		    "tests/model/$1.pml; cc -DSAFETY pan.c -o pan; ./pan;" \
		    "spin -DN=$3 ${4:+-D$4 }-t -p -g tests/model/$1.pml" ;;
	esac
	rm -f pan pan.* ./*.trail spin.log
}

check ring pass "${SPIN_N:-4}"
# Not needed for wake-ups as long as the full barriers stand: docs/ring.md.
check ring pass 3 NO_ACQUIRE_E
for switch in NO_BARRIER_A_WRITER NO_BARRIER_A_READER NO_RECHECK_MASK \
    NO_RELEASE_B NO_ACQUIRE_B NO_RELEASE_C NO_BARRIER_D_WRITER \
    NO_BARRIER_D_READER NO_RECHECK_SPACE WAIT_BEFORE_COMMIT \
    UNMASK_BEFORE_COMMIT EDGE_AT_LAST_PACKET DRAINED_FREE_ZERO; do
	check ring fail 3 $switch
done
check simp pass 5
for switch in NO_BARRIER_HOST NO_BARRIER_GUEST NO_REREAD NO_EOM \
    NO_RELEASE_TYPE NO_BARRIER_INTERRUPT CLEAR_BEFORE_COPY; do
	check simp fail 4 $switch
done
echo "1..$count"
[ "$failed" -eq 0 ]

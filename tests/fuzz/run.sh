#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh TARGET CORPUS: run one fuzz target for HVNET_FUZZ_SECONDS (3), from the
# seeds in CORPUS, which stays as it is.  The seed of the mutations is fixed
# (HVNET_FUZZ_SEED, 1).  What broke it is kept beside the target, and the last
# line says how to see it again.
set -u
target=$1 seeds=$2
seconds=${HVNET_FUZZ_SECONDS:-3}
seed=${HVNET_FUZZ_SEED:-1}
kept=$(dirname "$target")/artifacts
new=$(mktemp -d) || exit 1
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$kept" "$new/corpus"
[ -d "$seeds" ] || seeds=
echo "$(basename "$target"): $seconds s, seed $seed"
"$target" -max_total_time="$seconds" -seed="$seed" -max_len=2048 \
    -len_control=20 -timeout=20 -rss_limit_mb=2048 -verbosity=0 \
    -print_final_stats=1 -artifact_prefix="$new/" "$new/corpus" $seeds \
    >"$new/log" 2>&1
rc=$?
grep number_of_executed "$new/log"
[ $rc -eq 0 ] && exit 0
cat "$new/log"
for f in "$new"/crash-* "$new"/leak-* "$new"/timeout-* "$new"/oom-*; do
	[ -e "$f" ] || continue
	name=$kept/$(basename "$target")-$(basename "$f")
	mv "$f" "$name"
	echo "reproduce: $target $name"
	exit 1
done
echo "reproduce: HVNET_FUZZ_SEED=$seed HVNET_FUZZ_SECONDS=$seconds" \
    "$0 $target $2"
exit 1

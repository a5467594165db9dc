#!/bin/sh
# Run one fuzz target for HVNET_FUZZ_SECONDS (4) from an empty corpus, or with
# the seed HVNET_FUZZ_SEED.  On failure, say what to run to see it again.
set -u
dir=$(mktemp -d)
seconds=${HVNET_FUZZ_SECONDS:-4}
seed=${HVNET_FUZZ_SEED:-$(date +%s)}
mkdir "$dir/corpus"
"$1" -max_total_time="$seconds" -seed="$seed" -max_len=512 -verbosity=0 \
    -artifact_prefix="$dir/" "$dir/corpus" >"$dir/log" 2>&1
rc=$?
if [ $rc -ne 0 ]; then
	cat "$dir/log"
	for f in "$dir"/crash-* "$dir"/leak-* "$dir"/timeout-* "$dir"/oom-*; do
		[ -e "$f" ] && echo "reproduce: $1 $f"
	done
	echo "reproduce: HVNET_FUZZ_SEED=$seed $0 $1"
else
	rm -rf "$dir"
fi
exit $rc

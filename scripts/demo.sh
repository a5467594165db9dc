#!/bin/sh
# The main job in under three minutes; see scripts/demo.py.
set -eu
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
	echo "make demo needs root: it makes network namespaces and TAPs" >&2
	exit 1
fi
for t in iperf3 ping ip; do
	command -v $t >/dev/null || { apt-get update -qq
	    apt-get install -y -qq --no-install-recommends iperf3 iproute2 \
	    iputils-ping >/dev/null; break; }
done
exec python3 scripts/demo.py "$@"

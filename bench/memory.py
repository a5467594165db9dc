#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Host memory beyond guest memory: per NIC, and per further channel; JSON.

Anonymous memory of `hvnet host` (RssAnon: guest memory is shared, so it is not
in it), with no guest, with one NIC of one channel, and with more channels,
after traffic has touched what traffic touches.
"""
import argparse
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent /
                       'scripts'))
from arguments import Parser    # noqa: E402
from lab import TOP, Lab        # noqa: E402


def anon_kb(pid):
    text = pathlib.Path(f'/proc/{pid}/status').read_text()
    return int(re.search(r'RssAnon:\s+(\d+)', text).group(1))


def measure(hvnet, queues):
    with Lab(hvnet) as lab:
        lab.hostp = lab.host()
        base = anon_kb(lab.hostp.pid)
    with Lab(hvnet) as lab:
        lab.pair(queues=queues, vps=queues)
        for src, dst, to in (('g', 'h', '10.7.0.2'), ('h', 'g', '10.7.0.1')):
            lab.iperf(src, dst, to, 2, ['-P', '8'])
        return anon_kb(lab.hostp.pid) - base


def main():
    p = Parser(prog='hvnet bench memory', description=__doc__.split('\n\n')[0],
               epilog=__doc__.split('\n\n')[1])
    p.add_argument('--hvnet', default=str(TOP / 'build/cli/hvnet'),
                   help=argparse.SUPPRESS)
    o = p.parse_args()
    one, eight = measure(o.hvnet, 1), measure(o.hvnet, 8)
    print(json.dumps({
        'bench': 'memory', 'nic_kb': one, 'nic_8_channels_kb': eight,
        'per_extra_channel_kb': round((eight - one) / 7),
        'limit_nic_kb': 8192, 'limit_channel_kb': 1024}, indent=1))


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Instructions a frame of each layer, of our driver and of the host end; JSON.

The real programs, one queue, under callgrind (bench/pps_count.py says how):
the driver through the frames API, the host end with a backend that takes
everything (tx) or makes the frames itself (rx, echo).  ref is tx from
registered memory, up to 16 frames a packet; ref1 the same with one.
Unlike speeds, these numbers repeat within 2 %, however noisy the machine.
"""
import argparse
import json
import pathlib
import sys

import pps_count
from pps_run import Bench, LabError, Missing, Setting, helper
from arguments import Parser, number, one_of, several   # by pps_run's path
from lab import TOP, commit


def main():
    p = Parser(prog='hvnet bench layers', description=__doc__.split('\n\n')[0],
               epilog=__doc__.split('\n\n')[1])
    p.add_argument('--hvnet', default=str(TOP / 'build/cli/hvnet'),
                   help=argparse.SUPPRESS)
    p.add_argument('--json', metavar='FILE', help='also write it there')
    p.add_argument('--modes',
                   type=several(one_of('tx', 'ref', 'ref1', 'rx', 'echo')),
                   default='tx,ref,ref1,rx,echo')
    p.add_argument('--sizes', type=several(number(46, 1514)),
                   default='64,1514')
    o = p.parse_args()
    bench = Bench(o.hvnet)
    ours = helper(bench.hvnet, 'pps_hvnet')
    if not ours.exists():
        p.error(f'no {ours}: build it first (make)')
    results = []
    try:
        pps_count.need()
        for mode in o.modes:
            for size in o.sizes:
                ref = mode.startswith('ref')
                ends = pps_count.by_layer(
                    bench, mode if ref else 'ours', 'tx' if ref else mode,
                    size, 1, Setting())
                results.append({'mode': mode, 'bytes': size, **{
                    end: {'total': round(sum(n.values())), 'layers': {
                        k: round(v, 1) for k, v in n.most_common()
                        if v >= 0.05}}
                    for end, n in ends.items()}})
    except (LabError, Missing) as e:
        sys.exit(f'hvnet bench layers: {e}')
    text = json.dumps({'bench': 'instructions', 'commit': commit(),
                       'results': results}, indent=1)
    print(text)
    if o.json:
        pathlib.Path(o.json).write_text(text + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()

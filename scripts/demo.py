#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""hvnet's main job on real traffic, as a table.

Two namespaces: programs in one (the guest) talk to programs in the other (the
host side) through NetVSC, VMBus and NetVSP.  Copies a file each way and checks
it, climbs the ladder of improvements (bench/ladder.py) with iperf3, and leaves
nothing behind but a page with the figures.

usage: demo.py [--seconds 2] [--mib 1024]
"""
import os
import pathlib
import sys
import time
from argparse import RawDescriptionHelpFormatter

from arguments import Parser, number
from lab import HVNET, TOP, Lab, LabError
from quiet import Quiet

sys.path.insert(0, str(TOP / 'bench'))
import ladder           # noqa: E402
import ladder_page      # noqa: E402
import ladder_rows      # noqa: E402
from ladder_run import WAYS     # noqa: E402

PICTURE = """
   namespace "guest"                                    namespace "host side"
   iperf3 -- hn0 -- NetVSC ====== VMBus rings ====== NetVSP -- hvhost0 -- iperf3
           (TAP)    2 vCPU threads, shared memory   2 workers   (TAP)
"""

def copies(mib):
    with Lab() as lab:
        lab.pair()
        for src, dst, to in (('g', 'h', '10.7.0.2'), ('h', 'g', '10.7.0.1')):
            began = time.monotonic()
            same = lab.copy(src, dst, to, mib)
            way = 'guest -> host' if src == 'g' else 'host -> guest'
            print(f'  {mib} MiB {way}: sha256 '
                  f'{"agrees" if same else "DIFFERS"} '
                  f'({time.monotonic() - began:.1f} s)', flush=True)
            if not same:
                raise LabError('a copied file differs')


def climb(seconds):
    """The ladder's short form; the page goes beside the program."""
    quiet = Quiet()
    rows = ladder_rows.rows(2)
    print('\nOne step at a time, four TCP streams:\n' + ladder.HEAD)
    rungs = ladder.Ladder(HVNET, rows, channels=2, streams=4, seconds=seconds)
    quiet.begin()
    rungs.measure(1, lambda row: ladder.show(rungs.summary(row)))
    out = ladder.report(rungs, quiet, rounds=1, channels=2,
                        command='make demo')
    rungs.close()
    page = pathlib.Path(HVNET).resolve().parents[1] / 'ladder.html'
    page.write_text(ladder_page.page(out), encoding='utf-8')
    return out, page


def udp(seconds):
    with Lab() as lab:
        lab.pair()
        for way in ('out', 'in'):
            src, dst, to = WAYS[way]
            end = lab.iperf(src, dst, to, seconds,
                            ['-u', '-b', '200M', '-l', '1400'])['sum']
            print(f'UDP 200 Mbit/s {way}: {end["lost_percent"]:.1f} % lost',
                  flush=True)


def main():
    p = Parser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    p.add_argument('--seconds', type=number(1, 600), default=2)
    p.add_argument('--mib', type=number(1, 65536), default=1024)
    opts = p.parse_args()
    print(PICTURE)
    print('Copying random bytes, checked at the far end:')
    copies(opts.mib)
    out, page = climb(opts.seconds)
    udp(opts.seconds)
    print('\nWhat it gave (this run, this machine):')
    print('\n'.join('  ' + line for line in ladder.words_of(out)))
    print(f'''
The same as a page with charts: {os.path.relpath(page)}
Longer, with repeats: hvnet bench ladder --html FILE.  Try it yourself: see
"Use it" in README.md.  Ratios against a bare TAP relay: `make bench`.''')


if __name__ == '__main__':
    try:
        main()
    except LabError as e:
        raise SystemExit(f'demo: {e}')

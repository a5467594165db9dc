#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a capture at the host costs its workers; JSON.

Our driver sends (tx) or receives (rx) small and large frames as fast as it can,
by one queue.  Each round runs every case without and with a capture in turn, so
that a noisy machine disturbs both alike.  ns_a_frame is processor time of the
host's workers without their idle rounds; the thread that writes the file is not
in it, but needs a processor of its own, or frames a second go down more.
share_lost is what the file does not have: the workers did not wait for it.

usage: capture.py [--build DIR] [--rounds 5] [--seconds 1] [--snap 64,2048]
                  [--modes tx,rx] [--sizes 64,1514]
"""
import json
import pathlib
import re
import statistics
import sys
import time

from pps_run import (Bench, LabError, Lab, Setting, START, helper, result,
                     sample, start_host, stat, total_of)
from arguments import Parser, number, one_of, several   # by pps_run's path
from lab import TOP, commit
from quiet import Quiet


def frames_of(state):
    return max(total_of(state, 'written'), total_of(state, 'read'))


def once(bench, mode, size, seconds, snap):
    """One run; snap: bytes of a frame that the capture keeps, 0: none on."""
    with Lab(str(bench.hvnet)) as lab:
        cmd = bench.host_cmd(lab, bench.spec(mode, size, 1), 1)
        path = pathlib.Path(lab.dir, 'cap')
        if snap:
            cmd += ['--capture', f'{path},snap={snap},size=64,files=1']
        host = start_host(lab, list(map(str, cmd)))
        tail = bench.tail(mode, size, 1, seconds, Setting())
        guest = lab.start(None, bench.ours_cmd(lab, tail, Setting()), 'ours')
        lab.wait('warm', lambda: 'begin' in lab.log(guest).split(), START,
                 [guest, host])
        end = time.monotonic() + 0.9 * seconds
        first, before = sample(lab, host), frames_of(stat(lab))
        time.sleep(max(0, end - time.monotonic()))
        last, after = sample(lab, host), frames_of(stat(lab))
        lab.wait('result', lambda: guest.poll() is not None, START, [host])
        result(lab.log(guest))
        lab.end(host, timeout=30)
        frames, took = after - before, last['at'] - first['at']
        if frames == 0:
            raise LabError(f'{mode} {size}: no frame in {took:.1f} s')
        busy = bench.usage(first, last, 1)['busy'] * took
        lost = re.search(r'(\d+) of (\d+) records were lost', lab.log(host))
        return {'mfps': frames / took / 1e6, 'ns_a_frame': busy / frames * 1e9,
                'share_lost': int(lost[1]) / int(lost[2]) if lost else 0.0}


def median(rows):
    return {k: round(statistics.median(r[k] for r in rows), 3)
            for k in rows[0]}


def cells(o, bench):
    """Every case, off and on in turn, and what was found."""
    cases = [(m, s) for m in o.modes for s in o.sizes]
    rows = {(c, snap): [] for c in cases for snap in (0, *o.snap)}
    for r in range(o.rounds):
        print(f'round {r + 1} of {o.rounds}', file=sys.stderr, flush=True)
        for (mode, size), snap in rows:
            rows[(mode, size), snap].append(
                once(bench, mode, size, o.seconds, snap))
    for mode, size in cases:
        off = median(rows[(mode, size), 0])
        for snap in o.snap:
            on = median(rows[(mode, size), snap])
            yield {'mode': mode, 'bytes': size, 'snap': snap, 'off': off,
                   'on': on, 'more_ns_a_frame': round(
                       on['ns_a_frame'] - off['ns_a_frame'], 1)}


def main():
    p = Parser(prog='bench/capture.py', description=__doc__.split('\n')[0])
    p.add_argument('--build', default=str(TOP / 'build'))
    p.add_argument('--rounds', type=number(1, 100), default=5)
    p.add_argument('--seconds', type=number(1, 60), default=1)
    p.add_argument('--snap', type=several(number(64, 65535)),
                   default='64,2048')
    p.add_argument('--modes', type=several(one_of('tx', 'rx')),
                   default='tx,rx')
    p.add_argument('--sizes', type=several(number(46, 1514)),
                   default='64,1514')
    o = p.parse_args()
    bench = Bench(f'{o.build}/cli/hvnet')
    if not helper(bench.hvnet, 'pps_hvnet').exists():
        p.error(f'no bench/pps_hvnet in {o.build}: build it first (make)')
    quiet = Quiet()
    quiet.begin()
    try:
        bench.calibrate()
        results = list(cells(o, bench))
    except LabError as e:
        sys.exit(f'bench/capture.py: {e}')
    print(json.dumps({'bench': 'capture', 'commit': commit(),
                      'rounds': o.rounds, 'quiet': quiet.look(),
                      'results': results}, indent=1))


if __name__ == '__main__':
    main()

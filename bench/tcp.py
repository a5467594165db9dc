#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""TCP through hvnet against the bare TAP relay, interleaved; JSON.

Each round runs every case once, relay and hvnet in turn (A B A B ...), so that
a noisy machine disturbs both alike; ratios are of medians.  CPU time is that
of the processes between the TAPs; signals and interrupts come from `hvnet
stat` before and after.

--thp lets guest memory have huge pages while it runs (docs/tuning.md).
"""
import argparse
import contextlib
import json
import pathlib
import statistics
import sys
from argparse import RawDescriptionHelpFormatter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent /
                       'scripts'))
from arguments import Parser, number, one_of, several       # noqa: E402
from lab import (Lab, LabError, TOP, commit, cpu_seconds,    # noqa: E402
                 total)
from pps_run import helper  # noqa: E402
from quiet import Quiet     # noqa: E402

# The interfaces' own offloads follow the mode at both ends.
OFF = ('tso=off', 'rsc=off')


class Relay:
    name = 'relay'

    def __init__(self, mode, opts):
        self.lab = Lab()
        lab = self.lab
        p = lab.start(None, [helper(opts.hvnet, 'relay'), 'tA',
                             lab.netns('g'), 'tB', lab.netns('h'),
                             str(opts.queues), mode], 'relay')
        lab.wait('relay', lambda: 'relaying' in lab.log(p), 5, [p])
        lab.address('g', 'tA', 1)
        lab.address('h', 'tB', 2)
        lab.ready()
        self.pids = [p.pid]

    def counters(self):
        return {}


THP = pathlib.Path('/sys/kernel/mm/transparent_hugepage/shmem_enabled')


@contextlib.contextmanager
def huge_pages():
    """Guest memory may have them meanwhile."""
    was = THP.read_text().split('[')[1].split(']')[0]
    THP.write_text('advise')
    try:
        yield
    finally:
        THP.write_text(was)


class Hvnet:
    name = 'hvnet'

    def __init__(self, mode, opts):
        self.lab = Lab(str(opts.hvnet))
        lab = self.lab
        kw = {} if mode == 'tso' else {'tso': 'off', 'rsc': 'off'}
        lab.pair(queues=opts.queues, vps=opts.queues, **kw,
                 guest_args=opts.guest_args.split(),
                 host_args=opts.host_args.split())
        self.pids = [lab.hostp.pid, lab.guestp.pid]

    def counters(self):
        s = self.lab.stat()
        guest = [x for x in s if x['kind'] == 'guest']
        host = [x for x in s if x['kind'] == 'host']
        return {
            'signals_to_host': total(guest, 'signals_data') +
            total(guest, 'signals_room'),
            'signals_to_guest': total(host, 'signals_data') +
            total(host, 'signals_room'),
            'interrupts': total(guest, 'interrupts'),
            'frames_out': total(guest, 'read'),
            'frames_in': total(guest, 'written'),
        }


def one(side, case, seconds):
    lab = side.lab
    direction, streams = case
    src, dst, to = ('g', 'h', '10.7.0.2') if direction == 'out' else \
        ('h', 'g', '10.7.0.1')
    cpu = sum(map(cpu_seconds, side.pids))
    before = side.counters()
    end = lab.iperf(src, dst, to, seconds, ['-P', str(streams)])
    after = side.counters()
    gbytes = end['sum_received']['bytes'] / 1e9
    row = {'gbps': end['sum_received']['bits_per_second'] / 1e9,
           'cpu_s_per_gb': (sum(map(cpu_seconds, side.pids)) - cpu) / gbytes}
    for k in after:
        row[k + '_per_gb'] = (after[k] - before[k]) / gbytes
    return row


def ping(side, count=300):
    out = side.lab.run('g', f'ping -q -i 0.002 -c {count} 10.7.0.2').stdout
    return float(out.split('rtt ')[1].split('=')[1].split('/')[1]) * 1e3


def median(rows):
    return {k: round(statistics.median(r[k] for r in rows), 4)
            for k in rows[0]}


def verdict(results, found, ratio, text):
    """The result with its ratio, which is None where the machine was busy."""
    busy = found['no_verdict']
    results[-1].update(quiet=found, ratio=None if busy else ratio)
    print(f'{text}  ' + (f'no ratio: {busy}' if busy else
                         f'ratio {ratio:5.2f}'), file=sys.stderr)


def bench(opts):
    results = []
    quiet = Quiet()
    for mode in opts.mode:
        sides = [Relay(mode, opts), Hvnet(mode, opts)]
        cases = [(d, s) for s in opts.streams
                 for d in ('out', 'in')]
        rows = {(s.name, c): [] for s in sides for c in cases}
        pings = {s.name: [] for s in sides}
        quiet.begin()
        for r in range(opts.rounds):
            for case in cases:
                for side in sides:
                    try:
                        rows[side.name, case].append(
                            one(side, case, opts.seconds))
                    except LabError as e:
                        print(f'round {r} {side.name}: {e}', file=sys.stderr)
            for side in sides:
                pings[side.name].append(ping(side))
        for case in cases:
            a = median(rows['relay', case])
            b = median(rows['hvnet', case])
            results.append({'mode': mode, 'direction': case[0],
                            'streams': case[1], 'relay': a, 'hvnet': b})
            found = quiet.look(*([r['gbps'] for r in rows[s.name, case]]
                                 for s in sides))
            verdict(results, found, round(b['gbps'] / a['gbps'], 3),
                    f'{mode:6} {case[0]:3} x{case[1]:<2} relay '
                    f'{a["gbps"]:6.2f} hvnet {b["gbps"]:6.2f} Gbit/s  cpu '
                    f's/GB {a["cpu_s_per_gb"]:.3f} {b["cpu_s_per_gb"]:.3f}')
        p = {k: round(statistics.median(v), 1) for k, v in pings.items()}
        results.append({'mode': mode, 'ping_us': p})
        verdict(results, quiet.look(*pings.values()),
                round(p['hvnet'] / p['relay'], 3),
                f'{mode:6} ping relay {p["relay"]} us hvnet {p["hvnet"]} us')
        for s in sides:
            s.lab.close()
    return results


def main():
    p = Parser(prog='hvnet bench tcp', description=__doc__,
               formatter_class=RawDescriptionHelpFormatter)
    p.add_argument('--rounds', type=number(1, 1000), default=5)
    p.add_argument('--seconds', type=number(1, 600), default=3)
    p.add_argument('--streams', type=several(number(1, 128)), default='1,8')
    p.add_argument('--mode', type=several(one_of('tso', 'notso')),
                   default='tso,notso')
    p.add_argument('--queues', type=number(1, 64), default=2)
    p.add_argument('--guest-args', default='')
    p.add_argument('--host-args', default='')
    p.add_argument('--thp', action='store_true')
    p.add_argument('--hvnet', default=str(TOP / 'build/cli/hvnet'),
                   type=pathlib.Path, help=argparse.SUPPRESS)
    p.add_argument('--json', metavar='FILE')
    opts = p.parse_args()
    opts.hvnet = opts.hvnet.resolve()
    with huge_pages() if opts.thp else contextlib.nullcontext():
        results = bench(opts)
    out = {'bench': 'tcp', 'commit': commit(), 'command': ' '.join(sys.argv),
           'rounds': opts.rounds, 'results': results}
    text = json.dumps(out, indent=1)
    print(text)
    if opts.json:
        pathlib.Path(opts.json).write_text(text + '\n')


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What each improvement gave a guest, one step at a time.

The first row is the legacy way, each further one has an improvement more.

Every row has both ends running throughout, and each round measures all rows
once, in turn, so that a noisy machine disturbs all alike.  A round of a row is
TCP out of the guest and into it with pings meanwhile, pings alone, and a
flood of 64-byte frames each way.  Numbers are medians of the rounds; of Gbit/s
also the lowest and highest; round trips are percentiles of all pings of all
rounds.
All rows have the same VMBus version but the one that is about an older one.

Signals: what the guest sent the host (each would be a hypercall), and what the
host sent the guest; some of the latter raised an interrupt, the others met one
that was pending.  Packets an interrupt are those on the ring to the
guest, frames and completions.
"""
import argparse
import csv
import json
import os
import pathlib
import platform
import re
import statistics
import sys
import time

import ladder_page
import ladder_rows
from ladder_run import A_GB, LabError, Side, helper, percentile
from arguments import Parser, number, several   # by ladder_run's path
from lab import commit
from quiet import Quiet

TOP = pathlib.Path(__file__).resolve().parent.parent
COUNTS = (*A_GB, 'packets_an_interrupt')
CSV = ('row', 'way', 'gbps', 'gbps_min', 'gbps_max', *COUNTS, 'pps', 'lost',
       'load_p50_us', 'load_p99_us', 'idle_p50_us', 'idle_p99_us')


def digits(value):
    """Three digits that count, as a number."""
    return float(f'{value:.3g}')


def way_summary(runs, floods):
    """Of one row and way: medians, and percentiles of all pings."""
    speeds = [r['gbps'] for r in runs]
    pings = [t for r in runs for t in r['rtt_load_us']]
    return {'gbps': digits(statistics.median(speeds)),
            'gbps_min': digits(min(speeds)), 'gbps_max': digits(max(speeds)),
            'runs_gbps': [digits(v) for v in speeds],
            **{k: digits(statistics.median(r[k] for r in runs))
               for k in COUNTS},
            **{k: digits(statistics.median(f[k] for f in floods))
               for k in ('pps', 'lost')},
            **rtt('load', pings)}


def rtt(what, pings):
    return {f'{what}_p{p}_us': round(percentile(pings, p / 100), 1)
            if pings else None for p in (50, 99)}


class Ladder:
    """Rows that are measured; their sides live until close()."""

    def __init__(self, hvnet, rows, channels, streams, seconds):
        self.rows, self.streams, self.seconds = rows, streams, seconds
        self.sides, self.troubles = {}, []
        self.runs = {r.name: {'out': [], 'in': [], 'idle': [], 'flood_out': [],
                              'flood_in': []} for r in rows}
        for r in rows:
            self.sides[r.name] = Side(r, hvnet, channels)

    def close(self):
        for s in self.sides.values():
            s.close()

    def round(self, row):
        side, runs = self.sides[row.name], self.runs[row.name]
        for way in ('out', 'in'):
            runs[way].append(side.tcp(way, self.streams, self.seconds))
        runs['idle'] += side.idle()
        for way in ('out', 'in'):
            runs[f'flood_{way}'].append(
                side.flood(way, min(1, self.seconds / 2)))

    def measure(self, rounds, say=lambda row: None):
        """All rounds; say(row) after each row of the last."""
        for n in range(rounds):
            for row in self.rows:
                try:
                    self.round(row)
                except LabError as e:
                    self.troubles.append(f'round {n + 1}, {row.name}: {e}')
                    print(f'{row.name}: {e}', file=sys.stderr)
                if n + 1 == rounds:
                    say(row)

    def spreads(self):
        return [[x['gbps'] for x in self.runs[r.name][way]]
                for r in self.rows for way in ('out', 'in')]

    def summary(self, row):
        """What a row came to, or None if not one round of it ended."""
        runs = self.runs[row.name]
        if not runs['flood_in']:
            return None
        return {'row': row.name, 'text': row.text,
                'step': row.name in ladder_rows.LADDER,
                'commands': self.sides[row.name].commands(),
                **rtt('idle', runs['idle']),
                **{way: way_summary(runs[way], runs[f'flood_{way}'])
                   for way in ('out', 'in')}}


HEAD = (f'{"":22} {"Gbit/s":^11} {"CPU s a GB":^11} {"signals a GB":^16} '
        f'{"interr.":>8} {"packets":>7} {"64 B":>5} {"RTT us p50/p99":^20}\n'
        f'{"":22} {"median":>7} {"":3} {"guest":>5} {"host":>5} {"to host":>8} '
        f'{"to guest":>8} {"a GB":>7} {"an int.":>7} {"kpps":>5} {"idle":>9} '
        f'{"loaded":>11}')


def show(r):
    """Two lines of the table for one row."""
    for way in ('out', 'in'):
        w = r[way]
        idle = f'{r["idle_p50_us"]:.0f}/{r["idle_p99_us"]:.0f}' \
            if way == 'out' else ''
        loaded = f'{w["load_p50_us"] or 0:.0f}/{w["load_p99_us"] or 0:.0f}'
        print(f'{r["row"] if way == "out" else "":22} {w["gbps"]:7.2f} '
              f'{way:3} {w["cpu_guest"]:5.2f} {w["cpu_host"]:5.2f} '
              f'{w["signals"]:8,.0f} {w["signals_back"]:8,.0f} '
              f'{w["interrupts"]:7,.0f} {w["packets_an_interrupt"]:7.1f} '
              f'{w["pps"] / 1e3:5.0f} '
              f'{idle:>9} {loaded:>11}', flush=True)


def ends(results):
    """First and last step of the ladder, or None."""
    steps = [r for r in results if r['step']]
    return (steps[0], steps[-1]) if len(steps) > 1 else None


def gains(results):
    """The sentence on speeds: ratios, so only for a machine that was quiet."""
    if not ends(results):
        return []
    a, b = ends(results)
    out, into = (b[w]['gbps'] / a[w]['gbps'] for w in ('out', 'in'))
    return [f'From the first row to all on: {out:.1f} times the speed out, '
            f'{into:.1f} times in.']


def factors(results):
    """A line for each step: its speed over that of the step before."""
    steps = [r for r in results if r['step']]
    return [f'{b["row"]:24} x{b["out"]["gbps"] / a["out"]["gbps"]:.1f} out, '
            f'x{b["in"]["gbps"] / a["in"]["gbps"]:.1f} in'
            for a, b in zip(steps, steps[1:])]


def counted(results):
    """The sentence on counts, which a busy machine hardly changes."""
    if not ends(results):
        return []
    out, into = ([r[w]['signals'] + r[w]['signals_back'] for r in ends(results)]
                 for w in ('out', 'in'))
    return [f'Signals a GB, both ends: {out[0]:,.0f} became {out[1]:,.0f} out, '
            f'{into[0]:,.0f} became {into[1]:,.0f} in.']


def machine():
    cpu = re.search(r'model name\s*: (.*)', pathlib.Path(
        '/proc/cpuinfo').read_text())
    return {'cpu': cpu.group(1) if cpu else platform.machine(),
            'cpus': os.cpu_count(), 'kernel': platform.release(),
            'load': round(os.getloadavg()[0], 1)}


def report(ladder, quiet, **more):
    """Everything, for JSON, CSV and the page."""
    results = [x for x in map(ladder.summary, ladder.rows) if x]
    found = quiet.look(*ladder.spreads())
    return {'bench': 'ladder', 'date': time.strftime('%Y-%m-%d %H:%M'),
            'commit': commit(), 'machine': machine(),
            'streams': ladder.streams, 'seconds': ladder.seconds, **more,
            'quiet': found, 'troubles': ladder.troubles,
            'gains': [] if found['no_verdict'] else gains(results),
            'factors': [] if found['no_verdict'] else factors(results),
            'counted': counted(results), 'rows': results}


def words_of(out):
    """What the numbers come to, as lines."""
    busy = out['quiet']['no_verdict']
    return ([f'No ratios of speeds: {busy}.'] if busy else
            out['factors'] + out['gains']) + out['counted']


def write_csv(path, out):
    with open(path, 'w', encoding='utf-8', newline='') as f:
        w = csv.writer(f, lineterminator='\n')
        w.writerow(CSV)
        for r in out['rows']:
            for way in ('out', 'in'):
                cell = {**r, **r[way], 'way': way}
                w.writerow([cell[k] for k in CSV])


def options():
    p = Parser(prog='hvnet bench ladder', description=__doc__.split('\n\n')[0],
               epilog=__doc__.split('\n\n', 1)[1],
               formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--hvnet', default=str(TOP / 'build/cli/hvnet'),
                   help=argparse.SUPPRESS)
    p.add_argument('--json', metavar='FILE', help='also write all there')
    p.add_argument('--csv', metavar='FILE', help='also write the table there')
    p.add_argument('--html', metavar='FILE',
                   help='also write a page to show to others')
    p.add_argument('--rounds', type=number(1, 1000),
                   help='runs of each row; default 5')
    p.add_argument('--seconds', type=number(1, 600),
                   help='length of a TCP run; default 3')
    p.add_argument('--streams', type=number(1, 128), default=4,
                   help='TCP streams; default 4')
    p.add_argument('--channels', type=number(2, 64), default=2,
                   help='channels of vRSS; default 2')
    p.add_argument('--rows', type=several(str), metavar='LIST',
                   help='only these, such as baseline,TSO; default all')
    p.add_argument('--quick', action='store_true',
                   help='one round of one second, to check that it works')
    o = p.parse_args()
    o.rounds = o.rounds or (1 if o.quick else 5)
    o.seconds = o.seconds or (1 if o.quick else 3)
    o.rows = ladder_rows.rows(o.channels, o.rows)
    if not o.rows:
        p.error('--rows: none of ' + ', '.join(
            r.short for r in ladder_rows.rows(2)))
    for path in filter(None, (o.json, o.csv, o.html)):
        try:        # before an hour of work, not after it
            open(path, 'a', encoding='utf-8').close()
        except OSError as e:
            p.error(f'{path}: {e.strerror}')
    if not helper(pathlib.Path(o.hvnet), 'flood').exists():
        p.error(f'no {helper(pathlib.Path(o.hvnet), "flood")}: build it first '
                '(make)')
    return o


def main():
    o = options()
    words = [w for w in sys.argv[1:] if w not in ('--hvnet', o.hvnet)]
    quiet = Quiet()
    ladder = Ladder(o.hvnet, o.rows, o.channels, o.streams, o.seconds)
    print(HEAD)
    quiet.begin()
    ladder.measure(o.rounds, lambda row: show(s)
                   if (s := ladder.summary(row)) else None)
    out = report(ladder, quiet, rounds=o.rounds, channels=o.channels,
                 command=' '.join(['hvnet bench ladder', *words]))
    ladder.close()
    print(*words_of(out), sep='\n')
    if o.json:
        pathlib.Path(o.json).write_text(json.dumps(out, indent=1) + '\n',
                                        encoding='utf-8')
    if o.csv:
        write_csv(o.csv, out)
    if o.html:
        pathlib.Path(o.html).write_text(ladder_page.page(out),
                                        encoding='utf-8')
    sys.exit(0 if out['rows'] else 1)


if __name__ == '__main__':
    main()

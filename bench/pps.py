#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Packets a second of a guest: our driver against DPDK's netvsc PMD.

Same host end (`hvnet host`), same machine, interleaved A B A B; a number is the
median of the rounds in which the two ends' processors were near each other, or
else far apart, for both drivers: a hypervisor moves them, and speed follows
(bench/pps_cores.c); what was lost is counted in all.  Modes: tx into a null
backend, rx from the generator, echo of what the generator sends.  Beside each
cell: DPDK's virtio-user to vhost-user on the same cores.  Then the host end
against a bare consumer of the ring (bench/pps_drain.c), our driver over the
PMD's own files (hvnet uio), our driver from registered memory against copies
and against the PMD, and payload copied to a real backend (tap).

The PMD runs with the best of the settings below, tried anew for each mode and
size.  The generator's sequence numbers and the counts of both ends show lost
frames, which include the PMD's own software drops (imissed).  The busier end
is the limit: the share of its time in which calls, or polls of the host's
workers, found something to do.
"""
import argparse
import json
import os
import pathlib
import platform
import re
import signal
import statistics
import subprocess
import sys
import time

import pps_count
import pps_show
import pps_virtio
from pps_run import Bench, LabError, Missing, Setting, helper, need_dpdk
from arguments import Parser, number, one_of, several   # by pps_run's path
from quiet import Quiet

TOP = pathlib.Path(__file__).resolve().parent.parent
MODES, SIZES, QUEUES = ('tx', 'rx', 'echo'), (64, 512, 1514), (1, 2)
OURS = Setting()
# What the PMD may choose from.
PMD = {
    'tx': [Setting(), Setting(burst=32), Setting(burst=256),
           Setting(txd=2048), Setting(burst=256, txd=2048)],
    'rx': [Setting(), Setting(burst=32), Setting(burst=256),
           Setting(rxd=1024), Setting('rx_extmbuf_enable=1')],
    'echo': [Setting(), Setting(burst=32), Setting(rxd=1024),
             Setting('rx_extmbuf_enable=1'), Setting(burst=256, txd=2048)],
}
# Frames over tx_copybreak (512) go by address; these go by send buffer.
BIG = [Setting('tx_copybreak=2000'), Setting('tx_copybreak=2000', burst=256)]
EXPLORE = 0.4           # s of a try
MORE = 3                # Policy: times as many rounds, for some of one place


def settings(mode, size):
    return PMD[mode] + (BIG if mode != 'rx' and size > 512 else [])


class Report:
    def __init__(self, bench, opts):
        self.bench, self.o = bench, opts
        self.left_out = {}      # what: why
        self.chosen = {}        # (mode, bytes): the PMD's best setting
        self.cells, self.extras, self.troubles = [], [], []
        self.quiet = Quiet()

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def have(self, what, need, *args):
        try:
            need(*args)
        except Missing as e:
            self.left_out[what] = str(e)
            print(f'{what} is left out: {e}', flush=True)

    def attempt(self, label, f, *args, **kw):
        """Its result, or None, with what went wrong kept."""
        try:
            return f(*args, **kw)
        except (LabError, Missing, subprocess.TimeoutExpired) as e:
            self.troubles.append(f'{label}: {e}')
            self.say(f'{label}: {str(e)[-600:]}')
            return None

    # --- rounds ---

    def one_place(self, runs):
        """Of the runs of each side those of the place that has most."""
        best, some, least = 'mixed', runs, 0
        for place in 'near', 'far', 'unknown':
            of = {k: [r for r in v if self.bench.place(r) == place]
                  for k, v in runs.items()}
            n = min((len(of[k]) for k in runs if runs[k]), default=0)
            if n > least:
                best, some, least = place, of, n
        return best, some, least

    def interleave(self, tries):
        """Rounds of each try, name: function.  The place, runs, all runs."""
        runs = {name: [] for name in tries}
        self.quiet.begin()
        for n in range(MORE * self.o.rounds):
            for name, f in tries.items():
                r = f()
                runs[name] += [r] if r else []
            place, some, least = self.one_place(runs)
            if n + 1 >= self.o.rounds and (least >= self.o.rounds or
                                           not all(runs.values())):
                break
        return place, some, runs

    def look(self, runs):
        """How quiet the machine was since interleave() began."""
        return self.quiet.look(*([r['mpps'] for r in some]
                                 for some in runs.values()))

    # --- one cell ---

    def best(self, mode, size, queues):
        """The PMD's best setting here, and what each gave."""
        if self.o.quick:
            return PMD[mode][0], {}
        if (mode, size) in self.chosen:
            return self.chosen[mode, size], {}
        tried = {}
        for s in settings(mode, size):
            r = self.attempt(f'pmd {s.text()}', self.bench.once, 'pmd', mode,
                             size, queues, EXPLORE, s)
            tried[s.text()] = r['mpps'] if r else 0
        self.chosen[mode, size] = max(settings(mode, size),
                                      key=lambda s: tried[s.text()])
        return self.chosen[mode, size], tried

    def cell(self, mode, size, queues):
        pmd_set, tried = OURS, {}
        if 'DPDK' not in self.left_out:
            pmd_set, tried = self.best(mode, size, queues)

        def once(side, setting):
            return lambda: self.attempt(
                f'{mode} {size} {queues} {side}', self.bench.once, side, mode,
                size, queues, self.o.seconds, setting)

        tries = {'ours': once('ours', OURS)}
        if 'DPDK' not in self.left_out:
            tries['pmd'] = once('pmd', pmd_set)
        place, some, runs = self.interleave(tries)
        quiet = self.look(some)
        virtio = [self.attempt(f'virtio {mode} {size} {queues}',
                               pps_virtio.once, self.bench, mode, size,
                               queues, self.o.seconds)
                  for _ in range(0 if 'virtio' in self.left_out else
                                 min(2, self.o.rounds))]
        virtio = [r for r in virtio if r is not None]
        c = {'mode': mode, 'bytes': size, 'queues': queues, 'place': place,
             'ours': summary(some['ours'], OURS, runs['ours']),
             'pmd': summary(some.get('pmd'), pmd_set, runs.get('pmd')),
             'pmd_settings_tried': tried,
             'virtio_mpps': round(statistics.median(virtio), 4) if virtio
             else None, 'quiet': quiet}
        if queues == 1 and 'instructions' not in self.left_out:
            self.count(c, mode, size, pmd_set)
        c['ratio'] = ratio(c['ours'], c['pmd'], quiet)
        self.cells.append(c)
        self.say(pps_show.progress(c))
        self.save()

    def count(self, c, mode, size, pmd_set):
        for side, setting in (('ours', OURS), ('pmd', pmd_set)):
            if c[side] is None:
                continue
            c[side]['instructions'] = self.attempt(
                f'count {mode} {size} {side}', pps_count.both, self.bench,
                side, mode, size, 1, setting)

    # --- yardsticks ---

    def pairs(self, what, a, b, **key):
        """Interleaved runs of a and b; each a (side, keywords)."""

        def once(side, kw):
            return lambda: self.attempt(
                f'{what} {side}', self.bench.once, side, key['mode'],
                key['bytes'], 1, self.o.seconds, OURS, **kw)

        place, some, runs = self.interleave({'a': once(*a), 'b': once(*b)})
        e = {'what': what, **key, 'place': place,
             'a': summary(some['a'], OURS, runs['a']),
             'b': summary(some['b'], OURS, runs['b'])}
        e['quiet'] = self.look(some)
        e['ratio'] = ratio(e['a'], e['b'], e['quiet'])
        self.extras.append(e)
        self.say(f'{what} {key}: {e["ratio"]}')
        self.save()

    def yardsticks(self):
        drain = {'program': [helper(self.bench.hvnet, 'pps_drain')]}
        sides = ['ours'] + (['pmd'] if 'DPDK' not in self.left_out else [])
        for size in self.o.sizes:
            for side in sides if 'tx' in self.o.modes else []:
                self.pairs('drain', (side, {}), (side, drain), mode='tx',
                           bytes=size, driver=side)
        if 'DPDK' in self.left_out:
            return
        for mode in [m for m in self.o.modes if m in MODES]:
            self.pairs('files', ('uio', {}), ('pmd', {}), mode=mode,
                       bytes=self.o.sizes[0])

    def by_reference(self):
        """Transmit of the longest frames from registered memory."""
        size = max(self.o.sizes)
        others = {'ref': 'ours'}
        if 'DPDK' not in self.left_out:
            others['ref-pmd'] = 'pmd'
        # 16 in a packet, the default, and a packet each.
        for side in ('ref',) if self.o.quick else ('ref1', 'ref'):
            for what, other in others.items():
                self.pairs(what, (side, {}), (other, {}), mode='tx',
                           bytes=size, driver=side)

    def tap(self):
        """Transmit, each frame written to a TAP whose kernel drops it."""
        def spec(lab):
            return lab.tap_spec('b0', queues=1, spoof='on')

        if os.geteuid() != 0 or not os.path.exists('/dev/net/tun'):
            self.left_out['tap'] = 'no root, or no /dev/net/tun'
            return
        for size in self.o.sizes if 'tx' in self.o.modes else []:
            if 'DPDK' in self.left_out:
                break
            self.pairs('tap', ('ours', {'spec': spec}),
                       ('pmd', {'spec': spec}), mode='tx', bytes=size)

    def run(self):
        o = self.o
        self.have('DPDK', self.need_dpdk)
        if 'DPDK' in self.left_out:
            self.left_out['virtio'] = self.left_out['DPDK']
        else:
            self.have('virtio', pps_virtio.need)
        if o.quick or o.no_count:
            self.left_out['instructions'] = 'not requested'
        else:
            self.have('instructions', pps_count.need)
        if o.no_virtio:
            self.left_out['virtio'] = 'not requested'
        self.attempt('calibration', self.bench.calibrate)
        self.bench.commands.clear()
        for mode in [m for m in o.modes if m in MODES]:
            for size in o.sizes:
                for queues in o.queues:
                    self.cell(mode, size, queues)
        if not o.no_yardsticks:
            self.yardsticks()
            self.tap()
        if 'ref' in o.modes or ('tx' in o.modes and not o.no_yardsticks):
            self.by_reference()

    def need_dpdk(self):
        need_dpdk(self.bench.hvnet)
        self.bench.pages.take()

    def save(self):
        """After each cell, so that what was measured is not lost."""
        if self.o.json:
            pathlib.Path(self.o.json).write_text(
                json.dumps(self.json(), indent=1) + '\n', encoding='utf-8')

    def json(self):
        goals = pps_show.goals(self)
        return {'bench': 'pps', 'date': time.strftime('%Y-%m-%d %H:%M:%S'),
                'command': ' '.join(['hvnet', 'bench', 'pps',
                                     *self.o.words]),
                'machine': machine(self.bench), 'versions': versions(),
                'rounds': self.o.rounds, 'seconds': self.o.seconds,
                'left_out': self.left_out, 'goals': goals,
                'cells': self.cells, 'yardsticks': self.extras,
                'troubles': self.troubles,
                'commands': self.bench.commands}


def summary(runs, setting, all_runs):
    """Medians of the rates; sums, of all runs, of what was lost."""
    if not runs:
        return None

    def mid(get, digits=3):
        return round(statistics.median(get(r) for r in runs), digits)
    s = {'mpps': mid(lambda r: r['mpps'], 4),
         'runs': [r['mpps'] for r in runs], 'setting': setting.text(),
         'apart_ns': [max(r['apart_ns']) for r in runs
                      if None not in r['apart_ns']],
         'all_runs': [[r['mpps'], *r['apart_ns']] for r in all_runs],
         'lost': sum(r['lost'] for r in all_runs),
         'frames': sum(r['total'] for r in all_runs),
         'imissed': sum(r.get('imissed', 0) for r in all_runs),
         'guest_busy': mid(lambda r: r['guest_busy']),
         'host_busy': mid(lambda r: r['host']['busy']),
         'host_idle_polls': mid(lambda r: r['host']['idle_polls'])}
    s['limit'] = 'host' if s['host_busy'] > s['guest_busy'] else 'driver'
    return s


def ratio(a, b, quiet):
    """None: there is nothing to compare, or the machine was busy."""
    if not (a and b and b['mpps']) or quiet['no_verdict']:
        return None
    return round(a['mpps'] / b['mpps'], 2)


def machine(bench):
    cpu = re.search(r'model name\s*: (.*)', pathlib.Path(
        '/proc/cpuinfo').read_text())
    return {'cpu': cpu.group(1) if cpu else platform.machine(),
            'cpus': os.cpu_count(), 'kernel': platform.release(),
            'memory_gb': round(os.sysconf('SC_PHYS_PAGES') *
                               os.sysconf('SC_PAGE_SIZE') / 2**30),
            'load': round(os.getloadavg()[0], 1),
            'cores': bench.cores.text()}


def versions():
    def ask(*cmd):
        try:
            r = subprocess.run(cmd, capture_output=True, text=True, cwd=TOP,
                               check=False)
        except OSError:
            return None
        return r.stdout.strip() or None
    return {'hvnet': ask('git', 'describe', '--always', '--dirty'),
            'dpdk': ask('dpkg-query', '-W', '-f', '${Version}', 'dpdk-dev'),
            'valgrind': ask('valgrind', '--version')}


def options():
    p = Parser(prog='hvnet bench pps', description=__doc__.split('\n')[0])
    p.add_argument('--hvnet', default=str(TOP / 'build/cli/hvnet'),
                   help=argparse.SUPPRESS)
    p.add_argument('--json', metavar='FILE')
    p.add_argument('--quick', action='store_true')
    p.add_argument('--seconds', type=number(0.1, 60, float))
    p.add_argument('--rounds', type=number(1, 1000))
    p.add_argument('--sizes', type=several(number(46, 1514)),
                   default=list(SIZES))
    p.add_argument('--queues', type=several(number(1, 64)),
                   default=list(QUEUES))
    p.add_argument('--modes', type=several(one_of(*MODES, 'ref')),
                   default=list(MODES))
    p.add_argument('--no-count', action='store_true')
    p.add_argument('--no-virtio', action='store_true')
    p.add_argument('--no-yardsticks', action='store_true')
    p.add_argument('--lock', metavar='FILE')
    p.add_argument('--realtime', action='store_true')
    o = p.parse_args()
    o.seconds = o.seconds or (0.5 if o.quick else 1.0)
    o.rounds = o.rounds or (1 if o.quick else 5)
    o.words = sys.argv[1:]
    if '--hvnet' in o.words:
        k = o.words.index('--hvnet')
        del o.words[k:k + 2]
    return o


def main():
    o = options()
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, lambda number, frame: sys.exit(128 + number))
    bench = Bench(o.hvnet, o.lock, o.realtime)
    ours = helper(bench.hvnet, 'pps_hvnet')
    if not ours.exists():
        sys.exit(f'hvnet bench pps: no {ours}: build it first (make)')
    if o.json:      # before an hour of work, not after it
        try:
            open(o.json, 'a', encoding='utf-8').close()
        except OSError as e:
            print(f'hvnet bench pps: --json: {o.json}: {e.strerror}',
                  file=sys.stderr)
            sys.exit(2)
    report = Report(bench, o)
    report.run()
    report.save()
    print(pps_show.table(report))
    sys.exit(0 if any(c['ours'] for c in report.cells) or
             any(e['a'] for e in report.extras) else 1)


if __name__ == '__main__':
    main()

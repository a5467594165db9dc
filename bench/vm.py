#!/usr/bin/env python3
"""What each offload and each channel gives a stock kernel on our host end.

A virtual machine (docs/vm.md) attaches by its own drivers; TCP goes between
it and a TAP, both ways.  First the ladder of offloads on one channel, one
stream: nothing at all; the kernel's own batching (GSO, GRO); checksums; TSO;
RSC, which is LRO to Linux.  Then 1, 2 and 4 channels, 8 streams.  A vCPU for
each channel, two at least.

Rounds are interleaved and medians given, so that a noisy machine disturbs all
alike.  Guest instructions are counted by a TCG plugin in a machine of their
own, as counting costs speed.

usage: vm.py [--hvnet FILE] [--json FILE] [--rounds N] [--seconds S] [--quick]
             [--parts offloads,channels] [--channels 1,2,4]
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP / 'scripts'), str(TOP / 'tests/vm')]
GB = 1e9


def measure(guest, way, streams, seconds):
    """One run: Mbit/s, and what it took for each gigabyte."""
    before = guest.counts()
    size, mbits = guest.traffic(way, streams, seconds)
    after = guest.counts()
    row = {'mbits': mbits}
    for k in after:
        row[k] = [(b - a) / (size / GB) for a, b in zip(before[k], after[k])]
    return row


def median(rows):
    """Of dictionaries of numbers or lists of numbers."""
    out = {}
    for k, v in rows[0].items():
        if isinstance(v, list):
            out[k] = [round(statistics.median(r[k][i] for r in rows), 1)
                      for i in range(len(v))]
        else:
            out[k] = round(statistics.median(r[k] for r in rows), 1)
    return out


def share(values):
    """The largest part of the whole."""
    return round(max(values) / sum(values), 2) if sum(values) else None


def instructions(x):
    return ' + '.join(f'{v / GB:.2f}' for v in x) if x else '-'


def show(case, way, c):
    print(f'{case:12} {"guest to host" if way == "out" else "host to guest"}'
          f' {c["mbits"]:7.0f} Mbit/s  interrupts '
          f'{" + ".join(f"{v:.0f}" for v in c["interrupts"]):>15} a GB  '
          f'signals {sum(c["signals"]):6.0f} a GB  instructions '
          f'{instructions(c.get("instructions"))} a byte', flush=True)


class Bench:
    """The machines, made as they are asked for."""

    def __init__(self, make, opts):
        self.make = make
        self.opts = opts
        self.machines = {}
        self.labs = []

    def guest(self, vps, counted):
        if (vps, counted) not in self.machines:
            from lab import Lab
            lab = Lab(self.opts.hvnet)
            self.labs.append(lab)
            self.machines[vps, counted] = self.make(lab, vps, counted)
        return self.machines[vps, counted]

    def close(self):
        for lab in self.labs:
            lab.close()

    def cells(self, cases, streams):
        """{(case, way): median}; a case is (label, vps, step, channels)."""
        plain = {}
        counted = {}
        for r in range(self.opts.rounds):
            for case in cases:
                for way in ('out', 'in'):
                    self.cell(plain, case, way, streams, False)
                    if r < self.opts.counted_rounds:
                        self.cell(counted, case, way, streams, True)
        out = {}
        for key, rows in plain.items():
            out[key] = median(rows)
            out[key]['runs_mbits'] = [round(r['mbits']) for r in rows]
            if key in counted:
                c = median(counted[key])
                out[key]['instructions'] = c['instructions']
                out[key]['counted_mbits'] = c['mbits']
            show(key[0], key[1], out[key])
        return out

    def cell(self, rows, case, way, streams, counted):
        name, vps, step, n = case
        g = self.guest(vps, counted)
        g.channels(n)
        g.offloads(step)
        rows.setdefault((name, way), []).append(
            measure(g, way, streams, self.opts.seconds))


def ratio(cells, a, b, way):
    return round(cells[a, way]['mbits'] / cells[b, way]['mbits'], 2)


def offloads(b):
    print('offloads: one channel, two vCPUs, one stream')
    c = b.cells([(s, 2, s, 1) for s in b.make.steps], 1)
    last = list(b.make.steps)[-1]
    found = {
        'tso_to_none_out': ratio(c, 'tso', 'none', 'out'),
        'tso_to_csum_out': ratio(c, 'tso', 'csum', 'out'),
        'rsc_to_none_in': ratio(c, last, 'none', 'in'),
        'rsc_to_without_in': ratio(c, last, 'tso', 'in'),
    }
    print(f'TSO is {found["tso_to_none_out"]} times no offload (goal 5), '
          f'{found["tso_to_csum_out"]} times checksums alone; RSC is '
          f'{found["rsc_to_none_in"]} times no offload (goal 2), '
          f'{found["rsc_to_without_in"]} times all but RSC', flush=True)
    return c, found


def label(n):
    return f'{n} channel{"s" if n > 1 else ""}'


def channels(b):
    print('channels: 8 streams, all offloads')
    last = list(b.make.steps)[-1]
    c = b.cells([(label(n), max(n, 2), last, n)
                 for n in b.opts.channels], 8)
    found = {}
    if {1, 2} <= set(b.opts.channels):
        two = c[label(2), 'in']
        found = {f'{k}_share': share(two[k]) for k in
                 ('interrupts', 'softirq_ticks', 'instructions') if k in two}
        found['two_to_one_in'] = ratio(c, label(2), label(1), 'in')
        print('host to guest, two channels: the busier vCPU has ' + ', '.join(
            f'{v} of {k[:-6]}' for k, v in found.items() if 'share' in k) +
            f' (goal 0.6); throughput {found["two_to_one_in"]} times one '
            f'channel (goal 1)', flush=True)
    return c, found


PARTS = {'offloads': offloads, 'channels': channels}


def guests():
    """The guests that this machine can run: (class, why left out)."""
    from vm_linux import LinuxGuest
    made = [(LinuxGuest, None)]
    if os.environ.get('HVNET_FREEBSD_KERNEL') or \
            os.environ.get('HVNET_FREEBSD_IMAGE'):
        try:
            from vm_freebsd import FreebsdGuest
            made.append((FreebsdGuest, None))
        except ImportError:
            made.append((None, 'freebsd: no bench/vm_freebsd.py'))
    return made


def bench(guest, opts):
    b = Bench(guest, opts)
    result = {'guest': guest.name}
    try:
        result['kernel'] = b.guest(2, False).kernel()
        print(f'{guest.name} {result["kernel"]}', flush=True)
        for part in opts.parts:
            cells, found = PARTS[part](b)
            result[part] = {'cells': [
                {'case': k[0], 'way': k[1], **v} for k, v in cells.items()],
                **found}
        result['complaints'] = [x for g in b.machines.values()
                                for x in g.complaints()]
    finally:
        b.close()
    return result


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--hvnet', default=str(TOP / 'build/cli/hvnet'))
    p.add_argument('--json')
    p.add_argument('--seconds', type=int)
    p.add_argument('--rounds', type=int)
    p.add_argument('--parts', default='offloads,channels')
    p.add_argument('--channels', default='1,2,4')
    p.add_argument('--quick', action='store_true',
                   help='one short round of each: whether it works')
    o = p.parse_args()
    o.parts = o.parts.split(',')
    if set(o.parts) - set(PARTS):
        p.error(f'--parts: of {",".join(PARTS)}')
    o.channels = [int(x) for x in o.channels.split(',')]
    o.rounds = o.rounds or (1 if o.quick else 5)
    o.seconds = o.seconds or (1 if o.quick else 3)
    o.counted_rounds = min(o.rounds, 1 if o.quick else 2)
    import kit
    try:
        kit.qemu()
        kit.initrd()
    except kit.KitError as e:
        sys.exit(f'bench vm: cannot make a virtual machine: {e}')
    results, left_out = [], []
    for guest, why in guests():
        if why:
            print(f'left out: {why}')
            left_out.append(why)
        else:
            results.append(bench(guest, o))
    commit = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], cwd=TOP,
                            capture_output=True, text=True).stdout.strip()
    if o.json:
        pathlib.Path(o.json).write_text(json.dumps(
            {'bench': 'vm', 'commit': commit, 'cpus': os.cpu_count(),
             'rounds': o.rounds, 'seconds': o.seconds,
             'load': os.getloadavg()[0], 'left_out': left_out,
             'results': results}, indent=1) + '\n')


if __name__ == '__main__':
    main()

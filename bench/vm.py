#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What each offload and each channel gives a stock kernel on our host end.

A virtual machine (docs/vm.md) attaches by its own drivers; TCP goes between
it and a TAP, both ways.  First the ladder of offloads on one channel, one
stream (Linux: nothing at all; the kernel's own batching, GSO and GRO;
checksums; TSO; RSC, which is LRO to Linux).  Then 1, 2 and 4 channels, 8
streams, at full speed and, from the host, at a pace that leaves the guest idle
in between.  A vCPU for each channel, two at least.

The 8 streams are spread evenly over the channels, by ports chosen with the
guest's own Toeplitz key and table: with random ports, two channels get four
streams each only 27 times in 100.  The other way the guest's kernel chooses.

What is counted is a stretch in the middle of a run, between two looks at all
counters: connections being made or ended are not in it.  Mbit/s is payload
(frames less HEADERS) by the host end's count of that stretch.

Rounds are interleaved and medians given, so that a noisy machine disturbs all
alike; how work splits between processors is of all rounds together.  Guest
instructions are counted by a TCG plugin in a machine of their own, as counting
costs speed.

usage: vm.py [--hvnet FILE] [--json FILE] [--rounds N] [--seconds S] [--quick]
             [--guests linux,freebsd] [--parts offloads,channels]
             [--channels 1,2,4]
       vm.py --guests freebsd --drivers hn,hvn [...]
"""
import argparse
import collections
import json
import os
import pathlib
import statistics
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP / 'scripts'), str(TOP / 'tests/vm')]
from arguments import Parser, number, one_of, several   # noqa: E402
from lab import commit      # noqa: E402
from quiet import Quiet     # noqa: E402

GB = 1e9
HEADERS = 66            # Ethernet, IPv4, TCP with time stamps
SETTLE = 1              # seconds from the last connection to the first look
PACE = 10               # Mbit/s of each stream, where it is held
STREAMS = 8
SPLIT = ('interrupts', 'softirq_ticks', 'kernel_ticks', 'instructions')

Case = collections.namedtuple('Case', 'name vps step channels ways pace',
                              defaults=(('out', 'in'), None))


def look(guest, way):
    """All counters, since boot: lists, by processor or by channel."""
    counts = guest.counts()
    side = 'from_guest' if way == 'out' else 'to_guest'
    queues = [q[side] for q in guest.j.nic()['queues']]
    counts['frames'] = [q.get('frames', 0) for q in queues]
    counts['bytes'] = [q.get('bytes', 0) for q in queues]
    counts['time'] = [time.monotonic()]
    return counts


def measure(guest, case, way, streams, seconds):
    """One run: how far each counter rose in the middle of it, and Mbit/s."""
    guest.start(way, streams, case.pace)
    time.sleep(SETTLE)
    before = look(guest, way)
    time.sleep(seconds)
    after = look(guest, way)
    guest.stop()
    row = {k: [b - a for a, b in zip(before[k], after[k])] for k in after}
    row['payload'] = [b - HEADERS * f
                      for b, f in zip(row['bytes'], row['frames'])]
    if sum(row['payload']) <= 0:
        raise SystemExit(f'bench vm: {case.name}, {way}: no data passed')
    row['mbits'] = 8 * sum(row['payload']) / row['time'][0] / 1e6
    row['flows'] = guest.flows if way == 'in' else []
    return row


def summed(rows, key):
    return [sum(x) for x in zip(*(r[key] for r in rows))]


def digest(rows, channels):
    """Of a case's runs: medians of speed and of what a gigabyte took, and
    each processor's or channel's part of the whole."""
    out = {'mbits': round(statistics.median(r['mbits'] for r in rows), 1),
           'runs_mbits': [round(r['mbits']) for r in rows],
           'channels': channels, 'flows': rows[0]['flows'],
           'parts': {}, 'runs_parts': {}}
    for k in rows[0]:
        if k in ('time', 'mbits', 'bytes', 'payload', 'flows'):
            continue
        a_gb = [[v / (sum(r['payload']) / GB) for v in r[k]] for r in rows]
        out[k] = [round(statistics.median(v), 1) for v in zip(*a_gb)]
    for k in (*SPLIT, 'frames', 'payload'):
        if k in rows[0]:
            out['parts'][k] = parts(summed(rows, k))
            out['runs_parts'][k] = [parts(r[k]) for r in rows]
    return out


def parts(values):
    """Of the whole, in percent; none where there is nothing."""
    whole = sum(values)
    return [round(100 * v / whole) for v in values] if whole else []


def percent(x):
    return '/'.join(map(str, x)) if x else '-'


def instructions(x):
    return ' + '.join(f'{v / GB:.2f}' for v in x) if x else '-'


def show(case, way, c):
    print(f'{case:20} {"guest to host" if way == "out" else "host to guest"}'
          f' {c["mbits"]:7.0f} Mbit/s  interrupts '
          f'{" + ".join(f"{v:.0f}" for v in c["interrupts"]):>15} a GB  '
          f'signals {sum(c["signals"]):6.0f} a GB  instructions '
          f'{instructions(c.get("instructions"))} a byte', flush=True)
    if c['channels'] > 1:
        flows = f'flows {"+".join(map(str, c["flows"]))}, ' \
            if c['flows'] else ''
        print(f'{"":20} channels: {flows}frames '
              f'{percent(c["parts"]["frames"])} %, bytes '
              f'{percent(c["parts"]["payload"])} %;  processors: ' + ', '.join(
                  f'{k} {percent(c["parts"][k])} %' for k in SPLIT
                  if k in c['parts']), flush=True)


class Bench:
    """The machines, made when first used."""

    def __init__(self, make, opts):
        self.make = make
        self.opts = opts
        self.machines = {}
        self.labs = []

    def guest(self, case, counted):
        n = None if self.make.any_channels else case.channels
        if (case.vps, counted, n) not in self.machines:
            from lab import Lab
            lab = Lab(self.opts.hvnet)
            self.labs.append(lab)
            self.machines[case.vps, counted, n] = self.make(
                lab, case.vps, counted, n)
        return self.machines[case.vps, counted, n]

    def close(self):
        for lab in self.labs:
            lab.close()

    def cells(self, cases, streams):
        """{(case's name, way): digest}, and how quiet the machine was."""
        quiet = Quiet()
        plain = {}
        counted = {}
        for r in range(self.opts.rounds):
            for case in cases:
                for way in case.ways:
                    self.cell(plain, case, way, streams, False)
                    if r < self.opts.counted_rounds:
                        self.cell(counted, case, way, streams, True)
        out = {}
        number = {case.name: case.channels for case in cases}
        for key, rows in plain.items():
            out[key] = digest(rows, number[key[0]])
            if key in counted:
                c = digest(counted[key], number[key[0]])
                out[key]['instructions'] = c['instructions']
                out[key]['counted_mbits'] = c['mbits']
                for what in ('parts', 'runs_parts'):
                    out[key][what]['instructions'] = c[what]['instructions']
            show(key[0], key[1], out[key])
        found = quiet.look(*(c['runs_mbits'] for c in out.values()))
        if found['no_verdict']:
            print(f'no ratios and goals: {found["no_verdict"]}', flush=True)
        return out, found

    def cell(self, rows, case, way, streams, counted):
        g = self.guest(case, counted)
        g.channels(case.channels)
        g.offloads(case.step)
        rows.setdefault((case.name, way), []).append(
            measure(g, case, way, streams, self.opts.seconds))


def ratio(cells, a, b, way):
    return round(cells[a, way]['mbits'] / cells[b, way]['mbits'], 2)


def offloads(b):
    print('offloads: one channel, two vCPUs, one stream')
    c, quiet = b.cells([Case(s, 2, s, 1) for s in b.make.steps], 1)
    found = {} if quiet['no_verdict'] else \
        {k: ratio(c, *v) for k, v in b.make.ratios.items()}
    for k, v in found.items():
        print(f'{k}: {v}', flush=True)
    return c, {'quiet': quiet, **found}


def label(n, paced=False):
    return f'{n} channel{"s" if n > 1 else ""}{", paced" if paced else ""}'


def channels(b):
    print(f'channels: {STREAMS} streams, all offloads; paced: {PACE} Mbit/s '
          'each')
    last = list(b.make.steps)[-1]
    cases = [Case(label(n), max(n, 2), last, n) for n in b.opts.channels]
    cases += [Case(label(n, True), max(n, 2), last, n, ('in',), PACE)
              for n in b.opts.channels if n > 1]
    c, quiet = b.cells(cases, STREAMS)
    found = {}
    for n in [] if quiet['no_verdict'] else b.opts.channels:
        if n == 1:
            continue
        if 1 in b.opts.channels:
            found[f'{label(n)} to 1, from the host (goal 1)'] = \
                ratio(c, label(n), label(1), 'in')
        for name in (label(n), label(n, True)):
            part = c[name, 'in']['parts']
            goal = ' (goal: 60 % at most)' if n == 2 else ''
            found[f'{name}, from the host, the busiest processor{goal}'] = {
                k: max(part[k], default=0) for k in SPLIT if k in part}
    for k, v in found.items():
        print(f'{k}: ' + (', '.join(f'{a} {b} %' for a, b in v.items())
                          if isinstance(v, dict) else str(v)), flush=True)
    return c, {'quiet': quiet, **found}


PARTS = {'offloads': offloads, 'channels': channels}


def guests(wanted):
    """The guests that this machine can run: (class, why left out)."""
    made = []
    if 'linux' in wanted:
        from vm_linux import LinuxGuest
        made.append((LinuxGuest, None))
    if 'freebsd' in wanted:
        if os.environ.get('HVNET_FREEBSD_IMAGE'):
            from vm_freebsd import FreebsdGuest
            made.append((FreebsdGuest, None))
        else:
            made.append((None, 'freebsd: HVNET_FREEBSD_IMAGE names no image '
                         '(a bare kernel cannot be booted: docs/vm.md)'))
    return made


def drivers(opts):
    """FreeBSD's drivers side by side; (result or None, why left out)."""
    import vm_drivers
    why = vm_drivers.missing(opts.drivers)
    if why:
        return None, f'freebsd: {why}'

    def run(guest, cell, seconds):
        way, streams = cell
        case = Case(f'{streams} streams', 2, 'rsc', 2)
        return measure(guest, case, way, streams, seconds)

    return vm_drivers.compare(opts.drivers, opts, run), None


def bench(guest, opts):
    b = Bench(guest, opts)
    result = {'guest': guest.name}
    try:
        result['kernel'] = b.guest(Case('', 2, '', 1), False).kernel()
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
    p = Parser(prog='hvnet bench vm', description=__doc__.split('\n')[0])
    p.add_argument('--hvnet', default=str(TOP / 'build/cli/hvnet'),
                   help=argparse.SUPPRESS)
    p.add_argument('--json', metavar='FILE', help='also write all there')
    p.add_argument('--seconds', type=number(1, 600),
                   help='length of one run; default 3')
    p.add_argument('--rounds', type=number(1, 1000),
                   help='runs of each; default 5')
    p.add_argument('--guests', type=several(one_of('linux', 'freebsd')),
                   default='linux,freebsd',
                   help='freebsd where HVNET_FREEBSD_IMAGE is set')
    p.add_argument('--parts', type=several(one_of(*PARTS)),
                   default=list(PARTS))
    p.add_argument('--channels', type=several(number(1, 64)),
                   default='1,2,4')
    p.add_argument('--drivers', type=several(one_of('hn', 'hvn')),
                   help="only FreeBSD's drivers, side by side; hvn where "
                   'HVNET_FREEBSD_HVN is set')
    p.add_argument('--quick', action='store_true',
                   help='one short round of each, to check it works')
    o = p.parse_args()
    o.rounds = o.rounds or (1 if o.quick else 5)
    o.seconds = o.seconds or (1 if o.quick else 3)
    o.counted_rounds = min(o.rounds, 1 if o.quick else 2)
    if o.json:      # before an hour of work, not after it
        try:
            open(o.json, 'a', encoding='utf-8').close()
        except OSError as e:
            p.error(f'{o.json}: {e.strerror}')
    import kernels
    import kit
    try:
        kit.qemu()
        kernels.ready()
    except kit.ImageError as e:
        sys.exit(f'bench vm: cannot make a virtual machine: {e}')
    results, left_out = [], []
    if o.drivers:
        result, why = drivers(o)
        results += [result] if result else []
        if why:
            print(f'left out: {why}')
            left_out.append(why)
    for guest, why in guests(o.guests) if not o.drivers else []:
        if why:
            print(f'left out: {why}')
            left_out.append(why)
        else:
            results.append(bench(guest, o))
    if o.json:
        pathlib.Path(o.json).write_text(json.dumps(
            {'bench': 'vm', 'commit': commit(), 'cpus': os.cpu_count(),
             'rounds': o.rounds, 'seconds': o.seconds,
             'load': os.getloadavg()[0], 'left_out': left_out,
             'results': results}, indent=1) + '\n')


if __name__ == '__main__':
    main()

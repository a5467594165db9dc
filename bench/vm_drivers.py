# SPDX-License-Identifier: BSD-2-Clause
"""FreeBSD's drivers side by side: `hvnet bench vm --guests freebsd --drivers
hn,hvn`.

A machine for each driver, both there all the time, on host ends of their own;
two vCPUs and two channels.  A round measures each cell with each driver, one
after the other, the order turned round from round to round: what disturbs the
machine disturbs both.  The ratio of a cell is the median of the rounds' ratios.
"""
import os
import statistics

from quiet import Quiet
from vm_freebsd import FreebsdGuest, HvnGuest

CELLS = [(way, n) for n in (1, 8) for way in ('out', 'in')]
MACHINES = {'hn': FreebsdGuest, 'hvn': HvnGuest}
# Policy: pairs of which the median is a verdict.
PAIRS = 7


def name(cell):
    way, streams = cell
    return f'{"guest to host" if way == "out" else "host to guest"}, ' \
        f'{streams} stream{"s" if streams > 1 else ""}'


def missing(wanted):
    """Why these drivers cannot be measured here; None if they can."""
    if not os.environ.get('HVNET_FREEBSD_IMAGE'):
        return 'HVNET_FREEBSD_IMAGE names no image'
    if 'hvn' in wanted and not os.environ.get('HVNET_FREEBSD_HVN'):
        return 'HVNET_FREEBSD_HVN names no if_hvn.ko'
    return None


class Drivers:
    """The machines, and what was measured in them."""

    def __init__(self, wanted, opts, measure):
        from lab import Lab
        self.opts = opts
        self.measure = measure
        self.wanted = wanted
        self.labs = []
        self.machines = {}
        for counted in (False, True):
            for d in wanted:
                lab = Lab(opts.hvnet)
                self.labs.append(lab)
                g = MACHINES[d](lab, 2, counted, 2)
                g.offloads('rsc')
                self.machines[d, counted] = g

    def close(self):
        for lab in self.labs:
            lab.close()

    def round(self, rows, counted, turn):
        order = self.wanted[::-1] if turn % 2 else self.wanted
        for cell in CELLS:
            for d in order:
                rows.setdefault((cell, d), []).append(self.measure(
                    self.machines[d, counted], cell, self.opts.seconds))


def digest(rows, counted):
    """Of one cell and driver."""
    def bytes_of(r):
        return sum(r['payload'])

    return {
        'mbits': round(statistics.median(r['mbits'] for r in rows), 1),
        'runs_mbits': [round(r['mbits']) for r in rows],
        'interrupts_a_gb': round(statistics.median(
            sum(r['interrupts']) / bytes_of(r) * 1e9 for r in rows)),
        'signals_a_gb': round(statistics.median(
            sum(r['signals']) / bytes_of(r) * 1e9 for r in rows)),
        'instructions_a_byte': round(statistics.median(
            sum(r['instructions']) / bytes_of(r) for r in counted), 2),
    }


def show(cells, wanted, no_verdict):
    for cell in CELLS:
        for d in wanted:
            c = cells[cell, d]
            print(f'{name(cell):26} {d:4} {c["mbits"]:7.0f} Mbit/s  '
                  f'interrupts {c["interrupts_a_gb"]:6} a GB  signals '
                  f'{c["signals_a_gb"]:6} a GB  instructions '
                  f'{c["instructions_a_byte"]:5.2f} a byte', flush=True)
        if len(wanted) == 2 and not no_verdict:
            print(f'{"":26} {wanted[1]} to {wanted[0]}: '
                  f'{ratio(cells, cell, wanted)}', flush=True)
    if no_verdict:
        print(f'no ratios: {no_verdict}')


def ratio(cells, cell, wanted):
    """The median of the pairs' ratios."""
    a, b = (cells[cell, d]['runs_mbits'] for d in wanted)
    return round(statistics.median(y / x for x, y in zip(a, b)), 2)


def compare(wanted, opts, measure):
    """measure(guest, (way, streams), seconds): one run, as a row of counts."""
    quiet = Quiet()
    b = Drivers(wanted, opts, measure)
    plain, counted = {}, {}
    try:
        print(f'drivers {", ".join(wanted)}: FreeBSD '
              f'{b.machines[wanted[0], False].kernel()}', flush=True)
        for turn in range(opts.rounds):
            b.round(plain, False, turn)
            if turn < opts.counted_rounds:
                b.round(counted, True, turn)
        complaints = [x for g in b.machines.values() for x in g.complaints()]
    finally:
        b.close()
    cells = {k: digest(rows, counted[k]) for k, rows in plain.items()}
    found = quiet.look(*(c['runs_mbits'] for c in cells.values()))
    why = found['no_verdict']
    if not why and opts.rounds < PAIRS:
        why = f'{opts.rounds} rounds; a ratio is of {PAIRS} pairs'
    show(cells, wanted, why)
    return {'guest': 'freebsd', 'drivers': wanted, 'quiet': found,
            'complaints': complaints, 'cells': [
                {'cell': name(k[0]), 'driver': k[1], **v}
                for k, v in cells.items()]}

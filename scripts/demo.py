#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""hvnet's main job on real traffic, as a table.

Two namespaces: programs in one (the guest) talk to programs in the other (the
host side) through NetVSC, VMBus and NetVSP.  Copies a file each way and checks
it, climbs the ladder of offloads with iperf3, and leaves nothing behind.

usage: demo.py [--seconds 3] [--mib 1024]
"""
import time
from argparse import RawDescriptionHelpFormatter

from arguments import Parser, number
from lab import Lab, LabError, cpu_seconds, total
from quiet import Quiet

PICTURE = """
   namespace "guest"                                    namespace "host side"
   iperf3 -- hn0 -- NetVSC ====== VMBus rings ====== NetVSP -- hvhost0 -- iperf3
           (TAP)    2 vCPU threads, shared memory   2 workers   (TAP)
"""

# label, NIC specification, guest arguments, queues
LADDER = [
    ('no offload', dict(txcsum='off', rxcsum='off', tso='off', rsc='off',
                        gro='off'), ['--no-coalesce'], 1),
    ('+ checksum', dict(tso='off', rsc='off', gro='off'),
     ['--no-coalesce'], 1),
    ('+ coalescing', dict(tso='off', rsc='off'), [], 1),
    ('+ TSO', dict(rsc='off'), [], 1),
    ('+ RSC (all on)', {}, [], 1),
    ('all, 2 channels', {}, [], 2),
]


def counters(lab):
    s = lab.stat()
    guest = [x for x in s if x['kind'] == 'guest']
    host = [x for x in s if x['kind'] == 'host']
    return {'out': total(guest, 'signals_data') + total(guest, 'signals_room'),
            'in': total(host, 'signals_data') + total(host, 'signals_room')}


def measure(lab, direction, seconds, args=()):
    src, dst, to = ('g', 'h', '10.7.0.2') if direction == 'out' else \
        ('h', 'g', '10.7.0.1')
    pids = {'guest': lab.guestp.pid, 'host': lab.hostp.pid}
    cpu = {k: cpu_seconds(p) for k, p in pids.items()}
    before = counters(lab)
    end = lab.iperf(src, dst, to, seconds, args)
    after = counters(lab)
    got = end.get('sum_received') or end['sum']
    gb = max(got['bytes'], 1) / 1e9
    return {'gbps': got['bits_per_second'] / 1e9,
            'cpu_guest': (cpu_seconds(pids['guest']) - cpu['guest']) / gb,
            'cpu_host': (cpu_seconds(pids['host']) - cpu['host']) / gb,
            'signals': (after['out'] - before['out']) / gb,
            'interrupts': (after['in'] - before['in']) / gb,
            'lost': end.get('sum', {}).get('lost_percent')}


def line(label, way, m):
    arrow = 'guest -> host' if way == 'out' else 'host -> guest'
    print(f'{label:18} {arrow}  {m["gbps"]:7.2f}   {m["cpu_guest"]:6.2f}  '
          f'{m["cpu_host"]:6.2f}   {m["signals"]:9,.0f}  '
          f'{m["interrupts"]:9,.0f}', flush=True)


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


def ladder(seconds):
    print(f'\n{"":18} {"direction":13}  {"Gbit/s":>7}   {"CPU s per GB":^14}'
          f'   {"signals":>9}  {"interr.":>9}')
    print(f'{"":18} {"":13}  {"":7}   {"guest":>6}  {"host":>6}   '
          f'{"per GB":>9}  {"per GB":>9}')
    best = {}
    for label, spec, args, n in LADDER:
        with Lab() as lab:
            lab.pair(queues=n, vps=n, guest_args=args, **spec)
            for way in ('out', 'in'):
                streams = ['-P', '4'] if n > 1 else []
                m = measure(lab, way, seconds, streams)
                line(label + (' x4' if n > 1 else ''), way, m)
                best[label, way] = m['gbps']
    return best


def udp(seconds):
    with Lab() as lab:
        lab.pair()
        for way in ('out', 'in'):
            m = measure(lab, way, seconds, ['-u', '-b', '200M', '-l', '1400'])
            line(f'UDP 200M, {m["lost"]:.1f} % lost', way, m)


def what_it_gave(best, busy):
    """The sentences on {(step, way): Gbit/s}; none of a machine that is."""
    if busy:
        return f'\nNo ratios between offloads: {busy}.'
    plain, csum = LADDER[0][0], LADDER[1][0]
    tso, rsc = LADDER[3][0], LADDER[4][0]
    return f"""
What it gave (one TCP stream, this run, this machine):
  checksum offload  x{best[csum, 'out'] / best[plain, 'out']:.1f} out, \
x{best[csum, 'in'] / best[plain, 'in']:.1f} in
  TSO               x{best[tso, 'out'] / best[csum, 'out']:.1f} out, over \
only checksum offload
  RSC               x{best[rsc, 'in'] / best[csum, 'in']:.1f} in, \
over only checksum offload"""


def main():
    p = Parser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    p.add_argument('--seconds', type=number(1, 600), default=3)
    p.add_argument('--mib', type=number(1, 65536), default=1024)
    opts = p.parse_args()
    print(PICTURE)
    quiet = Quiet()
    print('Copying random bytes, checked at the far end:')
    copies(opts.mib)
    best = ladder(opts.seconds)
    udp(opts.seconds)
    print(what_it_gave(best, quiet.look()['no_verdict']) + """

Try it yourself: see "Use it" in README.md.  Ratios against a bare TAP relay,
interleaved: `make bench`.""")


if __name__ == '__main__':
    try:
        main()
    except LabError as e:
        raise SystemExit(f'demo: {e}')

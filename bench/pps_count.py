# SPDX-License-Identifier: BSD-2-Clause
"""Instructions for each packet, of both ends, by callgrind.

The driver's end: a short run of the program under callgrind, which collects
only inside its function work(), and sleeps where it finds nothing, so that
waiting is not counted; the host end runs freely.  The host end: the other way
round, two runs of N and 3 N frames, and the difference, so that attach and
teardown cancel out.

Also by layer: the folder of the source file, as the debug information has it.
"""
import collections
import re
import subprocess

from pps_run import LabError, Lab, Missing, START, result, start_host, stat, \
    tool, total_of

FRAMES = 200000         # Policy: steady within 2 %
# The PMD takes in what comes until nothing does, so under callgrind it must be
# slower than that: about 50 frames a nap.
PACE = ',rate=100000'


def need():
    if not tool('valgrind'):
        raise Missing('no valgrind (scripts/deps.sh check)')


def callgrind(lab, more=()):
    return ['valgrind', '--tool=callgrind', '-q', *more,
            f'--callgrind-out-file={lab.dir}/callgrind']


def layer(path, function):
    """The folder whose code it is: core/vsp, linux/host; or copy, other."""
    where = re.search(r'/(core|linux)/(\w+)/(\w*)', path)
    if where and 'sysdeps' not in path:
        end = {'vmc': ' guest', 'vms': ' host'}.get(where.group(3)[:3], '') \
            if where.group(2) == 'bus' else ''
        return f'{where.group(1)}/{where.group(2)}{end}'
    if re.search(r'mem(cpy|move|set)', function):
        return 'copy'
    return 'program' if '/bench/' in path else 'other'


def collected(lab):
    """Instructions by layer."""
    text = subprocess.run(
        ['callgrind_annotate', '--auto=no', '--threshold=100',
         f'{lab.dir}/callgrind'], capture_output=True, text=True,
        check=True).stdout
    layers = collections.Counter()
    for line in text.splitlines():
        m = re.match(r'\s*([\d,]+)\s+\([^)]*\)\s+(\S+):(\S+)', line)
        if m:
            layers[layer(m[2], m[3])] += int(m[1].replace(',', ''))
    if not layers:
        raise LabError('callgrind collected nothing')
    return layers


def run(bench, lab, side, mode, size, queues, setting, frames, host_wrap=(),
        guest_wrap=()):
    """Frames that each end handled; the guest's end naps when idle."""
    if side in ('pmd', 'uio'):
        bench.pages.take()
    pace = PACE if guest_wrap and mode != 'tx' else ''
    host_cmd = bench.host_cmd(lab, bench.spec(mode, size, queues) + pace,
                              queues)
    host = start_host(lab, host_cmd[:3] + list(host_wrap) + host_cmd[3:])
    tail = bench.tail(mode, size, queues, 0, setting) + \
        [f'frames={frames}'] + (['nap=1'] if guest_wrap else [])
    guest = lab.start(None, bench.cmd(side, lab, tail, setting, guest_wrap),
                      side)
    lab.wait(f'{side} result', lambda: guest.poll() is not None, 2 * START,
             [host])
    got = result(lab.log(guest))['total']
    state = stat(lab)
    lab.end(host, timeout=30)
    return got, max(total_of(state, 'written'), total_of(state, 'read'))


def guest_end(bench, side, mode, size, queues, setting):
    with Lab(str(bench.hvnet)) as lab:
        frames, _ = run(bench, lab, side, mode, size, queues, setting, FRAMES,
                        guest_wrap=callgrind(lab, ['--toggle-collect=work']))
        return collections.Counter(
            {k: n / frames for k, n in collected(lab).items()})


def host_end(bench, side, mode, size, queues, setting):
    ir, frames = [], []
    for n in (FRAMES, 3 * FRAMES):
        with Lab(str(bench.hvnet)) as lab:
            _, k = run(bench, lab, side, mode, size, queues, setting, n,
                       host_wrap=callgrind(lab))
            ir.append(collected(lab))
            frames.append(k)
    if frames[1] <= frames[0]:
        raise LabError('the longer run had no more frames')
    return collections.Counter(
        {k: (n - ir[0][k]) / (frames[1] - frames[0])
         for k, n in ir[1].items()})


def layers(bench, side, mode, size, queues, setting):
    """Instructions a frame of each layer, {'driver': {layer: n}, 'host': }."""
    return {'driver': guest_end(bench, side, mode, size, queues, setting),
            'host': host_end(bench, side, mode, size, queues, setting)}


def by_layer(bench, *cell):
    """layers(), of programs that know their source files."""
    ends = layers(bench, *cell)
    if not any(k.startswith('core/') for k in ends['host']):
        raise LabError(f'{bench.hvnet} has no debug information, so no layer '
                       'is known: meson configure -Ddebug=true, and build')
    return ends


def both(*cell):
    """Instructions a frame of each end."""
    return {end: round(sum(n.values()))
            for end, n in layers(*cell).items()}

"""Instructions for each packet, of both ends, by callgrind.

The driver's end: a short run of the program under callgrind, which collects
inside its function work() alone, and sleeps where it finds nothing, so that
waiting is not counted; the host end runs freely.  The host end: the other way
round, two runs of N and 3 N frames, and the difference, so that attach and
teardown cancel out.
"""
import re

from pps_run import LabError, Lab, Missing, START, result, start_host, stat, \
    tool, total_of

FRAMES = 200000         # Policy: steady within 2 %
# The PMD takes in what comes until nothing does, so under callgrind it must be
# slower than that: about 50 frames a nap.
PACE = ',rate=100000'


def need():
    if not tool('valgrind'):
        raise Missing('no valgrind (scripts/deps.sh bench)')


def callgrind(lab, more=()):
    return ['valgrind', '--tool=callgrind', '-q', *more,
            f'--callgrind-out-file={lab.dir}/callgrind']


def collected(lab):
    with open(f'{lab.dir}/callgrind', encoding='utf-8') as f:
        m = re.search(r'^(?:summary|totals): (\d+)', f.read(), re.M)
    if m is None:
        raise LabError('callgrind collected nothing')
    return int(m.group(1))


def run(bench, lab, side, mode, size, queues, setting, frames, host_wrap=(),
        guest_wrap=()):
    """Frames that each end handled; the guest's end naps when idle."""
    if side != 'ours':
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
        return collected(lab) / frames


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
    return (ir[1] - ir[0]) / (frames[1] - frames[0])


def both(bench, side, mode, size, queues, setting):
    return {'driver': round(guest_end(bench, side, mode, size, queues,
                                      setting)),
            'host': round(host_end(bench, side, mode, size, queues,
                                   setting))}

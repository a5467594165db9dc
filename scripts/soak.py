#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hours of kills, stops, settings, NICs that come and go, and fuzzing.

soak.py HOURS: one host and one guest of a build; a seed (HVNET_SEED, else the
clock's) draws what happens next.  After each round the guest must answer, and
the host's descriptors, relids and memory are written down: they must not grow.
A fuzz target runs now and then, if build-check-asan or -cov has any; an input
that breaks it is kept beside it in `artifacts`, and should go into the corpus.
"""
import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lab import Lab, LabError, TOP, total     # noqa: E402

WARM = 10               # rounds before anything is held against the host
GROWTH_KIB = 16384      # that memory may grow after those
SETTINGS = ('tso=off tso=on rsc=off rsc=on txcsum=off txcsum=on hash=off '
            'hash=on rxcsum=complete rxcsum=on gro=off gro=on loss=1% loss=0 '
            'delay=1ms delay=0 mtu=1400 mtu=1500').split()
FUZZ = [TOP / f'build-check-{b}/tests/fuzz' for b in ('asan', 'cov')]


class Soak:
    def __init__(self, lab, dice):
        self.lab, self.dice = lab, dice
        self.extra = False
        self.executions = 0
        lab.pair()

    def guest_again(self, how):
        self.lab.end(self.lab.guestp, how)
        self.lab.guestp = self.lab.guest(vps=self.dice.randint(1, 4))
        self.lab.address('g', 'hn0', 1)

    def kill(self):
        self.guest_again(signal.SIGKILL)

    def leave(self):
        self.guest_again(signal.SIGTERM)

    def pause(self):
        self.lab.guestp.send_signal(signal.SIGSTOP)
        time.sleep(self.dice.random())
        self.lab.guestp.send_signal(signal.SIGCONT)

    def setting(self):
        for _ in range(self.dice.randint(1, 5)):
            self.lab.set('hvhost0', self.dice.choice(SETTINGS))

    def link(self):
        self.lab.set('hvhost0', 'link=down')
        time.sleep(self.dice.random())
        self.lab.set('hvhost0', 'link=up')

    def nic(self):
        if self.extra:
            self.lab.set('hvsoak', '--remove')
        else:
            self.lab.run(None, [self.lab.hvnet, 'set', '--add',
                                'backend=null,name=hvsoak'])
        self.extra = not self.extra

    def copy(self):
        self.lab.set('hvhost0', 'loss=0', 'delay=0')
        if not self.lab.copy('g', 'h', '10.7.0.2', self.dice.randint(1, 16)):
            raise LabError('a copy arrived changed')

    def fuzz(self):
        targets = sorted(p for f in FUZZ for p in f.glob('fuzz_*')
                         if p.is_file() and os.access(p, os.X_OK))
        if not targets:
            return
        t = self.dice.choice(targets)
        r = subprocess.run(
            ['sh', TOP / 'tests/fuzz/run.sh', t,
             TOP / 'tests/fuzz/corpus' / t.name], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors='replace',
            env={**os.environ, 'LLVM_PROFILE_FILE': '/dev/null',
                 'HVNET_FUZZ_SECONDS': '20',
                 'HVNET_FUZZ_SEED': str(self.dice.randrange(1, 1 << 31))})
        if r.returncode != 0:
            raise LabError(r.stdout[-3000:])
        self.executions += int(r.stdout.split()[-1])

    def measure(self):
        """Descriptors, relids and memory (KiB) of the host."""
        pid = self.lab.hostp.pid
        status = pathlib.Path(f'/proc/{pid}/status').read_text()
        rss = next(int(line.split()[1]) for line in status.splitlines()
                   if line.startswith('VmRSS'))
        return (len(os.listdir(f'/proc/{pid}/fd')),
                total(self.lab.stat('hvhost0'), 'relids'), rss)

    def round(self):
        what = self.dice.choice((self.kill, self.kill, self.leave, self.pause,
                                 self.setting, self.setting, self.link,
                                 self.nic, self.copy, self.fuzz))
        what()
        self.lab.ready(seconds=30)
        self.lab.check_processes()
        return what.__name__


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('hours', type=float)
    opts = parser.parse_args()
    seed = int(os.environ.get('HVNET_SEED', time.time()))
    end = time.monotonic() + opts.hours * 3600
    print(f'HVNET_SEED={seed}', flush=True)
    with Lab() as lab:
        soak, seen = Soak(lab, random.Random(seed)), []
        while time.monotonic() < end or len(seen) <= WARM:
            name = soak.round()
            seen.append(soak.measure())
            print(f'{len(seen):6} {name:8} descriptors {seen[-1][0]:4} '
                  f'relids {seen[-1][1]:3} memory {seen[-1][2]:8} KiB'
                  f'{soak.executions:9} inputs', flush=True)
        most = [max(m[i] for m in seen[:WARM]) for i in range(3)]
    # The guest has up to four channels, the NIC that comes and goes some too.
    allowed = [most[0] + 16, most[1] + 4, most[2] + GROWTH_KIB]
    grew = [n for n, now, most in zip(('descriptors', 'relids', 'memory'),
                                      seen[-1], allowed) if now > most]
    print(f'soak: {len(seen)} rounds, {soak.executions} inputs fuzzed, ' +
          (f'grew: {", ".join(grew)}' if grew else 'nothing grew'))
    return 1 if grew else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except LabError as e:
        sys.exit(f'soak: {e}')

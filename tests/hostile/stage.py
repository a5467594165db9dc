# SPDX-License-Identifier: BSD-2-Clause
"""A real host with a good guest, for tests that bring the liars.

Stage.end() is the promise of every one of them: the good guest has its traffic,
and the host has every descriptor, mapping and byte back.
"""
import os

import pytest

from peer import PAGE, Gone, Guest

GOOD, HOST = '10.7.0.1', '10.7.0.2'


def resources(pid):
    with open(f'/proc/{pid}/maps') as f:
        maps = len(f.readlines())
    with open(f'/proc/{pid}/statm') as f:
        rss = int(f.read().split()[1]) * PAGE
    return len(os.listdir(f'/proc/{pid}/fd')), maps, rss


class Stage:
    """A host with a NIC for the good guest and some for liars."""

    def __init__(self, lab, args=()):
        self.lab = lab
        self.guests = []
        self.host = lab.host(lab.tap_spec(guest='good'),
                             *(f'backend=null,name=null{i}' for i in
                               range(3)), args=args)
        self.good = lab.guest(args=('--name', 'good', '--nic', 'hvhost0'))
        lab.address('g', 'hn0', 1)
        lab.address('h', 'hvhost0', 2)
        lab.ready()
        # One liar first: allocator and libraries are warm then.
        self.guest().machine('null0').contact().open().close()
        self.settle()
        self.start = resources(self.host.pid)

    def guest(self, **kw):
        self.guests.append(Guest(self.lab.sock, **kw))
        return self.guests[-1]

    def stat(self):
        return next(s for s in self.lab.stat() if s['kind'] == 'host')

    def settle(self, guests=1):
        self.lab.wait('liars are gone', lambda: self.stat()['guests'] ==
                      guests, 8, [self.host])

    def served(self, n=20):
        """The good guest has its traffic."""
        print(self.lab.echoes('g', HOST, n), end='')

    def faults(self):
        """Reasons and counts so far, of all guests."""
        s, total = self.stat(), {}
        logs = [s['faults_of_gone_guests']]
        for n in s['nics']:
            if n['attached']:
                logs += [n['faults'], n['guest']['faults']]
        for log in logs:
            for k, v in log['by_reason'].items():
                total[k] = total.get(k, 0) + v
        return total

    def stops(self):
        """What the host reported about queues that it stopped."""
        return [x for x in self.lab.log(self.host).splitlines()
                if ' stopped: ' in x]

    def end(self):
        """All is as it was at the start."""
        for g in self.guests:
            g.close()
        self.settle()
        self.served()
        fds, maps, rss = self.start
        now = resources(self.host.pid)
        assert now[0] == fds, f'descriptors {fds} -> {now[0]}'
        # A sanitizer keeps what was freed.
        if not os.environ.get('HVNET_SANITIZER'):
            assert now[1] <= maps + 2, f'mappings {maps} -> {now[1]}'
            assert now[2] <= rss + (2 << 20), f'resident {rss} -> {now[2]}'


def refused(status, ask, *args, **kw):
    """The host ends it, saying this."""
    with pytest.raises(Gone) as e:
        got = ask(*args, **kw)
        raise AssertionError(f'answered with {got}')
    assert e.value.status == status

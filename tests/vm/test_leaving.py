# SPDX-License-Identifier: BSD-2-Clause
"""NICs are taken from stock kernels and come back, whatever these do then.

A round takes the NIC while frames go both ways, or at some moment of the
guest's attach, and gives it back at once.  After each round it is up and
carries checked copies both ways.
"""
import os
import random
import sys
import time

import pytest

from freebsd_guest import IMAGE, JoinedFreeBsd
from linux_guest import Joined, soon

FULL = bool(os.environ.get('HVNET_FULL'))
ROUNDS = 200 if FULL else 20
# Of eight rounds, those that take the NIC during its attach too.  They last 2 s
# longer: a machine that sets its interface up speaks, and must be silent first.
ATTACHING = (2, 3, 6, 7) if FULL else (2, 7)
PORT, SIZE = 7007, 1 << 20
ECHO = f"""
import socket
s = socket.create_server(('', {PORT}))
while True:
    c = s.accept()[0]
    data = b''
    while len(data) < {SIZE} and (more := c.recv(65536)):
        data += more
    c.sendall(data)
    c.close()
"""
# Two processors need about so long from the offer to the last message.
ATTACH_SECONDS = 0.4


class Leaver:
    """What a Joined lacks: its NIC goes and comes."""

    def nic(self):
        return next(n for n in self.lab.stat()[0]['nics']
                    if n['name'] == 'hvhost0')

    def remove(self):
        self.lab.run(None, [self.lab.hvnet, 'set', 'hvhost0', '--remove'])

    def add(self):
        self.lab.run(None, [self.lab.hvnet, 'set', '--add', self.spec])
        self.lab.address('h', 'hvhost0', 2)
        self.lab.run('h', 'ip link set hvhost0 mtu 1500')

    def back(self):
        """It is up, with all channels, and so is the one that stayed."""
        self.up_again()
        soon('channels', lambda: self.device()['queues'] == self.vps)
        self.vm.run(f'head -c {SIZE} /dev/urandom >/tmp/f; '
                    f'nc 10.7.0.2 {PORT} </tmp/f >/tmp/g; cmp /tmp/f /tmp/g')
        assert all(n['attached'] and 'waiting' not in n
                   for n in self.lab.stat()[0]['nics'])

    def held(self):
        """What the guest, and the host, have of it."""
        g = self.nic()['guest']
        return {**{k: g[k] for k in ('relids', 'gpadls', 'gpadl_pages',
                                     'connections', 'nics_leaving', 'nics')},
                'fds': len(os.listdir(f'/proc/{self.hostp.pid}/fd'))}

    def memory(self):
        """KiB of the host's own: the guest's is mapped as well."""
        with open(f'/proc/{self.hostp.pid}/status') as f:
            return next(int(x.split()[1]) for x in f if 'RssAnon' in x)

    def traffic(self, port):
        p = self.serve(f'iperf3 -s -1 -p {port}', port)
        ping = self.lab.start('h', 'ping -q -i 0.002 10.7.0.1')
        self.vm.run(f'{self.load.format(port=port)} >/dev/null 2>&1 &')
        before = sum(self.spread('from_guest'))
        soon('traffic', lambda: sum(self.spread('from_guest')) > before + 100)
        return p, ping

    def quiet(self, flows):
        self.vm.run(f'killall {self.load.split()[0]} >/dev/null 2>&1; true')
        for p in flows:
            self.lab.end(p, quiet=True)

    def round(self, n, rng):
        flows = self.traffic(20000 + n) if n % 2 else ()
        self.remove()
        time.sleep(rng.choice((0, 0.02, 0.12)))
        self.add()
        if n % 8 in ATTACHING:
            time.sleep(rng.random() * ATTACH_SECONDS)
            self.remove()
            self.add()
        self.quiet(flows)
        self.back()


class LinuxLeaver(Leaver, Joined):
    load = 'iperf3 -c 10.7.0.2 -p {port} -t 60 --bidir'

    def up_again(self):
        self.vm.run(
            'for i in $(seq 100); do '
            'ip addr show eth0 2>/dev/null | grep -q 10.7.0.1 || '
            '{ ip addr add 10.7.0.1/24 dev eth0; ip link set eth0 up; } '
            '2>/dev/null; ping -c1 -W1 -q 10.7.0.2 >/dev/null 2>&1 && '
            'exit 0; sleep 0.1; done; ip addr; dmesg | tail; exit 1',
            timeout=120)


class FreeBsdLeaver(Leaver, JoinedFreeBsd):
    load = 'ping -q -f -s 1400 10.7.0.2'

    def up_again(self):
        self.vm.run(
            'for i in $(jot 100); do '
            'ifconfig hn0 2>/dev/null | grep -q 10.7.0.1 || '
            'ifconfig hn0 inet 10.7.0.1/24 up 2>/dev/null; '
            'ping -c1 -t1 -q 10.7.0.2 >/dev/null 2>&1 && exit 0; '
            'sleep 0.1; done; ifconfig; dmesg | tail; exit 1', timeout=240)


def rounds(j, lab):
    rng = random.Random(int(os.environ.get('HVNET_SEED', '1')))
    lab.run(None, [lab.hvnet, 'set', '--add', 'backend=null,name=stays'])
    j.serve([sys.executable, '-c', ECHO], PORT)
    j.back()
    start = j.held()
    for n in range(ROUNDS):
        if n == 4:      # the allocator is warm
            before = j.memory()
        j.round(n, rng)
    soon('all is let go', lambda: j.held() == start)
    # A NetVSP that stays is more than 200 KiB.
    assert j.memory() - before < ROUNDS * 100
    assert 'blocked for more than' not in j.vm.run('dmesg')
    j.check()


def test_taken_from_linux(lab):
    rounds(LinuxLeaver(lab, vm={'flavour': 'cloud'}), lab)


@pytest.mark.skipif(not IMAGE, reason='HVNET_FREEBSD_IMAGE names no FreeBSD '
                    'disk image')
def test_taken_from_freebsd(lab):
    rounds(FreeBsdLeaver(lab), lab)

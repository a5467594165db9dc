# SPDX-License-Identifier: BSD-2-Clause
"""What only our FreeBSD driver is asked to stand: hvn(4), freebsd/.

The list that it shares with hn(4) is test_freebsd.py.
"""
import os
import re
import time

import pytest

from conftest import full
from freebsd_guest import IMAGE, MODULE, JoinedFreeBsd
from linux_guest import HOST, soon

pytestmark = pytest.mark.skipif(
    not IMAGE or not MODULE, reason='HVNET_FREEBSD_IMAGE and HVNET_FREEBSD_HVN '
    'name no FreeBSD disk image and no if_hvn.ko')

FULL = bool(os.environ.get('HVNET_FULL'))

# Of a NIC that is up, told while pings pass: hvnet-bend(5).
LIES = [f'NVSP RNDIS_DONE n=1: {x}' for x in (
    'set packet.len8=0xffff', 'set packet.len8=0', 'set packet.len8=1',
    'set packet.off8=0xffff', 'set packet.off8=0', 'set packet.type=77',
    'set packet.xact=0xffffffffffffffff', 'set packet.xact=0', 'twice',
    'index +0x10000000', 'index +8', 'index -8', 'cut 4', 'drop',
)] + [f'RNDIS PACKET n=1: {x}' for x in (
    'set range.offset=0xfffff000', 'set range.bytes=0xfffff000',
    'set range.count=0x10000000', 'set range.count=0',
    'set data_off=0xfffffff0', 'set data_len=0xfffffff0',
    'set ppi_off=0xfffffff0', 'set ppi_len=0xfffffff0', 'set u32@4=7',
    'set u32@4=0xfffffff0', 'set packet.type=6',
)]


class JoinedHvn(JoinedFreeBsd):
    """Every NIC is ours."""

    def __init__(self, lab, **kw):
        super().__init__(lab, vm={'driver': 'hvn'}, **kw)
        self.vm.run('kenv hw.hvn.attach=all; sysctl hw.hvn.attach=all')

    def bend(self, text):
        if text != 'off':
            path = f'{self.lab.dir}/bend'
            with open(path, 'w', encoding='utf-8') as f:
                f.write(text + '\n')
            text = path
        self.lab.run(None, [self.lab.hvnet, 'set', 'hvhost0', f'bend={text}'])

    def bent(self):
        return sum(b['done'] for b in self.nic().get('bend', []))

    def alive(self):
        """Not only is the kernel there: the NIC works, by itself."""
        self.ping(seconds=60)
        self.copy_out(1)
        self.copy_in(1)

    def settled(self):
        """The kernel's memory by what is ours: malloc types and zones."""
        text = self.vm.run('vmstat -m; echo ZONES; vmstat -z')
        types, zones = text.split('ZONES')
        ours = 'hvn|devbuf|bus|bus-sc|taskqueue|ifnet|ifaddr|busdma|vmbus'
        out = {m[1]: int(m[2]) for m in re.finditer(
            rf'^ *({ours}) +(\d+) ', types, re.M)}
        out.update({m[1]: int(m[2]) for m in re.finditer(
            r'^(mbuf[^:]*): *\d+, *\d+, *(\d+),', zones, re.M)})
        assert 'devbuf' in out and 'mbuf' in out, out
        return out


class Beside(JoinedFreeBsd):
    """Two NICs: one is hn's, the other, to the TAP hvhost1, ours."""

    MAC = '02:15:5d:00:00:22'

    def __init__(self, lab):
        self.lab, self.vps, self.host_args = lab, 2, ()
        self.hostp = lab.host(lab.tap_spec(), lab.tap_spec(
            name='hvhost1', ns='h1', mac=self.MAC))
        self.vm = self.machine(lab).connect()
        lab.address('h', 'hvhost0', 2)
        lab.run('h1', 'ip addr add 10.8.0.2/24 dev hvhost1')
        lab.run('h1', 'ip link set hvhost1 up')
        unit = next(n for n in (0, 1)
                    if self.MAC in self.vm.run(f'ifconfig hn{n}'))
        self.vm.load()
        self.vm.take(unit)
        self.vm.nic = f'hn{1 - unit}'
        self.vm.run('ifconfig hvn0 inet 10.8.0.1/24 up')
        self.up()


def test_beside_hn(lab):
    j = Beside(lab)
    j.ping('10.8.0.2')
    for _ in range(3):
        j.copy_out(4)
        j.vm.run(f'ping -q -f -c 500 -s 1400 10.8.0.2 & '
                 f'ping -q -f -c 500 -s 1400 {HOST}; wait')
        j.copy_in(4)
    j.vm.run('kldunload if_hvn')
    j.check()


def test_mtu_and_detach_under_traffic(lab):
    j = JoinedHvn(lab)
    flood = j.serve('iperf3 -s', 5201)
    for turn in range(6):
        j.vm.run(f'nc {HOST} 5201 </dev/zero >/dev/null 2>&1 & '
                 f'ping -q -f -s 1400 {HOST} >/dev/null 2>&1 & sleep 0.5')
        if turn % 2 == 0:
            mtu = (9000, 1400, 1500)[turn // 2]
            j.lab.run('h', f'ip link set hvhost0 mtu {mtu}')
            j.vm.run(f'ifconfig hvn0 mtu {mtu}')
        else:
            j.vm.run('devctl disable hvn0; devctl enable hvn0')
            j.up()
        j.vm.run('pkill nc; pkill ping', check=False)
        j.alive()
    j.lab.end(flood, quiet=True)
    j.check()


def test_rounds(lab):
    """Load, attach, traffic, detach and unload: nothing grows."""
    j = JoinedHvn(lab)
    many, warm = (100, 10) if FULL else (12, 4)
    flood = j.serve('iperf3 -s', 5201)
    for n in range(1, many + 1):
        j.vm.run(f'nc {HOST} 5201 </dev/zero >/dev/null 2>&1 & '
                 f'ping -q -f -s 1400 {HOST} >/dev/null 2>&1 & sleep 0.3')
        j.vm.run('kldunload if_hvn; pkill nc; pkill ping; sleep 0.2; true')
        if n == warm:
            time.sleep(3)
            before = j.settled()
        if n == many:
            time.sleep(3)
            after = j.settled()
        j.vm.load()
        j.up()
    j.lab.end(flood, quiet=True)
    grown = {k: (before[k], after[k]) for k in before
             if after[k] - before[k] > (64 if 'mbuf' in k else 2)}
    assert not grown, grown
    j.alive()
    j.check()


def test_lies(lab):
    """The host lies about a NIC that is up: the kernel lives, and the NIC
    works again by itself."""
    j = JoinedHvn(lab)
    for lie in LIES:
        j.bend(lie)
        for _ in range(40):
            j.vm.run(f'ping -c3 -i 0.1 -t1 -q {HOST}', check=False)
            if j.bent():
                break
        else:
            raise AssertionError(f'not told: {lie}')
        j.bend('off')
        j.alive()
        assert 'Fatal trap' not in j.vm.dmesg(), lie


def sections(j):
    return j.device()['rx_sections_free'], j.device()['rx_sections']


def test_acknowledgements(lab):
    """Six streams and a flood meet: every receive section comes back."""
    j = JoinedFreeBsd(lab, vm={'driver': 'hvn'})
    flood = j.serve('iperf3 -s', 5201)
    for _ in range(3):
        j.vm.run(f'for i in 1 2 3 4 5 6; do nc {HOST} 5201 </dev/zero '
                 '>/dev/null 2>&1 & done; sleep 0.5')
        j.lab.run('h', 'ping -f -c3000 -q -s 1400 10.7.0.1', check=False)
        j.vm.run('pkill nc', check=False)
    j.lab.end(flood, quiet=True)
    soon('the sections are back', lambda: sections(j)[0] == sections(j)[1])
    j.check()


@full
def test_vcpus(lab):
    """One processor, and more of them than channels."""
    j = JoinedFreeBsd(lab, vps=4, queues=2, vm={'driver': 'hvn'})
    soon('two queues', lambda: j.device()['queues'] == 2)
    j.copy_out(8)
    j.copy_in(8)
    j.check()

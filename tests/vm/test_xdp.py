# SPDX-License-Identifier: BSD-2-Clause
"""XDP on the stock driver under traffic, and the driver reloaded under it."""
import pathlib

import pytest

from conftest import full, need
from debian_apt import sh
from kit import HERE, Vm
from linux_guest import Joined, soon

pytestmark = full


@pytest.fixture(params=['cloud', '6.12'])
def flavour(request):
    need(request.param)
    return request.param


class TwoNics:
    """eth0 to TAP ha in namespace a, eth1 to hb in b; programs in /opt/xdp."""

    def __init__(self, lab, flavour):
        self.lab = lab
        folder = pathlib.Path(lab.dir) / 'xdp'
        folder.mkdir()
        sh(['clang', '-O2', '-g', '-target', 'bpf', '-DTO=3',
            f'-I/usr/include/{sh(["gcc", "-print-multiarch"]).strip()}', '-c',
            HERE / 'xdp.bpf.c', '-o', folder / 'xdp.o'])
        lab.host(lab.tap_spec('ha', 'a', mtu=9000),
                 lab.tap_spec('hb', 'b', mtu=9000))
        self.vm = Vm(lab, flavour=flavour, memory='768M', options=[
            '--copy', f'{folder}:/opt/xdp']).connect()
        for n, name in enumerate('ab', 1):
            lab.run(name, f'ip addr add 10.7.{n}.2/24 dev h{name}')
            lab.run(name, f'ip link set h{name} up mtu 1500')
            self.vm.run(f'/bin/ip addr add 10.7.{n}.1/24 dev eth{n - 1}; '
                        f'/bin/ip link set eth{n - 1} up; '
                        f'ethtool -K eth{n - 1} lro off')
        assert self.vm.run('cat /sys/class/net/eth1/ifindex') == '3'
        self.ping()

    def ping(self, check=True):
        return self.lab.run('a', 'ping -c5 -i0.2 -W5 -q 10.7.1.1',
                            check=check).returncode == 0

    def xdp(self, section, dev='eth0', check=True):
        what = f'obj /opt/xdp/xdp.o sec {section}' if section else 'off'
        return self.vm.run(f'/bin/ip link set dev {dev} xdp {what}', check)

    def frames(self, nic, side):
        spec = next(n for n in self.lab.stat()[0]['nics'] if n['name'] == nic)
        return sum(q[side]['frames'] for q in spec['queues'])


def test_programs(lab, flavour):
    t = TwoNics(lab, flavour)
    lab.start('a', 'ping -q -i 0.01 10.7.1.1')      # traffic all the time
    t.xdp('pass')
    t.ping()
    t.xdp(None)
    t.xdp('drop')
    assert not t.ping(check=False)
    sent = t.frames('ha', 'to_guest')
    before = t.frames('ha', 'from_guest')
    soon('frames to drop', lambda: t.frames('ha', 'to_guest') > sent + 100)
    assert t.frames('ha', 'from_guest') - before < 20
    t.xdp(None)
    t.ping()
    t.xdp('tx')
    before = t.frames('ha', 'from_guest')
    soon('frames back', lambda: t.frames('ha', 'from_guest') > before + 100)
    t.xdp(None)
    t.ping()
    # To another interface, which needs a program of its own to take them.
    t.xdp('pass', 'eth1')
    t.xdp('redirect')
    before = t.frames('hb', 'from_guest')
    soon('frames on', lambda: t.frames('hb', 'from_guest') > before + 100)
    t.xdp(None)
    t.xdp(None, 'eth1')
    t.ping()
    assert t.vm.kernel_log() == []
    for nic in lab.stat()[0]['nics']:
        assert nic['faults']['total'] == 0


def test_limits(lab, flavour):
    """A frame must fit a page; RSC must be off."""
    t = TwoNics(lab, flavour)
    lab.run('a', 'ip link set ha mtu 9000')
    t.vm.run('/bin/ip link set eth0 mtu 9000')
    assert 'too large' in t.xdp('pass', check=False) + t.vm.run('dmesg')
    t.vm.run('/bin/ip link set eth0 mtu 3500')
    t.xdp('pass')
    assert t.vm.run('/bin/ip link set eth0 mtu 9000; echo $?').split()[-1] != \
        '0'
    lab.run('a', 'ping -c3 -i0.2 -W5 -M do -s 3472 10.7.1.1')
    t.xdp(None)
    t.vm.run('ethtool -K eth0 lro on')
    assert 'LRO' in t.xdp('pass', check=False) + t.vm.run('dmesg')
    t.ping()


def test_driver_reloaded_under_traffic(lab, flavour):
    j = Joined(lab, vm={'flavour': flavour})
    for _ in range(5):
        lab.start('h', 'ping -q -i 0.002 10.7.0.1')
        p = j.serve('iperf3 -s -1', 5201)
        j.vm.run('iperf3 -c 10.7.0.2 -t 60 --bidir >/dev/null 2>&1 &')
        before = sum(j.spread())
        soon('traffic', lambda: sum(j.spread()) > before + 1000)
        j.vm.run('modprobe -r hv_netvsc && modprobe hv_netvsc; '
                 'killall iperf3; true')
        lab.end(p, quiet=True)
        j.up()
    j.copy_out(4)
    j.copy_in(4)
    j.check()

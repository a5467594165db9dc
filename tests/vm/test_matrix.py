# SPDX-License-Identifier: BSD-2-Clause
"""Kernels, processors and channels; several machines, several NICs."""
import pytest

from conftest import full, need
from kernels import newest_vmbus
from kit import Vm
from linux_guest import Joined, soon


@full
@pytest.mark.parametrize('flavour', ['cloud', 'generic'])
@pytest.mark.parametrize('vps', [1, 2, 4, 8])
def test_kernel_and_channels(lab, flavour, vps):
    j = Joined(lab, vps=vps, vm={'flavour': flavour})
    soon('channels', lambda: j.device()['queues'] == vps)
    j.copy_out(8)
    j.copy_in(8)
    j.moved(lambda: j.iperf(f'-R -P {4 * vps}'), lambda f: min(f) > 20, 5)
    j.iperf('-P 4')
    j.check()


@pytest.mark.parametrize('flavour', ['6.12'])
def test_another_kernel(lab, flavour):
    """The short list; test_linux.py has the long one in make check-full."""
    need(flavour)
    j = Joined(lab, vm={'flavour': flavour})
    soon('channels', lambda: j.device()['queues'] == 2)
    assert j.device()['vmbus'] == newest_vmbus(flavour)
    j.copy_out(8)
    j.copy_in(8)
    # The device closes and opens: by MTU, by channels, by its module.
    j.lab.run('h', 'ip link set hvhost0 mtu 9000')
    j.vm.run('ip link set eth0 mtu 9000')
    j.lab.run('h', 'ping -c2 -W2 -M do -s 8972 10.7.0.1')
    for n in (1, 2):
        j.vm.run(f'ethtool -L eth0 combined {n}')
        soon(f'{n} queues', lambda: j.device()['queues'] == n)
    j.vm.run('rmmod hv_netvsc && modprobe hv_netvsc')
    j.up()
    j.copy_in(4)
    j.serve('iperf3 -s -1', 5201)
    j.vm.run('iperf3 -c 10.7.0.2 -t 60 --bidir >/dev/null 2>&1 &')
    soon('traffic', lambda: sum(j.spread()) > 1000)
    j.vm.qmp('system_reset')
    j.vm.wait_ready()
    j.lab.end(j.lab.procs[-1], quiet=True)
    j.up()
    j.copy_out(4)
    j.check()


def test_one_processor_does_not_sleep_for_good(lab):
    """The host is another processor to it: where its barriers are left out, it
    unmasks a channel, sees none of the frames just come, and is not told."""
    j = Joined(lab, vps=1)
    for _ in range(6):
        lab.run('h', 'ping -q -f -l 6 -w 3 10.7.0.1', check=False)
        lab.run('h', 'ping -q -c1 -w5 10.7.0.1')
    j.check()


@full
@pytest.mark.parametrize('version', ['5.2', '5.0', '4.1', '4.0'])
def test_older_vmbus(lab, version):
    j = Joined(lab, host_args=('--max-vmbus', version))
    assert f'Vmbus version:{version}' in j.vm.run('dmesg')
    j.copy_out(4)
    j.copy_in(4)
    j.check()


@full
@pytest.mark.parametrize('version', ['6', '5', '4', '2', '1'])
def test_older_nvsp(lab, version):
    j = Joined(lab, host_args=('--max-nvsp', version))
    j.copy_out(4)
    j.copy_in(4)
    j.check()


@full
def test_no_automatic_end_of_interrupt(lab):
    j = Joined(lab, vm={'options': ['--no-auto-eoi']})
    assert 'hints 0x200' in j.vm.run('dmesg')
    j.copy_out(4)
    j.copy_in(4)
    j.check()


@full
def test_two_machines_by_a_pair(lab):
    """Frames between two guests, no kernel of ours between them; two NICs."""
    lab.host('backend=pair,name=a,peer=b,mtu=1500,queues=2',
             'backend=pair,name=b,peer=a,mtu=1500,queues=2')
    one = Vm(lab, name='one', options=['--nics', '1']).connect()
    two = Vm(lab, name='two', options=['--nics', '1']).connect()
    for n, vm in ((1, one), (2, two)):
        vm.run(f'ip addr add 10.8.0.{n}/24 dev eth0; '
               'ip link set eth0 up')
    one.run('for i in $(seq 20); do ping -c1 -W1 -q 10.8.0.2 && exit 0; '
            'done; exit 1')
    two.run('iperf3 -s -D')
    for way in ('', '-R'):
        assert 'iperf Done' in one.run(f'iperf3 -c 10.8.0.2 -t 2 {way}')
    # A listener whose input never ends, else it would end the connection.
    two.run('mkfifo /tmp/p; (nc -l -p 99 <>/tmp/p >/tmp/g; touch /tmp/done) '
            '>/dev/null 2>&1 &')
    sent = one.run('dd if=/dev/urandom of=/tmp/f bs=1M count=8 2>/dev/null; '
                   'sha256sum </tmp/f; nc 10.8.0.2 99 </tmp/f >/dev/null')
    got = two.run('while [ ! -e /tmp/done ]; do sleep 0.1; done; '
                  'sha256sum </tmp/g')
    assert sent.split() == got.split()
    assert one.kernel_log() == two.kernel_log() == []


def test_two_nics_in_one_machine(lab):
    lab.host(lab.tap_spec(name='ha', ns='a'), lab.tap_spec(name='hb', ns='b'))
    vm = Vm(lab).connect()
    macs = {nic["spec"]["name"]: nic["spec"]["mac"]
            for nic in lab.stat()[0]["nics"]}
    for n, name in enumerate(('ha', 'hb'), 1):
        ns = name[1]
        lab.run(ns, f'ip addr add 10.{n}.0.2/24 dev {name}')
        lab.run(ns, f'ip link set {name} up')
        vm.run(f'i=$(grep -l {macs[name]} /sys/class/net/*/address | '
               'cut -d/ -f5); [ -n "$i" ] && '
               f'ip addr add 10.{n}.0.1/24 dev $i && ip link set $i up')
    for n in (1, 2):
        vm.run(f'for i in $(seq 20); do ping -c1 -W1 -q 10.{n}.0.2 && '
               'exit 0; done; exit 1')
    assert vm.kernel_log() == []

# SPDX-License-Identifier: BSD-2-Clause
"""A FreeBSD kernel's vmbus(4) with hn(4), and with our hvn(4), on our host end.

HVNET_FREEBSD_IMAGE names the disk, HVNET_FREEBSD_HVN our module (docs/vm.md).
"""
import os
import signal
import sys

import pytest

from conftest import full
from freebsd_guest import IMAGE, MODULE, FreeBsdVm, JoinedFreeBsd
from kit import HERE
from lab import Lab
from linux_guest import HOST, soon

pytestmark = pytest.mark.skipif(
    not IMAGE, reason='HVNET_FREEBSD_IMAGE names no FreeBSD disk image')

NVSP = {'6.1': 0x60001, '6': 0x60000, '5': 0x50000, '4': 0x40000,
        '2': 0x30002, '1': 0x2}


@pytest.fixture(scope='module', params=['hn', 'hvn'])
def driver(request):
    if request.param == 'hvn' and not MODULE:
        pytest.skip('HVNET_FREEBSD_HVN names no if_hvn.ko')
    return request.param


@pytest.fixture(scope='module')
def booted(machine, driver):
    """One machine for the list: booting from a disk takes a while."""
    with Lab() as lab:
        yield JoinedFreeBsd(lab, vm={'driver': driver})
        lab.check_processes()


@pytest.fixture
def joined(booted):
    yield booted
    booted.check()


def interrupts(j):
    """The NIC's interrupts so far, of each virtual processor."""
    lines = j.vm.run('vmstat -i').splitlines()
    return [int(x.split()[-2]) for x in lines if ':hyperv' in x]


def packets(j):
    """netstat's idea: received, sent."""
    words = j.vm.run(f'netstat -bnI {j.vm.nic}').splitlines()[1].split()
    return int(words[-8]), int(words[-4])


def trusted(j):
    """Frames whose checksums the guest did not look at."""
    if j.vm.driver == 'hn':
        return int(j.sysctl('csum_tcp'))
    return sum(int(j.sysctl(f'rx.{n}.csum_good')) for n in (0, 1))


def test_attach_and_copy(joined):
    j = joined
    assert 'vmbus0: version 4.0' in j.vm.dmesg()
    d = j.device()
    assert (d['vmbus'], d['nvsp'], d['ndis']) == ('4.0', '6.1', '6.30')
    assert int(j.sysctl('nvs_version')) == 0x60001
    assert j.sysctl('ndis_version') == '6.30'
    soon('two queues', lambda: j.device()['queues'] == 2)
    assert j.sysctl('rx_ring_inuse') == '2'
    assert j.sysctl('tx_ring_inuse') == '2'
    j.vm.run(f'sysctl dev.{j.vm.driver}.0.rsc_switch=0', check=False)
    before, were = packets(j), interrupts(j)
    j.copy_out(16)
    j.copy_in(16)
    now, are = packets(j), interrupts(j)
    # 16 MiB of 1448 bytes each in one way, frames of up to 64 KiB the other.
    assert now[0] - before[0] > 5000
    assert now[1] - before[1] > 200
    assert len(are) == 2 and sum(are) - sum(were) > 100
    j.ping('fd07::2')
    j.copy_out(4, to='fd07::2')
    j.copy_in(4, to='fd07::1')
    # The host spreads by the guest's table: enough flows reach both.
    for _ in range(20):
        if min(j.spread()) > 20:
            break
        j.copy_in(1)
    assert min(j.spread()) > 20
    assert min(interrupts(j)) > 20


def test_offloads_off_and_on(joined):
    j = joined

    def moved(side, name, copy):
        before = j.count(side, name)
        copy(8)
        return j.count(side, name) - before

    nic = j.vm.nic
    assert 'TSO4' in j.vm.run(f'ifconfig {nic}')
    assert moved('from_guest', 'lso_frames', j.copy_out) > 50
    j.vm.run(f'ifconfig {nic} -tso')
    assert moved('from_guest', 'lso_frames', j.copy_out) == 0

    j.vm.run(f'ifconfig {nic} -txcsum -txcsum6 -rxcsum -rxcsum6')
    assert j.sysctl('hwassist') == '0'
    j.copy_out(4)
    before = trusted(j)
    j.copy_in(4)
    assert trusted(j) == before

    # Not tso6, which tso says too: hn(4) then spoils frames (docs/vm.md).
    j.vm.run(f'ifconfig {nic} txcsum rxcsum rxcsum6 tso4 txcsum6')
    assert moved('from_guest', 'lso_frames', j.copy_out) > 50
    j.copy_out(4, to='fd07::2')
    if j.vm.driver == 'hvn':
        j.vm.run(f'ifconfig {nic} tso6')
        assert moved('from_guest', 'lso_frames',
                     lambda mib: j.copy_out(mib, to='fd07::2')) > 50
        j.vm.run(f'ifconfig {nic} -tso6')
    assert 'LRO' in j.vm.run(f'ifconfig {nic}')
    before = trusted(j)
    queued = int(j.sysctl('lro_queued'))
    j.copy_in(4)
    assert trusted(j) > before
    assert int(j.sysctl('lro_queued')) > queued
    j.vm.run(f'ifconfig {nic} -lro')
    before = int(j.sysctl('lro_queued'))
    j.copy_in(4)
    assert int(j.sysctl('lro_queued')) == before
    j.vm.run(f'ifconfig {nic} lro -txcsum6')


def test_receive_coalescing(joined):
    """By the guest's own switch."""
    j = joined
    switch = f'dev.{j.vm.driver}.0.rsc_switch'
    if 'unknown' in j.vm.run(f'sysctl {switch}=0', check=False):
        pytest.skip('this hn(4) has no rsc_switch')
    soon('RSC off', lambda: not j.device()['rsc4'])
    before = j.count('to_guest', 'rsc_frames')
    j.copy_in(8)
    assert j.count('to_guest', 'rsc_frames') == before
    j.vm.run(f'sysctl {switch}=1')
    soon('RSC on', lambda: j.device()['rsc4'] and j.device()['rsc6'])
    j.copy_in(16)
    j.copy_in(4, to='fd07::1')
    assert j.count('to_guest', 'rsc_frames') - before > 50
    name = 'rsc_frames' if j.vm.driver == 'hvn' else 'rsc_pkts'
    got = [int(j.sysctl(f'rx.{n}.{name}')) for n in (0, 1)]
    assert sum(got) > 50
    if j.vm.driver == 'hn':
        assert [j.sysctl(f'rx.{n}.rsc_drop') for n in (0, 1)] == ['0', '0']
    j.vm.run(f'sysctl {switch}=0')
    soon('RSC off', lambda: not j.device()['rsc4'])


def test_mtu(joined):
    """The driver gives the whole channel back for a new MTU."""
    j = joined
    for mtu in (9000, 1400, 1500):
        j.lab.run('h', f'ip link set hvhost0 mtu {mtu}')
        j.vm.run(f'ifconfig {j.vm.nic} mtu {mtu}')
        soon('mtu', lambda: j.device()['guest_mtu'] == mtu)
        soon('two queues', lambda: j.device()['queues'] == 2)
        j.ping()
        j.lab.run('h', f'ping -c2 -W2 -M do -s {mtu - 28} 10.7.0.1')
        j.copy_out(4)
        j.copy_in(4)


def test_vlan(joined):
    j = joined
    nic = j.vm.nic
    mac = next(x.split()[1] for x in j.vm.run(f'ifconfig {nic}').splitlines()
               if x.strip().startswith('ether'))
    j.vm.run(f'ifconfig vlan7 create vlan 7 vlandev {nic} '
             'inet 10.7.7.1/24 up; arp -s 10.7.7.2 02:00:00:00:00:77')
    r = j.lab.run('h', [sys.executable, HERE / 'vlan_ping.py', 'hvhost0', mac,
                        '7', '10.7.7.2', '10.7.7.1', '5'])
    assert r.stdout.split() == ['7'] * 5
    j.vm.run('ifconfig vlan7 destroy')


def test_down_and_detach(joined):
    j = joined
    nic = j.vm.nic
    j.vm.run(f'ifconfig {nic} down')
    soon('filter', lambda: j.device()['filter'] == 'none')
    j.vm.run(f'ifconfig {nic} up')
    soon('filter', lambda: j.device()['filter'] != 'none')
    j.ping()
    j.copy_out(4)
    # The driver lets go of the channel, then opens it anew.
    for _ in range(3):
        j.vm.run(f'devctl disable {nic}')
        soon('closed', lambda: not any('channel' in q
                                       for q in j.nic()['queues']))
        j.vm.run(f'devctl enable {nic}')
        j.up()
        j.copy_in(4)
    soon('two queues', lambda: j.device()['queues'] == 2)


def test_resets_under_traffic(joined):
    j = joined
    for _ in range(5 if os.environ.get('HVNET_FULL') else 1):
        flood = j.serve('iperf3 -s -1', 5201)
        j.vm.run(f'nc {HOST} 5201 </dev/zero >/dev/null 2>&1 &')
        j.lab.run('h', 'ping -f -c200 -q 10.7.0.1', check=False)
        j.vm.qmp('system_reset')
        j.vm.wait_ready()
        j.lab.end(flood, quiet=True)
        j.up()
    j.copy_out(8)
    j.copy_in(8)


def test_traps_are_told(joined):
    """All that the kernel says, at once; and the next boot is another one."""
    j = joined
    j.vm.run('sysctl kern.consmute=0')
    j.vm.sock.sendall(b'sysctl debug.kdb.trap=1\n')
    with pytest.raises(AssertionError, match=r'Fatal trap 12(?s:.*)\(sysctl\)'):
        j.vm.wait_ready()
    j.vm.buf = b''
    j.vm.qmp('system_reset')
    j.vm.wait_ready()
    j.up()
    assert j.vm.run("dmesg | grep -c 'Fatal trap'") != '0'
    assert 'Fatal trap' not in j.vm.dmesg()


def test_host_killed_and_restarted(lab, driver):
    """The machine lives on without it; a reset brings the network back."""
    JoinedFreeBsd(lab, vm={'driver': driver}).outlive_host()


def test_killed_and_another(lab, driver):
    j = JoinedFreeBsd(lab, vm={'driver': driver})
    lab.end(j.vm.proc, signal.SIGKILL)
    soon('guest gone', lambda: lab.stat()[0]['guests'] == 0)
    j.vm = FreeBsdVm(lab, driver=driver).connect()
    j.up()
    j.copy_out(4)
    j.check()


def older(lab, driver, args, vmbus='4.0', nvsp='6.1', vps=2):
    j = JoinedFreeBsd(lab, vps=vps, host_args=args, vm={'driver': driver})
    assert f'vmbus0: version {vmbus}' in j.vm.dmesg()
    assert int(j.sysctl('nvs_version')) == NVSP[nvsp]
    return j


@pytest.mark.parametrize('version', ['1.1', '0.13'])
def test_oldest_vmbus(lab, driver, version):
    """One channel bitmap for all, no interrupts of a channel's own."""
    j = older(lab, driver, ('--max-vmbus', version), vmbus=version)
    assert j.device()['vmbus'] == version
    j.copy_out(8)
    j.copy_in(8)
    j.ping('fd07::2')
    j.vm.run(f'ifconfig {j.vm.nic} mtu 9000')
    j.lab.run('h', 'ip link set hvhost0 mtu 9000')
    j.ping()
    j.copy_out(8)
    j.copy_in(8)
    j.vm.run(f'devctl disable {j.vm.nic}')
    j.vm.run(f'devctl enable {j.vm.nic}')
    j.up()
    j.copy_in(4)
    j.vm.qmp('system_reset')
    j.vm.wait_ready()
    j.lab.run('h', 'ip link set hvhost0 mtu 1500')
    j.up()
    j.copy_out(4)
    j.check()


def test_oldest_nvsp(lab, driver):
    j = older(lab, driver, ('--max-nvsp', '1'), nvsp='1')
    assert (j.device()['nvsp'], j.device()['queues']) == ('1', 1)
    j.copy_out(8)
    j.copy_in(8)
    j.vm.run(f'devctl disable {j.vm.nic}')
    j.vm.run(f'devctl enable {j.vm.nic}')
    j.up()
    j.copy_in(4)
    j.check()


@full
@pytest.mark.parametrize('version', ['3.0', '2.4'])
def test_older_vmbus(lab, driver, version):
    j = older(lab, driver, ('--max-vmbus', version), vmbus=version)
    j.copy_out(8)
    j.copy_in(8)
    j.check()


@full
@pytest.mark.parametrize('version', ['6', '5', '4', '2'])
def test_older_nvsp(lab, driver, version):
    j = older(lab, driver, ('--max-nvsp', version), nvsp=version)
    j.copy_out(8)
    j.copy_in(8)
    j.check()


@full
@pytest.mark.parametrize('vps', [1, 4, 8])
def test_channels(lab, driver, vps):
    j = JoinedFreeBsd(lab, vps=vps, vm={'driver': driver})
    soon('channels', lambda: j.device()['queues'] == vps)
    assert j.sysctl('rx_ring_inuse') == str(vps)
    j.copy_out(8)
    # A connection has one channel, as chance has it: with 40 one of 8 channels
    # has none in 3 of 100 runs.
    for _ in range(150):
        if min(j.spread()) > 20:
            break
        j.copy_in(1)
    assert min(j.spread()) > 20, j.spread()
    j.check()

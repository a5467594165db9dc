# SPDX-License-Identifier: BSD-2-Clause
"""Debian's own kernels, unmodified, on our host end: the list.

`make check` runs it on the cloud kernel with two processors and channels,
`make check-full` on both kernels with 1, 2, 4 and 8, and on older and newer
ones (kernels.py) with two.
"""
import os
import signal
import sys
import time

import pytest

from conftest import need
from kernels import KERNELS, newest_vmbus
from kit import HERE, Vm
from linux_guest import HOST, Joined, soon


CELLS = [('cloud', 2)]
if os.environ.get('HVNET_FULL'):
    CELLS = [(f, n) for f in ('cloud', 'generic') for n in (1, 2, 4, 8)] + \
        [(f, 2) for f in KERNELS if f not in ('cloud', 'generic')]


@pytest.fixture(params=CELLS, ids=lambda c: f'{c[0]}-{c[1]}')
def cell(request):
    """Arguments of a machine."""
    need(request.param[0])
    return dict(zip(('flavour', 'vps'), request.param))


@pytest.fixture
def joined(lab, cell):
    j = Joined(lab, cell['vps'], vm=cell)
    soon('channels', lambda: j.device()['queues'] == j.vps, 30)
    yield j
    j.check()


def interrupts(j):
    """VMBus's so far, of each virtual processor."""
    return [int(x) for x in j.vm.run('grep HYP /proc/interrupts').split()
            [1:1 + j.vps]]


def test_attach_and_copy(joined, cell):
    j = joined
    vmbus = newest_vmbus(cell['flavour'])
    assert f'Vmbus version:{vmbus}' in j.vm.run('dmesg')
    d = j.device()
    assert (d['vmbus'], d['nvsp'], d['ndis']) == (vmbus, '6.1', '6.30')
    j.ping('fd07::2')
    j.copy_out(16)
    j.copy_in(16)
    j.copy_out(4, to='fd07::2')
    j.copy_in(4, to='fd07::1')
    # Each channel's interrupts reach its own virtual processor.  Ports are
    # random: a few runs until every channel has had enough.
    for _ in range(5):
        j.iperf(f'-P {4 * j.vps} -R')
        if min(interrupts(j)) > 100:
            break
    assert min(interrupts(j)) > 100, interrupts(j)


def test_offloads_off_and_on(joined):
    j = joined
    before = j.count('from_guest', 'lso_frames')
    j.iperf()
    assert j.count('from_guest', 'lso_frames') - before > 50
    d = j.device()
    assert d['lso4'] and d['lso6']

    j.vm.run('ethtool -K eth0 tso off gso off')
    before = j.count('from_guest', 'lso_frames')
    j.iperf()
    assert j.count('from_guest', 'lso_frames') == before

    j.vm.run('ethtool -K eth0 rx off tx off')
    j.copy_out(4)
    j.copy_in(4)
    # Received large frames are a property of the receiving end.
    j.vm.run('ethtool -K eth0 lro off')
    d = j.device()
    assert not d['rsc4'] and not d['rsc6']
    before = j.count('to_guest', 'rsc_frames')
    j.iperf('-R')
    assert j.count('to_guest', 'rsc_frames') == before

    j.vm.run('ethtool -K eth0 lro on rx on tx on tso on gso on')
    d = j.device()
    assert d['rsc4'] and d['rsc6'] and d['lso4']
    before = j.count('to_guest', 'rsc_frames')
    j.iperf('-R')
    assert j.count('to_guest', 'rsc_frames') - before > 50


def test_receive_side_scaling(joined):
    j = joined
    if j.vps == 1:
        pytest.skip('one channel: nothing to spread')
    assert j.device()['table_entries'] == 128
    # All to one queue, by the table; then another.
    for q in range(j.vps):
        weights = ['0'] * j.vps
        weights[q] = '1'
        j.vm.run(f'ethtool -X eth0 weight {" ".join(weights)}')
        before = j.spread()
        j.iperf('-R -P 4')
        moved = [b - a for a, b in zip(before, j.spread())]
        assert moved.pop(q) > 100, (q, moved)
        assert max(moved) < 20, (q, moved)
    j.vm.run(f'ethtool -X eth0 equal {j.vps} hkey ' + ':'.join(['5a'] * 40))
    assert '5a:5a:5a' in j.vm.run('ethtool -x eth0')


def test_hash_of_udp(joined):
    """Whether ports count is the guest's choice, and decides the channel."""
    j = joined
    if j.vps == 1:
        pytest.skip('one channel: nothing to spread')

    def moved(enough):
        return j.moved(lambda: j.iperf(f'-u -b 2M -P {4 * j.vps}', 1), enough,
                       10, 'from_guest')

    j.vm.run('ethtool -N eth0 rx-flow-hash udp4 sd')
    assert 'src port' not in j.vm.run('ethtool -n eth0 rx-flow-hash udp4')
    frames = moved(lambda f: sum(f) > 500)
    assert max(frames) > 0.9 * sum(frames), frames
    j.vm.run('ethtool -N eth0 rx-flow-hash udp4 sdfn')
    assert 'src port' in j.vm.run('ethtool -n eth0 rx-flow-hash udp4')
    moved(lambda f: min(f) > 100)


def test_channels_and_rings(joined):
    """The device closes and opens again for each."""
    j = joined
    for n in ([1, j.vps] if j.vps > 1 else []):
        j.vm.run(f'ethtool -L eth0 combined {n}')
        soon(f'{n} queues', lambda: j.device()['queues'] == n)
        j.ping()
        j.copy_out(4)
    j.vm.run('ethtool -G eth0 rx 1024 tx 256')
    soon('sections', lambda: j.device()['send_sections'] == 256 and
         j.device()['rx_sections'] == 1024)
    j.ping()
    j.copy_in(4)
    statistics = j.vm.run('ethtool -S eth0')
    for n in range(j.vps):
        assert f'tx_queue_{n}_packets' in statistics


def test_mtu(joined):
    j = joined
    for mtu in (9000, 1400, 1500):
        j.lab.run('h', f'ip link set hvhost0 mtu {mtu}')
        j.vm.run(f'ip link set eth0 mtu {mtu}')
        soon('mtu', lambda: j.device()['guest_mtu'] == mtu)
        j.ping()
        j.lab.run('h', f'ping -c2 -W2 -M do -s {mtu - 28} 10.7.0.1')
        j.copy_out(4)
        j.copy_in(4)


def test_speed(joined):
    """Told by an indication, which Linux takes."""
    j = joined
    for speed, mbit in (('25G', '25000'), ('100M', '100'), ('10G', '10000')):
        j.lab.set('hvhost0', f'speed={speed}')
        soon('the speed', lambda: j.vm.run(
            'cat /sys/class/net/eth0/speed').strip() == mbit)
    assert 'invalid rndis' not in j.vm.run('dmesg')


def test_vlan(joined):
    j = joined
    mac = j.vm.run('cat /sys/class/net/eth0/address')
    j.vm.run('vconfig add eth0 7; ip addr add 10.7.7.1/24 dev eth0.7; '
             'ip link set eth0.7 up; '
             'arp -i eth0.7 -s 10.7.7.2 02:00:00:00:00:77')
    r = j.lab.run('h', [sys.executable, HERE / 'vlan_ping.py', 'hvhost0', mac,
                        '7', '10.7.7.2', '10.7.7.1', '5'])
    assert r.stdout.split() == ['7'] * 5
    assert 'RX packets:5' in j.vm.run('ifconfig eth0.7')


def test_unbind_and_module(joined):
    j = joined
    j.vm.run('cd /sys/bus/vmbus/drivers/hv_netvsc; '
             'for d in *-*-*-*; do echo $d >unbind; sleep 1; echo $d >bind; '
             'done')
    j.up()
    j.copy_out(4)
    j.vm.run('modprobe -r hv_netvsc')
    soon('closed', lambda: not any(
        'channel' in q for q in j.nic()['queues']) or
        not j.nic()['attached'])
    j.vm.run('modprobe hv_netvsc')
    j.up()
    j.copy_in(4)
    # The whole of VMBus: UNLOAD, then a new contact.
    if 'hv_vmbus' in j.vm.run('cut -d" " -f1 /proc/modules').split():
        j.vm.run('rmmod hv_netvsc && rmmod hv_vmbus && modprobe hv_netvsc')
    j.up()
    j.copy_in(4)


def test_five_resets_under_traffic(joined):
    j = joined
    for _ in range(5):
        j.serve('iperf3 -s -1', 5201)
        j.vm.run(f'iperf3 -c {HOST} -t 60 --bidir >/dev/null 2>&1 &')
        time.sleep(1)
        j.vm.qmp('system_reset')
        j.vm.wait_ready()
        j.lab.end(j.lab.procs[-1], quiet=True)
        j.up()
    j.copy_out(8)
    j.copy_in(8)
    assert j.nic()['guest']['regions'] == 2


def test_nothing_is_written_after_a_reset(joined):
    """A machine is stopped and reset while frames go both ways, and some go on
    coming: what it finds in its memory when it runs again is what it left."""
    j = joined
    for _ in range(3 if os.environ.get('HVNET_FULL') else 1):
        flows = [j.serve('iperf3 -s -1', 5201),
                 j.lab.start('h', 'ping -q -i 0.002 10.7.0.1')]
        j.vm.run(f'iperf3 -c {HOST} -t 60 --bidir >/dev/null 2>&1 &')
        for side in ('from_guest', 'to_guest'):
            soon(side, lambda: sum(j.spread(side)) > 1000, 30)
        j.vm.qmp('stop\nsystem_reset')
        soon('reset', lambda: 'prelaunch' in j.vm.qmp('info status'))
        was = j.vm.memory()
        time.sleep(1)
        now = j.vm.memory()
        assert [i for i, (a, b) in enumerate(zip(was, now)) if a != b] == []
        j.vm.qmp('cont')
        j.vm.wait_ready()
        for p in flows:
            j.lab.end(p, quiet=True)
        j.up()
    j.copy_out(4)
    j.copy_in(4)


def test_machine_killed_and_another(lab, cell):
    j = Joined(lab, cell['vps'], vm=cell)
    j.serve('iperf3 -s -1', 5201)
    j.vm.run(f'iperf3 -c {HOST} -t 60 >/dev/null 2>&1 &')
    time.sleep(1)
    os.kill(j.vm.qemu(), signal.SIGKILL)
    j.vm.proc.wait()
    lab.procs.remove(j.vm.proc)
    soon('guest gone', lambda: lab.stat()[0]['guests'] == 0)
    j.vm = Vm(lab, **cell)
    j.vm.connect()
    j.up()
    j.copy_out(4)
    j.check()


def test_host_killed_and_restarted(lab, cell):
    """The machine lives on without it; a reset brings the network back."""
    Joined(lab, cell['vps'], vm=cell).outlive_host()

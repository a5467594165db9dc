# SPDX-License-Identifier: BSD-2-Clause
"""A frame arrives whole, or is dropped and counted; whose MTU counts."""
import json
import pathlib
import sys
import threading

import pytest

from conftest import full
from lab import total

GUEST, HOST = '10.7.0.1', '10.7.0.2'
TOOL = [sys.executable, str(pathlib.Path(__file__).with_name('lengths.py'))]
LONG = range(1510, 2900, 14)


def link(lab, ns, ifname):
    return json.loads(lab.run(ns, f'ip -j link show dev {ifname}').stdout)[0]


def by_kind(lab, kind):
    return [s for s in lab.stat() if s['kind'] == kind]


def arrive(lab, src, src_if, dst, dst_if, lengths):
    """Send frames of these lengths: those that arrived, all of them whole."""
    rx = lab.start(dst, [*TOOL, 'receive', dst_if, 60], 'lengths')
    lab.wait('receiver', lambda: 'ready' in lab.log(rx), 5, [rx])
    mac = link(lab, dst, dst_if)['address']
    lab.run(src, [*TOOL, 'send', src_if, mac, *lengths, 60])
    lab.wait('the last frame', lambda: '\n60 60\n' in lab.log(rx), 10, [rx])
    lab.end(rx)
    rows = [list(map(int, r.split()))
            for r in lab.log(rx).splitlines()[1:]]
    assert all(got == said for got, said in rows), rows
    return [got for got, _ in rows[:-1]]


@pytest.mark.parametrize('spec', [
    pytest.param({}, marks=full), {'tso': 'off', 'rsc': 'off'},
    pytest.param({'delay': '2ms'}, marks=full),
    {'tso': 'off', 'rsc': 'off', 'delay': '2ms'}],
    ids=['usual', 'no-offload', 'delay', 'no-offload-delay'])
def test_frames_longer_than_the_mtu(lab, spec):
    """The MTU of the NIC counts, whatever its interfaces have."""
    lab.pair(**spec)
    fit = [n for n in LONG if n <= 1514]
    for src, src_if, dst, dst_if in (('h', 'hvhost0', 'g', 'hn0'),
                                     ('g', 'hn0', 'h', 'hvhost0')):
        lab.run(src, f'ip link set {src_if} mtu 3000')
        assert arrive(lab, src, src_if, dst, dst_if, LONG) == fit
    assert total(by_kind(lab, 'host'), 'drop_long') == len(LONG) - len(fit)
    assert total(by_kind(lab, 'guest'), 'too_long') == len(LONG) - len(fit)


def test_a_guest_with_a_smaller_mtu(lab):
    """Of the two MTUs the smaller one counts, both ways."""
    lab.pair(guest_args=['--mtu', '1400'])
    assert link(lab, 'g', 'hn0')['mtu'] == 1400
    lengths = [1414, 1415, 1514]
    assert arrive(lab, 'h', 'hvhost0', 'g', 'hn0', lengths) == [1414]
    lab.run('g', 'ip link set hn0 mtu 1500')
    assert arrive(lab, 'g', 'hn0', 'h', 'hvhost0', lengths) == [1414]


@pytest.mark.parametrize('spec', [
    '', pytest.param(',delay=2ms', marks=full)], ids=['usual', 'delay'])
def test_a_pair_of_two_mtus(lab, spec):
    """From guest to guest the receiver's MTU counts."""
    lab.hostp = lab.host(
        f'backend=pair,name=left,peer=right,guest=a,mtu=3000{spec}',
        f'backend=pair,name=right,peer=left,guest=b,mtu=1500{spec}')
    lab.guest('g', 'hn0', args=['--name', 'a'])
    lab.guest('h', 'hn1', args=['--name', 'b'])
    fit = [n for n in LONG if n <= 1514]
    assert arrive(lab, 'g', 'hn0', 'h', 'hn1', LONG) == fit
    assert total(by_kind(lab, 'host'), 'drop_long') == len(LONG) - len(fit)
    assert arrive(lab, 'h', 'hn1', 'g', 'hn0', fit) == fit


def truncated(lab, ns):
    """Packets shorter than their IP header says."""
    head, row = [r.split() for r in lab.run(
        ns, 'cat /proc/net/netstat').stdout.splitlines()
        if r.startswith('IpExt:')]
    return int(row[head.index('InTruncatedPkts')])


def test_offloads_go_off_under_tcp(lab):
    """GSO frames that wait in a TAP meanwhile are cut by their headers."""
    lab.pair()
    for src, dst, to in (('h', 'g', GUEST), ('g', 'h', HOST)):
        ends = []
        flow = threading.Thread(target=lambda: ends.append(
            lab.iperf(src, dst, to, 2, ['-P', '4'])))
        flow.start()
        while flow.is_alive():
            for value in 'off', 'on':
                for nic, what in (('hvhost0', ('tso', 'rsc')),
                                  ('hn0', ('tso',))):
                    lab.set(nic, *(f'{w}={value}' for w in what))
        flow.join()
        assert ends[0]['sum_received']['bytes'] > 1 << 20
        assert truncated(lab, dst) == 0


def has_mtu(lab, mtu):
    """The guest is attached, with this MTU: one answer says both."""
    guest = by_kind(lab, 'guest')[0]
    return guest['state'] == 'up' and guest['device']['mtu'] == mtu


def test_an_administrators_mtu_stays(lab):
    """Nothing that a guest does changes the MTU of the host's interface."""
    lab.pair()
    lab.run('h', 'ip link set hvhost0 mtu 1400')
    lab.run('g', 'ip link set hn0 mtu 1300')
    lab.set('hn0', 'rsc=off')
    lab.set('hvhost0', 'tso=off')
    lab.wait('the new offloads', lambda: not by_kind(lab, 'guest')[0][
        'device']['offloads']['tso'], 5)
    assert link(lab, 'h', 'hvhost0')['mtu'] == 1400
    # It is set with the NIC's own.
    lab.set('hvhost0', 'mtu=1450')
    lab.wait('the guest again', lambda: has_mtu(lab, 1450), 10)
    assert link(lab, 'h', 'hvhost0')['mtu'] == 1450
    assert link(lab, 'g', 'hn0')['mtu'] == 1300
    # More than the NIC has is refused, with a sentence.
    lab.run('g', 'ip link set hn0 mtu 1440')
    lab.set('hvhost0', 'mtu=1420')
    lab.wait('the guest again', lambda: has_mtu(lab, 1420), 10)
    assert link(lab, 'g', 'hn0')['mtu'] == 1420
    assert 'hn0: its MTU 1440 is more than the NIC takes: set to 1420' in \
        lab.log(lab.guestp)

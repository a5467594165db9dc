# SPDX-License-Identifier: BSD-2-Clause
"""Backends other than tap: two guests joined, files written and replayed."""
import struct
import subprocess

import pytest

from lab import total

A, B = '10.7.0.1', '10.7.0.2'


def joined(lab, **kw):
    """Two guests, each with one NIC of a pair."""
    extra = ''.join(f',{k}={v}' for k, v in kw.items())
    lab.hostp = lab.host(
        f'backend=pair,name=left,peer=right,queues=2,guest=a{extra}',
        f'backend=pair,name=right,peer=left,queues=2,guest=b{extra}')
    lab.guest('g', 'hn0', args=['--name', 'a'])
    lab.guest('h', 'hn1', args=['--name', 'b'])
    lab.address('g', 'hn0', 1)
    lab.address('h', 'hn1', 2)
    lab.ready()


@pytest.mark.parametrize('kw', [{}, {'tso': 'off'}, {'rsc': 'off'},
                                {'mtu': 9000}],
                         ids=['all', 'no-tso', 'no-rsc', 'jumbo'])
def test_pair(lab, kw):
    joined(lab, **kw)
    assert lab.copy('g', 'h', B, 48)
    assert lab.copy('h', 'g', A, 48)
    assert lab.copy('g', 'h', 'fd07::2', 8)


def carrier(lab, ns, ifname):
    return 'LOWER_UP' in lab.run(ns, f'ip link show {ifname}').stdout


def test_pair_waits_for_its_peer(lab):
    """Its link is down until the other NIC comes, and when it has gone."""
    waits = ('NIC left: its link is down until its peer comes: hvnet set '
             '--add backend=pair,name=right,peer=left')
    lab.hostp = lab.host('backend=pair,name=left,peer=right,guest=a')
    assert f'hvnet host: {waits}\n' in lab.log(lab.hostp)
    lab.guest('g', 'hn0', args=['--name', 'a'])
    lab.address('g', 'hn0', 1)
    assert not carrier(lab, 'g', 'hn0')
    add = [lab.hvnet, 'set', '--add']
    r = lab.run(None, [*add, 'backend=null,name=right'], check=False)
    assert r.returncode == 4
    assert "'right' must be of backend=pair with peer=left" in r.stderr
    r = lab.run(None, [*add, 'backend=pair,name=one,peer=two'])
    assert r.stdout.startswith('NIC one: its link is down until its peer ')
    r = lab.run(None, [*add, 'backend=pair,name=right,peer=left,guest=b'])
    assert r.stdout == ''
    lab.wait('the link', lambda: carrier(lab, 'g', 'hn0'))
    lab.guest('h', 'hn1', args=['--name', 'b'])
    lab.address('h', 'hn1', 2)
    lab.ready()
    lab.set('right', '--remove')
    lab.wait('no link', lambda: not carrier(lab, 'g', 'hn0'))
    lab.wait('its sentence', lambda: lab.log(lab.hostp).count(waits) == 2)


def test_larger_mtu_than_the_nic(lab):
    """The guest says that it did not get the MTU that it was told."""
    lab.host('backend=null,name=n0')
    p = lab.guest(args=['--mtu', '9000'])
    assert lab.log(p).count(
        "hvnet guest: hn0: MTU 9000 was requested: the host's NIC takes 1500 "
        'at most (mtu=9000 there)\n') == 1
    lab.end(p)
    p = lab.guest(args=['--mtu', '1400'])
    assert 'was requested' not in lab.log(p)


def test_pair_keeps_gso_whole(lab):
    joined(lab)
    assert lab.copy('g', 'h', B, 64)
    host = [s for s in lab.stat() if s['kind'] == 'host']
    assert total(host, 'rsc_frames') > 64 * 1024 * 1024 // 65536 // 2
    assert total(host, 'sw_segments') == 0


def test_pcap_writes_what_passes(lab):
    """tshark, which we did not write, reads it and finds nothing wrong."""
    path = f'{lab.dir}/out.pcap'
    lab.hostp = lab.host(f'backend=pcap,name=cap0,file={path}')
    lab.guest()
    lab.run('g', 'ip addr add 10.7.0.1/24 dev hn0')
    lab.run('g', 'ip neigh add 10.7.0.2 lladdr 02:00:00:00:00:02 dev hn0')
    lab.run('g', f'ping -c 5 -i 0.01 -s 1000 -W1 {B}', check=False)
    lab.run('g', ['python3', '-c', 'import socket;s=socket.socket('
                  'socket.AF_INET,socket.SOCK_DGRAM);'
                  f's.sendto(b"x"*900,("{B}",9))'])
    lab.wait('the frames', lambda: total(
        [s for s in lab.stat() if s['kind'] == 'host'], 'written') >= 6, 5)
    assert lab.end(lab.hostp) == 0
    out = subprocess.run(
        ['tshark', '-r', path, '-o', 'ip.check_checksum:TRUE', '-o',
         'udp.check_checksum:TRUE', '-T', 'fields', '-e', 'icmp.type', '-e',
         'udp.dstport', '-e', 'udp.checksum.status', '-e',
         'ip.checksum.status'], capture_output=True, text=True).stdout
    rows = [r.split('\t') for r in out.splitlines()]
    assert sum(r[0] == '8' for r in rows) == 5
    udp = [r for r in rows if r[1] == '9']
    assert len(udp) == 1 and udp[0][2] == '1'     # 1: good
    assert all(r[3] != '0' for r in rows)         # 0: bad


def test_pcap_replays_a_file(lab):
    """A file of our making, byte for byte what libpcap documents."""
    path = f'{lab.dir}/in.pcap'
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for n in range(20):
            frame = (b'\xff' * 6 + bytes.fromhex('020000000002') +
                     b'\x88\xb5' + f'frame {n}'.encode()).ljust(60, b'\0')
            f.write(struct.pack('<IIII', n, 0, len(frame), len(frame)) +
                    frame)
    lab.hostp = lab.host(f'backend=pcap,name=cap0,replay={path}')
    lab.guest()
    lab.wait('frames at the guest', lambda: total(
        [s for s in lab.stat('hn0') if s['kind'] == 'guest'],
        'written') >= 20, 10)


def test_null_swallows(lab):
    lab.hostp = lab.host('backend=null,name=n0')
    lab.guest()
    lab.run('g', 'ip addr add 10.7.0.1/24 dev hn0')
    lab.run('g', 'ip neigh add 10.7.0.2 lladdr 02:00:00:00:00:02 dev hn0')
    lab.run('g', f'ping -c 3 -i 0.01 -W1 {B}', check=False)
    host = [s for s in lab.stat() if s['kind'] == 'host']
    assert total(host, 'written') >= 3


def test_many_channels(lab):
    """As many channels as NetVSC knows, on however few cores."""
    lab.pair(queues=64, vps=64)
    guest = [s for s in lab.stat('hn0') if s['kind'] == 'guest'][0]
    assert guest['device']['queues'] == 64
    assert lab.copy('g', 'h', B, 16)
    assert lab.copy('h', 'g', A, 16)
    end = lab.iperf('h', 'g', A, 2, ['-P', '64'])
    assert end['sum_received']['bytes'] > 1 << 20
    guest = [s for s in lab.stat('hn0') if s['kind'] == 'guest'][0]
    used = sum(q['receive']['frames'] > 0 for q in guest['queues'])
    assert used > 16, f'64 flows on {used} channels'

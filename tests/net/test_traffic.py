# SPDX-License-Identifier: BSD-2-Clause
"""Real traffic between two namespaces through both ends."""
import json
import pathlib
import re
import threading
import time

import pytest

from lab import total

GUEST, HOST = '10.7.0.1', '10.7.0.2'
GUEST6, HOST6 = 'fd07::1', 'fd07::2'


def pings(lab, ns, to, *args, count=20):
    # All at once, and then a second, not two round trips, for the last one.
    out = lab.run(ns, f'ping -q -l {count} -i 1 -c {count} {" ".join(args)} '
                  f'{to}', check=False).stdout
    return int(re.search(r'(\d+) received', out).group(1))


def test_ping(lab):
    lab.pair()
    assert pings(lab, 'g', HOST) == 20
    assert pings(lab, 'h', GUEST) == 20


def test_ping_every_size(lab):
    """One frame of every length that fits, both ways around the limits."""
    lab.pair()
    for size in [0, 1, 17, 18, 127, 128, 129, 1000, 1471, 1472]:
        assert pings(lab, 'g', HOST, '-M do', f'-s {size}', count=3) == 3
        assert pings(lab, 'h', GUEST, '-M do', f'-s {size}', count=3) == 3


def test_ipv6(lab):
    lab.pair()
    assert pings(lab, 'g', HOST6) == 20
    assert lab.copy('g', 'h', HOST6, 32)
    assert lab.copy('h', 'g', GUEST6, 32)


def test_copies(lab):
    lab.pair()
    assert lab.copy('g', 'h', HOST, 128)
    assert lab.copy('h', 'g', GUEST, 128)


OFFLOADS = {
    'all': ({}, []),
    'no-host-offload': ({'txcsum': 'off', 'rxcsum': 'off', 'tso': 'off',
                         'rsc': 'off', 'gro': 'off', 'hash': 'off',
                         'vlan': 'none'}, []),
    'no-tso': ({'tso': 'off'}, []),
    'no-rsc': ({'rsc': 'off'}, []),
    'complete-rxcsum': ({'rxcsum': 'complete'}, []),
    'no-gro': ({'gro': 'off', 'tso': 'off', 'rsc': 'off'},
               ['--no-coalesce']),
    'gpa-only': ({}, ['-o', 'tx_chimney_size=0', '-o', 'sendbuf_kb=0']),
    'section-only': ({}, ['-o', 'tx_agg_pkts=0']),
    'small-rings': ({}, ['-o', 'ring_pages=2', '-o', 'rxbuf_kb=256']),
    'small-rxbuf': ({}, ['-o', 'rxbuf_kb=64']),
    'one-vp': ({}, ['--single-vp']),
    'signal-packet': ({}, ['--signal', 'packet']),
    'signal-poll': ({}, ['--signal', 'poll']),
}


@pytest.mark.parametrize('name', OFFLOADS)
def test_offload_combination(lab, name):
    spec, args = OFFLOADS[name]
    lab.pair(guest_args=args, **spec)
    for to, back in ((HOST, GUEST), (HOST6, GUEST6)):
        assert lab.copy('g', 'h', to, 24), f'guest to host {to}'
        assert lab.copy('h', 'g', back, 24), f'host to guest {back}'
    assert total(lab.stat(), 'total') == 0, 'faults were counted'


@pytest.mark.parametrize('vmbus', ['0.13', '1.1', '2.4', '3.0', '4.0', '4.1',
                                   '5.0', '5.1', '5.2', '5.3', '6.0'])
def test_vmbus_version(lab, vmbus):
    lab.pair(host_args=['--max-vmbus', vmbus])
    guest = [s for s in lab.stat('hn0') if s['kind'] == 'guest'][0]
    assert guest['device']['vmbus'] == vmbus
    assert lab.copy('g', 'h', HOST, 8)
    assert lab.copy('h', 'g', GUEST, 8)


@pytest.mark.parametrize('nvsp', ['1', '2', '4', '5', '6', '6.1'])
def test_nvsp_version(lab, nvsp):
    """Both ends call it by its name, in statistics and messages."""
    lab.pair(host_args=['--max-nvsp', nvsp])
    guest = [s for s in lab.stat('hn0') if s['kind'] == 'guest'][0]
    host = [s for s in lab.stat('hvhost0') if s['kind'] == 'host'][0]
    device = host['nics'][0]['device']
    assert (guest['device']['nvsp'], device['nvsp']) == (nvsp, nvsp)
    assert f'NVSP {nvsp},' in lab.log(lab.guestp)
    assert device['filter'] == 'directed|allmulti|broadcast'
    assert 'tcp4' in device['csum_tx']
    assert ('tcp4' in device['hash_types']) == (nvsp in ('5', '6', '6.1'))
    assert lab.copy('g', 'h', HOST, 8)
    assert lab.copy('h', 'g', GUEST, 8)


def test_iperf(lab):
    lab.pair()
    for src, dst, to in (('g', 'h', HOST), ('h', 'g', GUEST)):
        assert lab.iperf(src, dst, to, 2)['sum_received']['bytes'] > 1 << 20
        assert lab.iperf(src, dst, to, 2, ['-P', '8'])['sum_received'][
            'bytes'] > 1 << 20
        # What iperf3 calls lost, its socket may have had no room for.
        assert lab.iperf(src, dst, to, 2, [
            '-u', '-b', '50M', '-l', '1400'])['sum']['packets'] > 1000


DATAGRAMS = str(pathlib.Path(__file__).with_name('datagrams.py'))


def tap_drops(lab, ns, ifname):
    """Frames that the kernel dropped since the TAP was full."""
    link, = json.loads(lab.run(ns, f'ip -s -j link show dev {ifname}').stdout)
    return link['stats64']['tx']['dropped']


@pytest.mark.parametrize('src,src_if,dst,to', [
    ('g', 'hn0', 'h', HOST), ('h', 'hvhost0', 'g', GUEST)],
    ids=['from-guest', 'to-guest'])
def test_udp_loss(lab, src, src_if, dst, to):
    """Each datagram of 50 Mbit/s arrives, once, or was never taken in."""
    lab.pair()
    count = 9000
    before = tap_drops(lab, src, src_if)
    rx = lab.start(dst, ['python3', DATAGRAMS, 'receive', 5302, count], 'udp')
    lab.wait('receiver', lambda: 'ready' in lab.log(rx), 5, [rx])
    lab.run(src, ['python3', DATAGRAMS, 'send', to, 5302, count, 50])
    rx.wait(30)
    r = json.loads(lab.log(rx).splitlines()[1])
    full = tap_drops(lab, src, src_if) - before
    assert r['again'] == 0 and r['got'] > count / 2
    assert 0 <= count - r['got'] - r['socket_full'] <= full, (r, full)


def test_udp_fragments(lab):
    lab.pair()
    assert pings(lab, 'g', HOST, '-s 20000', count=5) == 5
    assert pings(lab, 'h', GUEST, '-s 20000', count=5) == 5
    assert pings(lab, 'g', HOST6, '-s 20000', count=5) == 5


RAW = str(pathlib.Path(__file__).with_name('rawframe.py'))
EVERYONE = 'ff:ff:ff:ff:ff:ff'


def raw_exchange(lab, src, src_if, dst, dst_if, frames, to=EVERYONE,
                 source=()):
    """Send (tag, text) frames; the (tag, text) pairs that arrived."""
    rx = lab.start(dst, ['python3', RAW, 'receive', dst_if, '3'], 'raw')
    lab.wait('receiver', lambda: 'ready' in lab.log(rx), 5, [rx])
    for tag, text in frames:
        lab.run(src, ['python3', RAW, 'send', src_if, to, tag, text,
                      *source])
    rx.wait(10)
    return [tuple(line.split(' ', 1)) for line in lab.log(rx).splitlines()
            if line != 'ready']


def test_vlan_trunk(lab):
    """Tags pass both ways, as per-packet info on the way."""
    lab.pair()
    frames = [('5', 'tagged'), ('-', 'plain'), ('4094', 'highest')]
    assert raw_exchange(lab, 'g', 'hn0', 'h', 'hvhost0', frames) == frames
    assert raw_exchange(lab, 'h', 'hvhost0', 'g', 'hn0', frames) == frames


def test_vlan_access(lab):
    """The guest is untagged; outside, its frames carry the port's tag."""
    lab.pair(vlan='access:7', wait=False)
    got = raw_exchange(lab, 'g', 'hn0', 'h', 'hvhost0',
                       [('-', 'plain'), ('5', 'foreign')])
    assert got == [('7', 'plain')]
    got = raw_exchange(lab, 'h', 'hvhost0', 'g', 'hn0',
                       [('7', 'ours'), ('8', 'other'), ('-', 'untagged')])
    assert got == [('-', 'ours')]


def test_source_address_policy(lab):
    """A guest may send only from its own address, unless spoof=on."""
    lab.pair()
    other = ['02:00:00:00:00:77']
    assert raw_exchange(lab, 'g', 'hn0', 'h', 'hvhost0', [('-', 'own')])
    assert not raw_exchange(lab, 'g', 'hn0', 'h', 'hvhost0', [('-', 'x')],
                            source=other)
    assert total(lab.stat('hvhost0'), 'drop_source') > 0
    lab.set('hvhost0', 'spoof=on')
    assert raw_exchange(lab, 'g', 'hn0', 'h', 'hvhost0', [('-', 'y')],
                        source=other)


def test_foreign_unicast_is_filtered(lab):
    """The packet filter requests our own address, not others."""
    lab.pair()
    assert not raw_exchange(lab, 'h', 'hvhost0', 'g', 'hn0', [('-', 'no')],
                            to='02:00:00:00:00:99')
    assert total(lab.stat('hvhost0'), 'drop_filter') > 0


def test_multicast(lab):
    """Frames to a group arrive because the guest requests them all."""
    lab.pair()
    code = ('import socket,struct;s=socket.socket(socket.AF_INET,'
            'socket.SOCK_DGRAM);s.bind(("",5400));s.setsockopt('
            'socket.IPPROTO_IP,socket.IP_ADD_MEMBERSHIP,socket.inet_aton('
            '"239.7.7.7")+socket.inet_aton("10.7.0.1"));s.settimeout(10);'
            'print(s.recv(64).decode())')
    rx = lab.start('g', ['python3', '-c', code], 'mcast')
    lab.wait('receiver', lambda: ':5400 ' in lab.run('g', 'ss -Hlun').stdout)
    send = ('import socket;s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);'
            's.setsockopt(socket.IPPROTO_IP,socket.IP_MULTICAST_IF,'
            'socket.inet_aton("10.7.0.2"));'
            's.sendto(b"to the group",("239.7.7.7",5400))')
    lab.run('h', ['python3', '-c', send])
    assert rx.wait(10) == 0
    assert 'to the group' in lab.log(rx)


def test_jumbo(lab):
    lab.pair(mtu=9000)
    assert 'mtu 9000' in lab.run('g', 'ip link show hn0').stdout
    assert pings(lab, 'g', HOST, '-M do', '-s 8972', count=5) == 5
    assert pings(lab, 'h', GUEST, '-M do', '-s 8972', count=5) == 5
    assert lab.copy('g', 'h', HOST, 64)
    assert lab.copy('h', 'g', GUEST, 64)


def under_load(lab, change):
    """Run change() while a copy goes each way; both must still agree."""
    result = {}

    def copy(key, *args):
        result[key] = lab.copy(*args)

    threads = [threading.Thread(target=copy, args=('out', 'g', 'h', HOST,
                                                   192, 5301)),
               threading.Thread(target=copy, args=('in', 'h', 'g', GUEST,
                                                   192, 5302))]
    for t in threads:
        t.start()
    time.sleep(0.3)
    change()
    for t in threads:
        t.join()
    assert result == {'out': True, 'in': True}


def test_offload_switch_under_load(lab):
    lab.pair()

    def change():
        for _ in range(3):
            for key in ('tso', 'rsc', 'rxcsum', 'txcsum'):
                lab.set('hn0', f'{key}=off')
                time.sleep(0.05)
                lab.set('hn0', f'{key}=on')

    under_load(lab, change)


def test_host_set_under_load(lab):
    lab.pair()

    def change():
        for setting in ('rsc=off', 'tso=off', 'rsc=on', 'tso=on', 'gro=off',
                        'gro=on'):
            lab.set('hvhost0', setting)
            time.sleep(0.1)

    under_load(lab, change)


def test_mtu_change_under_load(lab):
    lab.pair()

    def change():
        lab.set('hvhost0', 'mtu=9000')
        time.sleep(0.5)
        lab.set('hvhost0', 'mtu=1500')
        time.sleep(0.5)

    under_load(lab, change)
    lab.set('hvhost0', 'mtu=9000')
    lab.wait('MTU at the guest', lambda: 'mtu 9000' in lab.run(
        'g', 'ip link show hn0').stdout)
    assert pings(lab, 'g', HOST, '-M do', '-s 8972', count=5) == 5


def test_link_down_and_up(lab):
    lab.pair()
    lab.set('hvhost0', 'link=down')
    lab.wait('no carrier', lambda: 'NO-CARRIER' in lab.run(
        'g', 'ip link show hn0').stdout)
    assert pings(lab, 'g', HOST, '-W1', count=2) == 0
    lab.set('hvhost0', 'link=up')
    lab.wait('carrier', lambda: 'NO-CARRIER' not in lab.run(
        'g', 'ip link show hn0').stdout)
    lab.ready()


def test_loss_and_delay(lab):
    lab.pair()
    lab.set('hvhost0', 'delay=20ms')
    out = lab.run('g', f'ping -q -i 0.05 -c 10 {HOST}').stdout
    assert 20 <= float(out.split('rtt ')[1].split('=')[1].split('/')[0])
    lab.set('hvhost0', 'delay=0ms', 'loss=50%')
    got = pings(lab, 'g', HOST, '-W1', count=200)
    assert 10 < got < 120       # a quarter survives both ways


def test_parallel_streams(lab):
    lab.pair()
    for src, dst, to in (('g', 'h', HOST), ('h', 'g', GUEST)):
        end = lab.iperf(src, dst, to, 2, ['-P', '64'])
        assert end['sum_received']['bytes'] > 1 << 20
    guest = [s for s in lab.stat('hn0') if s['kind'] == 'guest'][0]
    for q in guest['queues']:
        assert q['receive']['frames'] > 0 and q['transmit']['frames'] > 0


def test_nic_added_and_removed(lab):
    """A NIC that comes later is offered; one that goes leaves the guest up."""
    lab.host(lab.tap_spec())
    guest = lab.guest(args=['--nic', 'late0'], up=False)
    spec = lab.tap_spec(name='late0')
    lab.run(None, [lab.hvnet, 'set', '--add', spec])
    lab.wait('attach', lambda: lab.guest_up('hn0'))
    lab.address('g', 'hn0', 1)
    lab.address('h', 'late0', 2)
    lab.ready()
    lab.run(None, [lab.hvnet, 'set', 'late0', '--remove'])
    lab.wait('no carrier', lambda: 'NO-CARRIER' in lab.run(
        'g', 'ip link show hn0').stdout)
    lab.wait('told', lambda: 'hn0: the host took the NIC away\n' in
             lab.log(guest))
    lab.run(None, [lab.hvnet, 'set', '--add', spec])
    lab.wait('attach again', lambda: lab.guest_up('hn0'))
    lab.address('h', 'late0', 2)
    lab.ready()


def test_transcript(lab):
    lab.pair(host_args=['--transcript', f'{lab.dir}/host.txt'],
             guest_args=['--transcript', f'{lab.dir}/guest.txt'])
    for side in ('host', 'guest'):
        text = open(f'{lab.dir}/{side}.txt').read()
        for word in ('INITIATE_CONTACT', 'OFFER_CHANNEL', 'GPADL_HEADER',
                     'OPEN_CHANNEL', 'malformed'):
            assert (word in text) == (word != 'malformed'), (side, word)
        for layer in ('VMBus', 'NVSP', 'RNDIS'):
            assert re.search(rf'^ *\d+\.\d{{6}} .*guest [-<>]+ host {layer}',
                             text, re.M), (side, layer)


def test_stat_json(lab):
    lab.pair()
    r = lab.run(None, [lab.hvnet, 'stat', '--json'])
    kinds = sorted(p['kind'] for p in json.loads(r.stdout)['processes'])
    assert kinds == ['guest', 'host']

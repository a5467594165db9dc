# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel wants of hn0 becomes the NIC's packet filter and address."""
import time

import pytest

from lab import total

GUEST, HOST = '10.7.0.1', '10.7.0.2'


def address(lab, ns, ifname):
    return lab.run(ns, f'cat /sys/class/net/{ifname}/address').stdout.strip()


def filter_of(lab):
    host = [s for s in lab.stat('hvhost0') if s['kind'] == 'host'][0]
    return host['nics'][0]['device']['filter']


def behind(lab, kind):
    """A namespace "c" behind hn0, addressed 10.7.0.3, by bridge or macvlan."""
    name = lab.netns('c')
    if kind == 'bridge':
        lab.run('g', 'ip link add br0 type bridge')
        lab.run('g', 'ip link set hn0 master br0')
        lab.run('g', 'ip link set br0 up')
        lab.run('g', f'ip link add v0 type veth peer name eth0 netns {name}')
        lab.run('g', 'ip link set v0 master br0')
        lab.run('g', 'ip link set v0 up')
    else:
        lab.run('g', f'ip link add link hn0 name eth0 netns {name} type '
                f'{kind} mode bridge')
    lab.address('c', 'eth0', 3)


@pytest.mark.parametrize('kind', ['bridge', 'macvlan'])
def test_who_is_behind_the_guest_receives(lab, kind):
    """Frames for addresses other than hn0's own, and back with spoof=on."""
    lab.pair(spoof='on')
    behind(lab, kind)
    lab.ready('c')
    lab.echoes('h', '10.7.0.3')
    lab.echoes('c', '10.7.0.2')
    # It goes as it came: then the host keeps foreign frames to itself.
    lab.run('g', 'ip link set hn0 nomaster')
    lab.run('c', 'ip link del eth0')
    lab.wait('the old filter', lambda: 'promisc' not in filter_of(lab))


def test_promiscuous_and_all_multicast(lab):
    lab.pair()
    plain = filter_of(lab)
    assert plain == 'directed|allmulti|broadcast'
    lab.run('g', 'ip link set hn0 promisc on')
    lab.wait('promiscuous', lambda: filter_of(lab) == 'promisc')
    lab.run('g', 'ip link set hn0 promisc off')
    lab.wait('as before', lambda: filter_of(lab) == plain)
    # tcpdump and its like: a count, no flag that `ip link` shows.
    code = ('import socket,struct,time;s=socket.socket(socket.AF_PACKET,'
            'socket.SOCK_RAW,0);s.bind(("hn0",3));s.setsockopt(263,1,'
            'struct.pack("iHH8s",socket.if_nametoindex("hn0"),1,0,b""));'
            'time.sleep(60)')
    p = lab.start('g', ['python3', '-c', code], 'promisc')
    lab.wait('promiscuous', lambda: filter_of(lab) == 'promisc')
    lab.end(p)
    lab.wait('as before', lambda: filter_of(lab) == plain)


def test_multicast_groups(lab):
    """Groups are wanted while there is one, or allmulticast."""
    lab.host(lab.tap_spec())
    lab.guest()
    lab.wait('groups', lambda: 'allmulti' in filter_of(lab))
    # Up, it is always in 224.0.0.1.
    lab.run('g', 'ip link set hn0 down')
    lab.wait('no group', lambda: filter_of(lab) == 'directed|broadcast')
    lab.run('g', 'ip maddr add 33:33:00:00:07:07 dev hn0')
    lab.wait('a group', lambda: 'allmulti' in filter_of(lab))
    lab.run('g', 'ip maddr del 33:33:00:00:07:07 dev hn0')
    lab.wait('no group', lambda: filter_of(lab) == 'directed|broadcast')
    lab.run('g', 'ip link set hn0 allmulticast on')
    lab.wait('all groups', lambda: 'allmulti' in filter_of(lab))


def test_filter_after_attaching_again(lab):
    """A host that comes later also gets it."""
    lab.pair()
    lab.end(lab.hostp)
    lab.run('g', 'ip link set hn0 promisc on')
    time.sleep(0.5)
    lab.hostp = lab.host(lab.tap_spec())
    lab.wait('attach', lambda: lab.guest_up('hn0'))
    lab.wait('promiscuous', lambda: filter_of(lab) == 'promisc')


def test_address_change(lab):
    """Taken by a NIC with spoof=on, and kept over a restart of the host."""
    mac = '02:00:00:00:00:77'
    lab.pair(spoof='on')
    lab.run('g', f'ip link set hn0 address {mac}')
    # Directed frames come to the new address, so the host took it.
    lab.run('h', 'ip neigh flush all')
    lab.ready('h', GUEST)
    lab.echoes('g', HOST)
    assert total(lab.stat('hvhost0'), 'drop_filter') < 20
    lab.end(lab.hostp)
    lab.hostp = lab.host(lab.tap_spec(spoof='on'))
    lab.wait('attach', lambda: lab.guest_up('hn0'))
    lab.address('h', 'hvhost0', 2)
    lab.ready()
    lab.ready('h', GUEST)
    assert address(lab, 'g', 'hn0') == mac


def test_address_change_refused(lab):
    """The interface has the NIC's address again, and the user hears why."""
    lab.pair()
    mac = address(lab, 'g', 'hn0')
    lab.run('g', 'ip link set hn0 address 02:00:00:00:00:77')
    lab.wait('the address', lambda: address(lab, 'g', 'hn0') == mac)
    lab.wait('a word', lambda: 'does not let the NIC have the address '
             '02:00:00:00:00:77' in lab.log(lab.guestp))
    lab.echoes('g', HOST)
    lab.echoes('h', GUEST)


def link_local(mac):
    b = [int(x, 16) for x in mac.split(':')]
    b[0] ^= 2
    words = [b[0] << 8 | b[1], b[2] << 8 | 0xff, 0xfe00 | b[3],
             b[4] << 8 | b[5]]
    return 'fe80::' + ':'.join(f'{w:x}' for w in words)


@pytest.mark.parametrize('first', ['host', 'guest'])
def test_address_before_the_first_frame(lab, first):
    """hn0's IPv6 address is of the NIC's MAC; no frame has another source."""
    lab.netns('g')
    if first == 'host':
        lab.host(lab.tap_spec())
    lab.guest(up=False)
    if first == 'guest':
        lab.wait('interface', lambda: lab.run(
            'g', 'ip link show hn0', check=False).returncode == 0)
        lab.run('g', 'ip link set hn0 up')
        time.sleep(1)
        assert 'fe80' not in lab.run('g', 'ip -6 addr show hn0').stdout
        lab.host(lab.tap_spec())
    lab.wait('attach', lambda: lab.guest_up('hn0'))
    want = link_local(address(lab, 'g', 'hn0'))
    lab.wait('an address', lambda: 'fe80' in lab.run(
        'g', 'ip -6 addr show hn0').stdout)
    time.sleep(0.5)
    text = lab.run('g', 'ip -6 addr show hn0').stdout
    assert text.count('fe80') == 1 and want in text
    assert total(lab.stat('hvhost0'), 'drop_source') == 0

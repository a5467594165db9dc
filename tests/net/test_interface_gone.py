# SPDX-License-Identifier: BSD-2-Clause
"""The TAP of a guest or a host is deleted or moved under it, and comes back."""
import time

import pytest

from lab import cpu_seconds

ENDS = {'guest': ('g', 'hn0', 1), 'host': ('h', 'hvhost0', 2)}


def interface(lab, end):
    s = [x for x in lab.stat(ENDS[end][1]) if x['kind'] == end][0]
    return (s if end == 'guest' else s['nics'][0])['interface']


def read(lab, ns, ifname, what):
    return lab.run(ns, f'cat /sys/class/net/{ifname}/{what}',
                   check=False).stdout.strip()


@pytest.mark.parametrize('end', ['guest', 'host'])
def test_deleted_and_made_again(lab, end):
    ns, ifname, n = ENDS[end]
    lab.pair(queues=4, vps=4, mtu=2000)
    p = lab.guestp if end == 'guest' else lab.hostp
    mac = read(lab, ns, ifname, 'address')
    # Another one takes the name at once, and keeps it for a while.
    batch = f'{lab.dir}/batch'
    with open(batch, 'w') as f:
        f.write(f'link del {ifname}\nlink add {ifname} type bridge\n')
    lab.run(ns, f'ip -batch {batch}')
    lab.wait('deleted', lambda: interface(lab, end) == 'deleted')
    lab.wait('reason', lambda: 'another one has its name' in lab.log(p))
    if end == 'host':
        lab.wait('no carrier', lambda: read(lab, 'g', 'hn0', 'carrier') == '0')
    before = cpu_seconds(p.pid)
    time.sleep(2.5)
    assert cpu_seconds(p.pid) - before < 1
    lab.run(ns, f'ip link del {ifname}')
    lab.wait('back', lambda: interface(lab, end) == 'there')
    lab.wait('carrier', lambda: read(lab, ns, ifname, 'carrier') == '1' and
             read(lab, 'g', 'hn0', 'carrier') == '1')
    assert read(lab, ns, ifname, 'mtu') == '2000'
    if end == 'guest':
        assert read(lab, ns, ifname, 'address') == mac
    lab.address(ns, ifname, n)
    lab.run('g', 'ip neigh flush all')
    lab.ready()
    assert lab.copy('g', 'h', '10.7.0.2', 8)
    log = lab.log(p)
    for words in ('the interface was deleted', 'another one has its name',
                  'the interface was made again'):
        assert log.count(words) == 1, log


@pytest.mark.parametrize('end', ['guest', 'host'])
def test_moved(lab, end):
    ns, ifname, n = ENDS[end]
    lab.pair()
    p = lab.guestp if end == 'guest' else lab.hostp
    lab.run(ns, f'ip link set {ifname} netns {lab.netns("c")}')
    lab.wait('moved', lambda: interface(lab, end) == 'moved')
    lab.address('c', ifname, n)
    other = 'h' if end == 'guest' else 'g'
    lab.run(other, 'ip neigh flush all')
    lab.ready(other, f'10.7.0.{n}')
    assert read(lab, 'c', ifname, 'carrier') == '1'
    lab.run('c', f'ip link set {ifname} netns {lab.netns(ns)}')
    lab.wait('back', lambda: interface(lab, end) == 'there')
    log = lab.log(p)
    for words in ('was moved to another', 'is back from the other'):
        assert log.count(words) == 1, log
    assert 'deleted' not in log

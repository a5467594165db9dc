# SPDX-License-Identifier: BSD-2-Clause
"""A Linux namespace behind the guest: the guest forwards, nothing breaks.

Partial checksums must be completed and coalesced frames cut again on the way,
so the far end sees no bad checksum and no frame above its MTU.
"""
import re

import pytest

HOST, FAR = '10.7.0.2', '10.9.0.2'


def routed(lab, **spec):
    lab.pair(**spec)
    far = lab.netns('f')
    lab.run('g', f'ip link add up0 type veth peer name far0 netns {far}')
    lab.run('g', 'ip addr add 10.9.0.1/24 dev up0')
    lab.run('g', 'ip link set up0 up')
    lab.run('f', f'ip addr add {FAR}/24 dev far0')
    lab.run('f', 'ip link set far0 up')
    lab.run('f', 'ip route add default via 10.9.0.1')
    lab.run('h', 'ip route add 10.9.0.0/24 via 10.7.0.1')
    lab.run('g', 'sysctl -qw net.ipv4.ip_forward=1')
    # A wire that takes no half-made frames: checksums and sizes must be real.
    for ns, dev in (('g', 'up0'), ('f', 'far0')):
        lab.run(ns, f'ethtool -K {dev} tx off tso off gso off gro off rx off')


@pytest.mark.parametrize('spec', [{}, {'rsc': 'off'},
                                  {'rxcsum': 'complete'}],
                         ids=['all', 'no-rsc', 'complete'])
def test_forwarding(lab, spec):
    routed(lab, **spec)
    lab.ready('h', FAR)
    cap = lab.start('f', 'tcpdump -i far0 -w - -U -s 0 -c 4000 tcp',
                    'cap')
    lab.wait('capture', lambda: 'listening' in lab.log(cap), 5)
    assert lab.copy('h', 'f', FAR, 16)
    assert lab.copy('f', 'h', HOST, 16)
    lab.end(cap, quiet=True)
    counters = lab.run('f', 'nstat -asz TcpInCsumErrors IpReasmFails')
    assert re.search(r'TcpInCsumErrors\s+0', counters.stdout)
    counters = lab.run('h', 'nstat -asz TcpInCsumErrors')
    assert re.search(r'TcpInCsumErrors\s+0', counters.stdout)
    longest = lab.run('f', ['ip', '-s', '-j', 'link', 'show', 'far0']).stdout
    stats = __import__('json').loads(longest)[0]['stats64']['rx']
    # 16 MiB in frames of at most 1514 bytes is more than 11,000 of them.
    assert stats['packets'] > 11000

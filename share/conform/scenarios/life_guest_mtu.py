# SPDX-License-Identifier: BSD-2-Clause
"""The guest's interface gets other MTUs while frames pass.

Holds: the guest attaches again where it has to, loses nothing but time, and
    works.
Rule: docs/protocol.md section 4, NDIS_CONFIG: the MTU is told at an attach.
Bug: FreeBSD r306390; DPDK 980b54aaa2 (what a change of the MTU leaked).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for mtu in (1400, 1500, 1300, 1500):
        s.flood(300, 56)
        s.ask(f'ip link set $IF mtu {mtu}')
        s.works(sizes=[0, 56, 1000, mtu - 60])
    s.honest()

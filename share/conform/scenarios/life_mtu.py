# SPDX-License-Identifier: BSD-2-Clause
"""The host changes the NIC's MTU, down, up to jumbo frames and back.

Holds: the guest follows, and frames as large as both can pass.
Rule: docs/protocol.md section 4, NDIS_CONFIG: the MTU is told at an attach.
Bug: FreeBSD r306390; DPDK 980b54aaa2 (what a change of the MTU leaked).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    first = s.device('guest_mtu')
    for mtu in (1280, 9000, 1500):
        s.set(f'mtu={mtu}')
        s.gone()
        s.up()
        # A guest may keep the one that it came with, if that is smaller.
        both = min(mtu, max(first, s.device('guest_mtu')))
        s.works(sizes=[0, 56, 1000, 1200, both - 48])
    s.honest()

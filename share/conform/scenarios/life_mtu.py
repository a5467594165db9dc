# SPDX-License-Identifier: BSD-2-Clause
"""The host changes the NIC's MTU, down, up to jumbo frames and back.

Holds: the guest follows, and frames of the new MTU pass.
Rule: docs/protocol.md section 4, NDIS_CONFIG: the MTU is told at an attach.
Bug: FreeBSD r306390; DPDK 980b54aaa2.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.set('mtu=1280')
    s.gone()
    s.works(sizes=[0, 56, 1000, 1200])
    s.set('mtu=1500')
    s.gone()
    s.works()
    s.honest()

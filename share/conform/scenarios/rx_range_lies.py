# SPDX-License-Identifier: BSD-2-Clause
"""Frames lie outside of the receive buffer, and packets have absurd counts.

Holds: the guest reads nothing there, stays alive, and works with the NIC
    offered anew.
Rule: docs/protocol.md section 3, ranges of type 7: within the receive buffer.
Bug: Linux 0ba35fe91ce3 and what came before it (ranges were believed).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for lie in ('range.offset=0xfffff000', 'range.bytes=0xfffff000',
                'range.count=0x10000000', 'range.count=0'):
        s.bend(f'RNDIS PACKET n=1: set {lie}; rescind')
        s.disturbed(1)
        s.works()

# SPDX-License-Identifier: BSD-2-Clause
"""Runts, frames of unknown protocols and with VLAN tags come to the guest.

Holds: the guest ignores what is not its own, and works.
Rule: docs/protocol.md section 5: a frame is what Ethernet says, no more.
Bug: DPDK f7654c8c13 (VLAN tags were read wrongly).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    to = bytes.fromhex(s.MAC.replace(':', ''))
    tags = [b'\x81\x00' + bytes([tci >> 8, tci & 255]) + b'\x86\xdd'
            for tci in (0x0000, 0x0001, 0x2fff, 0xefff)]
    for kind in (b'\x88\xb5', b'\x08\x00', b'\x86\xdd', b'\x00\x20', *tags):
        s.probe.frames(*((to, kind + bytes(n)) for n in
                         (0, 1, 2, 19, 39, 40, 45, 46, 47, 1400)))
        s.works()
    s.honest()

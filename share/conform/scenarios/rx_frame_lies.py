# SPDX-License-Identifier: BSD-2-Clause
"""The lengths and offsets in RNDIS packets lie.

Holds: the guest reads nothing beyond the packet, stays alive, and works with
    the NIC offered anew.
Rule: docs/protocol.md section 5, PACKET: data and information lie within it.
Bug: Linux 44144185951a, 505e3f00c3f3 (offset and length were believed).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for lie in ('data_off=0xfffffff0', 'data_len=0xfffffff0',
                'ppi_off=0xfffffff0', 'ppi_len=0xfffffff0', 'u32@4=7'):
        s.bend(f'RNDIS PACKET n=1: set {lie}; rescind')
        s.disturbed(1)
        s.works()

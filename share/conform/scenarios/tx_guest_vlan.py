# SPDX-License-Identifier: BSD-2-Clause
"""The guest has a VLAN interface on the NIC.

Holds: tagged frames pass both ways with their tag, untagged ones as before.
Rule: docs/protocol.md section 5, per-packet information of the VLAN.
Bug: DPDK 06c968f9ba (a tag that was left in the frame), f7654c8c13.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.ask('ip link add link $IF name v5 type vlan id 5 && ip link set v5 up')
    with s.by_vlan(5):
        s.works(sizes=[0, 1, 56, 1000, 1440])
    s.works()
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The host takes the NIC back and offers it again while frames pass.

Holds: the guest lets go in the middle of its work, and works again.
Rule: docs/protocol.md section 2, RESCIND_OFFER, RELID_RELEASED.
Bug: OpenVMM #1815.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for n in (1, 7, 40):
        s.bend(f'RNDIS PACKET n={n}: rescind')
        s.disturbed(1, burst=100)
        s.works()
    s.honest()

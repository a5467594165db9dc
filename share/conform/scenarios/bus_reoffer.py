# SPDX-License-Identifier: BSD-2-Clause
"""The host takes a working NIC back and offers it again, five times.

Holds: the guest lets go each time, attaches again and works.
Rule: docs/protocol.md section 2, RESCIND_OFFER, RELID_RELEASED.
Bug: OpenVMM #1815.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for mtu in (1400, 1500, 1400, 1500, 1400):
        # Another MTU is told by an offer of the NIC anew.
        s.set(f'mtu={mtu}')
        s.gone()
        s.works(sizes=[0, 56, 1000, 1300])
    s.honest()

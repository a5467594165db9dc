# SPDX-License-Identifier: BSD-2-Clause
"""The host takes the NIC back instead of opening its channel.

Holds: the guest lets go of the NIC, and works when it is offered again.
Rule: docs/protocol.md section 2, RESCIND_OFFER.
Bug: Linux 6f3d791f3006 (handling of a rescind while the channel opens).
"""


def story(s):
    s.host('''
        guest VMBUS OPEN_CHANNEL n=1: drop; rescind
        ''')
    s.guest()
    s.happens(1)
    s.works()
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The host takes the NIC back when it has just offered sub-channels.

Holds: the guest lets go of channels that it has not opened yet, and works
    when the NIC is offered again.
Rule: docs/protocol.md section 2, RESCIND_OFFER.
Bug: Linux e0526ec5360a (a removal waited for ever for sub-channels that were
    not open).
"""


def story(s):
    s.host('''
        guest VMBUS OPEN_CHANNEL n=2: drop; rescind
        VMBUS OFFER_CHANNEL subchan=1 n=2: rescind
        ''', queues=4)
    s.guest()
    s.works()
    s.happened(1)
    s.works()
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The host grants the request for sub-channels, but none of them.

Holds: the guest works with its first channel and waits for no other.
Rule: docs/protocol.md section 4, SUBCHAN: count is what is granted.
Bug: linux-hyperv mail of 2020-11-18 (a wait for channels that do not come).
"""


def story(s):
    s.host('''
        NVSP SUBCHAN: set count=0
        VMBUS OFFER_CHANNEL subchan=1: drop
        VMBUS OFFER_CHANNEL subchan=2: drop
        VMBUS OFFER_CHANNEL subchan=3: drop
        ''', queues=4)
    s.guest()
    s.works()
    s.happened(1)
    s.must(s.device('queues') == 1, 'one channel is open')
    s.honest()

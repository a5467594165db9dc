# SPDX-License-Identifier: BSD-2-Clause
"""The host grants no sub-channel: the answer says that it failed.

Holds: the guest works with its first channel.
Rule: docs/protocol.md section 4, SUBCHAN.
Bug: linux-hyperv mail of 2020-11-18; OpenVMM #2430.
"""


def story(s):
    s.host('''
        NVSP SUBCHAN: set status=2 count=0
        VMBUS OFFER_CHANNEL subchan=1: drop
        VMBUS OFFER_CHANNEL subchan=2: drop
        VMBUS OFFER_CHANNEL subchan=3: drop
        ''', queues=4)
    s.guest()
    s.works()
    s.happened(1)
    s.must(s.device('queues') == 1, 'one channel is open')
    s.honest()

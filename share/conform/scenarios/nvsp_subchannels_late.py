# SPDX-License-Identifier: BSD-2-Clause
"""The offers of sub-channels come a second after the answer that grants them.

Holds: the guest works at once or then, with all its channels in the end.
Rule: docs/protocol.md section 4, SUBCHAN: offers have no order with the answer.
Bug: none known.
"""


def story(s):
    s.host('''
        VMBUS OFFER_CHANNEL subchan=1: wait 1s
        VMBUS OFFER_CHANNEL subchan=2: wait 1s
        ''', queues=3)
    s.guest()
    s.works()
    s.happened(1)
    s.wait('three channels are open', lambda: s.device('queues') == 3)
    s.works()
    s.honest()

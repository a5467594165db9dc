# SPDX-License-Identifier: BSD-2-Clause
"""The offers ask for no dedicated interrupt: the guest may mark a shared page.

Holds: whatever the guest marks there, it signals the channel, and works.
Rule: docs/protocol.md section 2, OFFER_CHANNEL: dedicated_interrupt.
Bug: none known.
"""


def story(s):
    s.host('VMBUS OFFER_CHANNEL: set dedicated=0')
    s.guest()
    s.works()
    s.happened(1)
    s.works(sizes=[56] * 100)
    s.honest()

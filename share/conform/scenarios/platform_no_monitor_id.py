# SPDX-License-Identifier: BSD-2-Clause
"""The offers name no monitor id: 255, and not allocated.

Holds: the guest signals in another way, and works.
Rule: docs/protocol.md section 2, OFFER_CHANNEL: bit 0 of monitor_allocated.
Bug: DPDK 8e4a1b88e1 and fb4bff96be (a channel without it could not be used).
"""


def story(s):
    s.host('VMBUS OFFER_CHANNEL: set monitor_allocated=0 monitor_id=255 '
           'flags=1')
    s.guest()
    s.works()
    s.happened(1)
    s.works(sizes=[56] * 100)
    s.honest()

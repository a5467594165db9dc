# SPDX-License-Identifier: BSD-2-Clause
"""The host completes nothing for a while, so sections, slots and ring fill.

Holds: the guest stops its queues when there is no room, and starts them again.
Rule: docs/protocol.md section 3; docs/ring.md, pending_send.
Bug: Linux 93aa4792c390 (a queue that stopped as the last completion came was
    never woken).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for _ in range(2):
        # No host sends a KEEPALIVE of its own: they wait until the bend ends.
        s.bend('NVSP RNDIS_DONE: until RNDIS KEEPALIVE')
        s.must(s.flood(7000) > 20, 'the guest sends while there is room')
        s.straight()
        s.alive()
        s.works()
    s.works(sizes=[56] * 200)
    s.honest()

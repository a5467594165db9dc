# SPDX-License-Identifier: BSD-2-Clause
"""The host completes what the guest sends only after a while, so rooms fill.

Holds: the guest waits for room, drops nothing in silence and sends on.
Rule: docs/protocol.md section 3; docs/ring.md.
Bug: Linux 93aa4792c390 (a queue that was never woken).
"""


def story(s):
    s.host('NVSP RNDIS_DONE: wait 20ms')
    s.guest()
    s.works(sizes=[56] * 200)
    s.happened(1)
    s.honest()

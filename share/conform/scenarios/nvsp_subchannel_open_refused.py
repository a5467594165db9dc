# SPDX-License-Identifier: BSD-2-Clause
"""The host refuses to open a sub-channel.

Holds: the guest works with its other channels.
Rule: docs/protocol.md section 2, OPEN_RESULT: a status other than 0.
Bug: Linux 6.1 and 6.12 send by it all the same (docs/results/conform.md).
"""


def story(s):
    # The host refuses what it is asked then: a ring that nobody shared.
    s.host('guest VMBUS OPEN_CHANNEL n=2: set u32@16=0xffffff', queues=4)
    s.guest()
    s.works()
    s.happened(1)
    s.works(sizes=[56] * 100)
    s.honest(but='GPADL_ID')

# SPDX-License-Identifier: BSD-2-Clause
"""The host refuses to open a sub-channel.

Holds: the guest works with its other channels.
Rule: docs/protocol.md section 2, OPEN_RESULT: a status other than 0.
Bug: none known.
"""


def story(s):
    s.host('VMBUS OPEN_RESULT n=2: set status=0x8000ffff', queues=4)
    s.guest()
    s.works()
    s.happened(1)
    s.works(sizes=[56] * 100)
    # The host itself has opened it, and so still needs the ring's memory.
    s.honest(but='GPADL_BUSY')

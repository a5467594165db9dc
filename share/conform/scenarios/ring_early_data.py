# SPDX-License-Identifier: BSD-2-Clause
"""OPEN_RESULT comes late, so packets may be there before the guest knows it.

Holds: the guest takes what is there when it opens, and works.
Rule: docs/protocol.md section 2, OPEN_RESULT.
Bug: Linux 9448ccd85336 (an interrupt that came before NAPI was on was lost,
    and the queue stood still).
"""


def story(s):
    s.host('VMBUS OPEN_RESULT n=2..: wait 500ms', queues=4)
    s.guest()
    s.works()
    s.happened(1)
    s.honest()

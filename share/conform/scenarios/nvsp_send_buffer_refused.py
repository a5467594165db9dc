# SPDX-License-Identifier: BSD-2-Clause
"""The host refuses the send buffer, once, and offers the NIC anew.

Holds: the guest does without it or lets go, and works in the end.
Rule: docs/protocol.md section 4, SEND_BUF_DONE: it is optional.
Bug: DPDK 7971a129ef (an attach that failed leaked channel and memory).
"""


def story(s):
    s.host('NVSP SEND_BUF_DONE n=1: set status=2; rescind')
    s.guest()
    s.works()
    s.happened(1)
    s.honest()

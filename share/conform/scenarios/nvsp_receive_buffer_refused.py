# SPDX-License-Identifier: BSD-2-Clause
"""The host refuses the receive buffer, once.

Holds: the guest takes its memory back only when the host has let go of it,
    stays alive, and works when the host offers the NIC again.
Rule: docs/protocol.md section 4, RECV_BUF_DONE: a status other than 1.
Bug: DPDK 7971a129ef (an attach that failed leaked channel and memory).
"""


def story(s):
    s.host('NVSP RECV_BUF_DONE n=1: set status=2; rescind')
    s.guest()
    s.happens(1)
    s.works()
    s.honest()

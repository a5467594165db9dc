# SPDX-License-Identifier: BSD-2-Clause
"""Every answer of the VMBus server takes 300 ms.

Holds: the guest waits for each answer and works.
Rule: docs/protocol.md section 2; FreeBSD vmbus.c waits without a limit,
    Linux 5 s and more.
Bug: DPDK d564751748 (an attach that ended because an answer was slow).
"""


def story(s):
    s.host('''
        VMBUS VERSION_RESPONSE: wait 300ms
        VMBUS GPADL_CREATED: wait 300ms
        VMBUS OPEN_RESULT: wait 300ms
        ''')
    s.guest()
    s.works()
    s.happened(3)
    s.honest()

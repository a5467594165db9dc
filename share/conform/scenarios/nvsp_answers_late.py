# SPDX-License-Identifier: BSD-2-Clause
"""The answers to NVSP requests take 300 ms.

Holds: the guest waits for each and works.
Rule: docs/protocol.md section 4.
Bug: DPDK d564751748.
"""


def story(s):
    s.host('''
        NVSP INIT_DONE: wait 300ms
        NVSP RECV_BUF_DONE: wait 300ms
        NVSP SEND_BUF_DONE: wait 300ms
        NVSP SUBCHAN: wait 300ms
        ''')
    s.guest()
    s.works()
    s.happened(2)
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""Answers to queries lie beyond their message.

Holds: the guest reads nothing there, stays alive, and works with the NIC
    offered anew.
Rule: docs/protocol.md section 5, QUERY reply: info_off counts from byte 8, and
    info lies within the message.
Bug: Linux 44144185951a, 505e3f00c3f3 (offset and length were believed).
"""


def story(s):
    s.host('''
        RNDIS QUERY_DONE n=1: set info_off=0xfffffff0; rescind
        RNDIS QUERY_DONE n=3: set info_len=0x7fffffff; rescind
        RNDIS QUERY_DONE n=6: set u32@4=0xfffffff0; rescind
        ''')
    s.guest()
    s.happens(1)
    s.happens(2)
    s.happens(3)
    s.works()

# SPDX-License-Identifier: BSD-2-Clause
"""The host refuses to open the first channel, once.

Holds: the guest stays alive, and works when the host offers the NIC again.
Rule: docs/protocol.md section 2, OPEN_RESULT; Linux drivers/hv/channel.c,
    __vmbus_open.
Bug: CVE-2024-36911 is its neighbour: pages freed that the host may still
    have.
"""


def story(s):
    s.host('''
        VMBUS OPEN_RESULT n=1: set status=0x8000ffff; rescind
        ''')
    s.guest()
    s.happens(1)
    s.works()
    s.honest()

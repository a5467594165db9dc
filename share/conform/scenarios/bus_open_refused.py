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
    refused = s.between('OPEN_RESULT .*status=(?!ok)', 'OFFER_CHANNEL')
    s.must(not any('guest -> host NVSP' in x for x in refused),
           'the guest sends nothing in a channel that was refused')
    # The host itself has opened it, and so still needs the ring's memory.
    s.honest(but='GPADL_BUSY')

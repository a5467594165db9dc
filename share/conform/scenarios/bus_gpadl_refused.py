# SPDX-License-Identifier: BSD-2-Clause
"""The host refuses the memory of the first ring, once.

Holds: the guest gives nothing to the host that was refused, stays alive, and
    works when the host offers the NIC again.
Rule: docs/protocol.md section 2, GPADL_CREATED; OpenVMM vmbus_server.
Bug: CVE-2024-36911 (netvsc, DMA memory given back while still shared).
"""


def story(s):
    s.host('''
        VMBUS GPADL_CREATED n=1: set status=0xc0000001; rescind
        ''')
    s.guest()
    s.happens(1)
    s.works()
    refused = s.between('GPADL_CREATED .*status=(?!ok)', 'OFFER_CHANNEL')
    s.must(not any('OPEN_CHANNEL' in x for x in refused),
           'the guest opens no channel with memory that was refused')
    s.honest()

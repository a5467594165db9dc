# SPDX-License-Identifier: BSD-2-Clause
"""The host takes the NIC back while the guest shares its receive buffer.

Holds: the guest lets go of the NIC, and works when it is offered again.
Rule: docs/protocol.md section 2, RESCIND_OFFER and GPADL_CREATED.
Bug: OpenVMM #3959 (a GPADL under way when the offer went).
"""


def story(s):
    s.host('''
        guest VMBUS GPADL_HEADER n=2: rescind
        VMBUS GPADL_CREATED n=2: until VMBUS RESCIND_OFFER
        ''')
    s.guest()
    s.happens(1)
    s.works()
    s.honest()

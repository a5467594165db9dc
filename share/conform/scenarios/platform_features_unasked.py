# SPDX-License-Identifier: BSD-2-Clause
"""The host grants features of VMBus 6.0 that the guest did not ask for.

Holds: the guest uses none of them, or asks for an older version, and works.
Rule: docs/protocol.md section 2, VERSION_RESPONSE: granted of what was wanted.
Bug: none known.
"""


def story(s):
    s.host('VMBUS VERSION_RESPONSE supported=1: set u32@16=0x1f')
    s.guest()
    s.works()
    s.needs(s.said('INITIATE_CONTACT version=6.0'), 'it speaks no VMBus 6.0')
    s.happened(1)
    s.honest()

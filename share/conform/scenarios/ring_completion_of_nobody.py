# SPDX-License-Identifier: BSD-2-Clause
"""The host completes packets that the guest never sent.

Holds: the guest finds that the id is nobody's, ignores it or starts over, and
    works.
Rule: docs/protocol.md section 3: a completion has the xact of its packet.
Bug: Linux, the requestor series of 2020 (an id was a pointer to memory).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.bend('NVSP RNDIS_DONE n=1..3: set packet.xact=0x7ff5ffff0000')
    s.disturbed(3)
    s.works()
    s.honest()

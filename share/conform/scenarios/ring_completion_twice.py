# SPDX-License-Identifier: BSD-2-Clause
"""The host completes three of the guest's packets twice.

Holds: the guest frees nothing twice: it ignores the second, or starts over,
    and works.
Rule: docs/protocol.md section 3: one completion for each packet.
Bug: Linux, the requestor series of 2020 (an id was a pointer to memory).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.bend('NVSP RNDIS_DONE n=1..3: twice')
    s.disturbed(3)
    s.works(sizes=[56] * 200)
    s.works()
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""Completions of what the guest sent come in another order.

Holds: the guest finds each by its transaction id, and works.
Rule: docs/protocol.md section 3: a completion names its packet by xact.
Bug: Linux, the requestor series of 2020 (ids, not pointers or order).
"""


def story(s):
    s.host('NVSP RNDIS_DONE: swap')
    s.guest()
    s.works(sizes=[56] * 100)
    s.happened(1)
    s.honest()

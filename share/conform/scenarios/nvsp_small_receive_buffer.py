# SPDX-License-Identifier: BSD-2-Clause
"""The receive buffer has large sections, so there are few of them.

Holds: the guest takes the layout from the answer and works.
Rule: docs/protocol.md section 4, RECV_BUF_DONE: slot_bytes and slots.
Bug: none known.
"""


def story(s):
    s.host(section=65536)
    s.guest()
    s.works(sizes=[56] * 100)
    s.works()
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The guest answers datagrams of up to 60000 bytes, many frames each.

Holds: every fragment arrives, in whatever packets the guest puts them.
Rule: docs/protocol.md section 4, RNDIS: sections, ranges, or both.
Bug: Linux 41a6328b2c55 (data that crossed a page was sent from a wrong one).
"""


def story(s):
    s.host()
    s.guest()
    for size in (1453, 2900, 4095, 4097, 9000, 20000, 60000):
        s.works(sizes=[size] * 3)
    s.honest()

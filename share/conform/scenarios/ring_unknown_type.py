# SPDX-License-Identifier: BSD-2-Clause
"""A ring packet has a type that nobody knows.

Holds: the guest skips it, or starts over, and works.
Rule: docs/protocol.md section 3: types 6, 7, 9 and 11.
Bug: none known.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.bend('RNDIS INDICATE_STATUS n=1: set packet.type=85')
    s.set('speed=1G')
    s.wait('the packet came', lambda: s.done(1) > 0)
    s.works()
    s.honest()

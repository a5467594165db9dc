# SPDX-License-Identifier: BSD-2-Clause
"""The host interrupts the guest for every packet, needed or not.

Holds: an interrupt without news harms nothing, and the guest works.
Rule: docs/ring.md: a signal is a hint, the indexes say what is there.
Bug: none known.
"""


def story(s):
    s.host(args=['--signal', 'packet'])
    s.guest()
    s.works()
    s.flood(1000, 56)
    s.works()
    s.honest()

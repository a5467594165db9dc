# SPDX-License-Identifier: BSD-2-Clause
"""The host polls the guest's rings and wants no signals while it does.

Holds: the guest obeys the interrupt mask, signals when it is gone, and works.
Rule: docs/ring.md: who finds the mask set does not signal; the reader looks
    once more after it has cleared it.
Bug: none known.
"""


def story(s):
    s.host(args=['--poll', 'all', '--poll-time', '1000'])
    s.guest()
    for _ in range(5):
        s.works()
        s.flood(200, 56)
    s.works()
    s.honest()

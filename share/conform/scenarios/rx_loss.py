# SPDX-License-Identifier: BSD-2-Clause
"""Three in a hundred frames are lost each way.

Holds: what arrives is whole and comes once, and the guest goes on.
Rule: none: networks lose frames.
Bug: none known.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.set('loss=3%')
    answered = sum(s.flood(100) for _ in range(5))
    s.must(300 < answered < 500, f'some of 500 are answered: {answered}')
    s.set('loss=0%')
    s.works()
    s.honest()

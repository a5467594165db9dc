# SPDX-License-Identifier: BSD-2-Clause
"""Three in a hundred frames are lost each way.

Holds: what arrives is whole, and the guest goes on.
Rule: none: networks lose frames.
Bug: none known.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.set('loss=3%')
    s.alive()
    s.set('loss=0%')
    s.works()
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The host sends in-band messages of types that the guest cannot know.

Holds: the guest ignores them and works.
Rule: docs/protocol.md section 4: newer hosts have newer messages.
Bug: none known.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.bend('RNDIS INDICATE_STATUS: say ef000000 01000000 02000000 00000000')
    for speed in ('1G', '10G'):
        s.set(f'speed={speed}')
        s.works()
    s.wait('the host has said it twice', lambda: s.done(1) == 2)
    s.steady()
    s.honest()

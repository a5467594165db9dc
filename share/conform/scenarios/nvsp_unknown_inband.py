# SPDX-License-Identifier: BSD-2-Clause
"""The host sends in-band messages of types that the guest cannot know.

Holds: the guest ignores them and works.
Rule: docs/protocol.md section 4: newer hosts have newer messages.
Bug: none known.
"""


def story(s):
    s.host('NVSP RNDIS_DONE n=2..4: say ef000000 01000000 02000000 00000000')
    s.guest()
    s.works()
    s.happened(1)
    s.works()
    s.honest()

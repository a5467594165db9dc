# SPDX-License-Identifier: BSD-2-Clause
"""The host sends VMBus messages of types that the guest cannot know.

Holds: the guest ignores them and works.
Rule: docs/protocol.md section 2: newer hosts have newer messages.
Bug: none known.
"""


def story(s):
    s.host('''
        VMBUS ALL_OFFERS_DELIVERED: say 6300000000000000 0102030405060708
        VMBUS OPEN_RESULT: say 1e00000000000000
        ''')
    s.guest()
    s.works()
    s.happened(1)
    s.steady()
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The host indicates a status that the guest does not know, and an empty one.

Holds: the guest ignores it and works.
Rule: docs/protocol.md section 5, INDICATE_STATUS.
Bug: Linux 3946688edbc5 (the length of a status was believed).
"""


def story(s):
    s.host('''
        RNDIS INDICATE_STATUS: set status=0x40012345 info_len=0 info_off=0
        ''')
    s.guest()
    s.works()
    s.set('link=down')
    s.set('link=up')
    s.wait('the host indicated it', lambda: s.done(1) > 0)
    s.works()
    s.steady()
    s.honest()

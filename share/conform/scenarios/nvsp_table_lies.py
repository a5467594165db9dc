# SPDX-License-Identifier: BSD-2-Clause
"""Send tables begin beyond their message, or have too many entries.

Holds: the guest reads nothing beyond the message, and works.
Rule: docs/protocol.md section 4, SEND_TABLE: 16 entries within the message.
Bug: Linux 71f21959dd55 (the offset had no bound).
"""


def story(s):
    rest = ' 01000000' * 16
    s.host()
    s.guest()
    s.works()
    for head in ('10000000 f0ffffff', '10000000 40000000', 'ffffff3f 0c000000',
                 '00000000 0c000000'):
        s.bend(f'RNDIS INDICATE_STATUS n=1: say 86000000 {head}{rest}')
        s.set('speed=1G')
        s.set('speed=10G')
        s.wait('the host has told the table', lambda: s.done(1) > 0)
        s.works()
    s.honest()

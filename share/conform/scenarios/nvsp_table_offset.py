# SPDX-License-Identifier: BSD-2-Clause
"""The send table lies eight bytes later in its message than usual.

Holds: the guest reads it where the message says: all goes by channel 1.
Rule: docs/protocol.md section 4, SEND_TABLE: table_off counts from byte 0 of
    the message; in NVSP 6.1 it is right.
Bug: Linux 71f21959dd55 (it counted from another place), 171c1fd98df3.
"""


def sent(s):
    return [q['from_guest']['frames'] for q in s.nic()['queues']]


def story(s):
    table = '86000000 10000000 14000000' + ' 00000000' * 2 + ' 01000000' * 16
    s.host(f'RNDIS INDICATE_STATUS n=1: say {table}')
    s.guest()
    s.works()
    s.needs(s.device('nvsp') == '6.1' and s.device('queues') == 2,
            'it speaks an older NVSP, or has one channel')
    s.set('speed=1G')
    s.wait('the host has told the table', lambda: s.done(1) > 0)
    s.works()
    before = sent(s)
    s.works(sizes=[56] * 100)
    first, second = (b - a for a, b in zip(before, sent(s)))
    s.must(second >= 300 and first < 30,
           f'frames by channel 1, not 0 (by 0: {first}, by 1: {second})')
    s.honest()

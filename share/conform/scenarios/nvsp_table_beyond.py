# SPDX-License-Identifier: BSD-2-Clause
"""The send table names channels that the guest does not have.

Holds: the guest sends on channels that it has, and works.
Rule: docs/protocol.md section 4, SEND_TABLE; Linux netvsc_send_table.
Bug: none known.
"""


def story(s):
    table = '86000000 10000000 0c000000' + ' 2a000000' * 16
    s.host()
    s.guest()
    s.works()
    s.bend(f'RNDIS INDICATE_STATUS n=1: say {table}')
    s.set('speed=1G')
    s.wait('the host has told the table', lambda: s.done(1) > 0)
    s.works(sizes=[56] * 50)
    s.works()
    s.steady()
    s.honest()

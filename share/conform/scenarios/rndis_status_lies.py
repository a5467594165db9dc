# SPDX-License-Identifier: BSD-2-Clause
"""The information of status indications lies beyond the message.

Holds: the guest reads nothing there, and works.
Rule: docs/protocol.md section 5, INDICATE_STATUS: info_off counts from byte 8.
Bug: Linux 3946688edbc5 (a link speed was read where the offset said).
"""


def story(s):
    s.host('''
        RNDIS INDICATE_STATUS n=1: set info_off=0xfffffff0
        RNDIS INDICATE_STATUS n=2: set info_len=0x7fffffff
        RNDIS INDICATE_STATUS n=3: set u32@4=0x0000ffff
        ''')
    s.guest()
    s.works()
    for i, speed in enumerate(('1G', '10G', '100M')):
        s.set(f'speed={speed}')
        s.wait('the host has indicated it', lambda k=i: s.done(k + 1) > 0)
        s.works()
    s.honest()

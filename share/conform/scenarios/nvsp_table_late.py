# SPDX-License-Identifier: BSD-2-Clause
"""The host tells its send table a second after all channels are open.

Holds: the guest sends without it at first, takes it when it comes, and works.
Rule: docs/protocol.md section 4, SEND_TABLE: taken at any time.
Bug: none known.
"""


def story(s):
    s.host('NVSP SEND_TABLE: wait 1s', queues=4)
    s.guest()
    s.works()
    s.happened(1)
    s.wait('the table has come', lambda: s.said('NVSP  SEND_TABLE'))
    s.works(sizes=[56] * 50)
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The guest is told to use smaller and larger buffers.

Holds: it shares the new ones, gets the old ones back, and works.
Rule: docs/protocol.md section 4, RECV_BUF and SEND_BUF, and their revokes.
Bug: none known; LISA has a test of it.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for rx, tx in ((500, 100), (3000, 500), (1000, 192)):
        s.ask(f'ethtool -G $IF rx {rx} tx {tx}')
        s.works()
        s.flood(1000, 56)
        s.works()
    s.honest()

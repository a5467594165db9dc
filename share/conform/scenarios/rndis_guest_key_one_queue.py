# SPDX-License-Identifier: BSD-2-Clause
"""The guest of a NIC with one channel is told to use another RSS key.

Holds: it refuses or obeys, stays alive, and works.
Rule: docs/protocol.md section 6: one queue needs no RSS parameters.
Bug: Linux d23564955811 (a table that a NIC with one channel does not have).
"""


def story(s):
    s.host(queues=1)
    s.guest()
    s.works()
    key = ':'.join(f'{(i * 7) & 255:02x}' for i in range(40))
    s.ask(f'ethtool -X $IF hkey {key}', may_fail=True)
    s.works()
    s.ask('ethtool -x $IF', may_fail=True)
    s.works()
    s.honest()

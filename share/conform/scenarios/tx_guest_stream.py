# SPDX-License-Identifier: BSD-2-Clause
"""The guest sends 20 MB by TCP, with the largest segments that the host takes.

Holds: every byte arrives, in order and unchanged.
Rule: docs/protocol.md section 5, LSO information; docs/offloads.md.
Bug: OpenVMM #3128, #3730 (header fields that guests leave at zero with LSO).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for nic in ('tso=on', 'tso=off'):
        s.set(nic)
        s.works()
        s.stream(to_guest=False, megabytes=20)
    s.works()
    s.honest()

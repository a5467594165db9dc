# SPDX-License-Identifier: BSD-2-Clause
"""The guest's interface is set down and up, four times.

Holds: it works again each time.
Rule: docs/protocol.md section 7: the packet filter is set last, and to 0 first.
Bug: OpenVMM #1949, #2232 (frames came before the filter, or after it).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for _ in range(4):
        s.ask('ip link set $IF down; ip link set $IF up')
        s.works()
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The guest gets 20 MB by TCP, coalesced by the host where it takes that.

Holds: every byte arrives, in order and unchanged.
Rule: docs/protocol.md section 5, place of a fragment in its frame (RSC).
Bug: Linux 12bc8dfb83b5 (the count of fragments was kept after a packet that
    failed).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for nic in ('rsc=on', 'rsc=off'):
        s.set(nic)
        s.works()
        s.stream(to_guest=True, megabytes=20)
    s.works()
    s.honest()

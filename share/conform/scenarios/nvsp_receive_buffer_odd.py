# SPDX-License-Identifier: BSD-2-Clause
"""The sections of the receive buffer have a length that nothing divides.

Holds: the guest takes the layout from the answer, and works.
Rule: docs/protocol.md section 4, RECV_BUF_DONE: slot_bytes is the host's.
Bug: none known.
"""


def story(s):
    # Ours puts them at multiples of 8; what the guest is told is less.
    s.host('NVSP RECV_BUF_DONE: set slot_bytes=1913', section=1920)
    s.guest()
    s.works(sizes=[56, 999, 1444] * 100)
    s.works()
    s.honest()

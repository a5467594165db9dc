# SPDX-License-Identifier: BSD-2-Clause
"""The guest sends frames of every size up to the MTU.

Holds: each arrives once and unchanged, wherever in ring and sections it lies.
Rule: docs/protocol.md sections 3 and 5: lengths are exact, padding is none of
    the frame.
Bug: OpenVMM #968 (frames that were cut at the end of a fragment).
"""


def story(s):
    s.host()
    s.guest()
    for first in range(17):
        s.works(sizes=range(first, 1445, 17))
    s.honest()

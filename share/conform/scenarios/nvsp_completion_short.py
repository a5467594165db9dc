# SPDX-License-Identifier: BSD-2-Clause
"""Three completions of frames have no message in them.

Holds: the guest reads nothing beyond them, and works.
Rule: docs/protocol.md section 4, RNDIS_DONE: eight bytes.
Bug: Linux before dca5161f9bd0 did not look at length and status.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.bend('NVSP RNDIS_DONE n=1..3: cut 0')
    s.disturbed(3)
    s.works()
    s.honest()

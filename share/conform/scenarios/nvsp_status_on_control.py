# SPDX-License-Identifier: BSD-2-Clause
"""The host says of RNDIS control messages that they failed, and answers them.

Holds: the guest attaches or tries again; it does not wait without end.
Rule: docs/protocol.md section 4, RNDIS_DONE; the answer is an RNDIS message.
Bug: Linux before dca5161f9bd0 (the status was not looked at).
"""


def story(s):
    s.host('NVSP RNDIS_DONE n=2..3: set status=2')
    s.guest()
    s.works()
    s.happened(1)
    s.honest()

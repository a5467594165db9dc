# SPDX-License-Identifier: BSD-2-Clause
"""The host reports that it could not take some of the guest's frames.

Holds: the guest counts them, takes their memory back, and sends on.
Rule: docs/protocol.md section 4, RNDIS_DONE: a status other than 1.
Bug: Linux before dca5161f9bd0 (the status was not looked at, so nobody saw
    that frames were lost).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.bend('NVSP RNDIS_DONE n=1..20000: set status=2')
    # Ours has memory for some 400 packets a queue, of up to four such frames.
    for _ in range(30):
        s.works(sizes=[1300] * 100)
    s.happened(1)
    s.honest()

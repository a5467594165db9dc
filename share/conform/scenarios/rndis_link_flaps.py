# SPDX-License-Identifier: BSD-2-Clause
"""The link goes down and up, 20 times, without a pause.

Holds: the guest ends with the link as it is, and works.
Rule: docs/protocol.md section 5, INDICATE_STATUS; OpenVMM netvsp.
Bug: none known; OpenVMM holds changes back for 5 s to spare guests.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for _ in range(20):
        s.set('link=down')
        s.set('link=up')
    s.works()
    s.honest()

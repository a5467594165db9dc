# SPDX-License-Identifier: BSD-2-Clause
"""The host grants one sub-channel, whatever the guest wants.

Holds: the guest works with the two channels that it has.
Rule: docs/protocol.md section 4, SUBCHAN; OpenVMM netvsp, subchannel request.
Bug: linux-hyperv mail of 2020-11-18; OpenVMM #2430.
"""


def story(s):
    s.host('guest NVSP SUBCHAN: set count=1', queues=4)
    s.guest()
    s.works()
    s.happened(1)
    s.must(s.device('queues') == 2, 'two channels are open')
    s.honest()

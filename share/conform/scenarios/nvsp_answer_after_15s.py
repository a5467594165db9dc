# SPDX-License-Identifier: BSD-2-Clause
"""The host is busy: the answer to RNDIS INIT takes 15 seconds.

Holds: the guest waits, or tries again, and works.
Rule: DPDK d564751748: a host's answer has no upper limit, 15 s were seen in
    Azure; Linux waits for ever.
Bug: DPDK d564751748 (it gave up after 5 s).
"""


def story(s):
    s.host('RNDIS INIT_DONE n=1: wait 15s')
    s.guest()
    s.happens(1)
    s.works()
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The host's write index is far beyond the ring, once.

Holds: the guest reads nothing there, stays alive, and works with the NIC
    offered anew.
Rule: docs/ring.md: a peer's index is checked at each load.
Bug: Linux 6.1 and 6.12 believe the index (docs/results/conform.md).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.bend('NVSP RNDIS_DONE n=1: index +0x10000000; rescind')
    s.disturbed(1)
    s.works()

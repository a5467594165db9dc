# SPDX-License-Identifier: BSD-2-Clause
"""The host wants to be signalled by monitor pages, not by hypercalls.

Holds: the guest sets the bit of its channel, the host finds it, all works.
Rule: docs/protocol.md section 1.4 and OFFER_CHANNEL, monitor_allocated.
Bug: none known.
"""


def story(s):
    s.host(args=['--monitor'])
    s.guest()
    s.works()
    s.works(sizes=[56] * 100)
    s.honest()

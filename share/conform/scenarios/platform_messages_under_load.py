# SPDX-License-Identifier: BSD-2-Clause
"""VMBus messages come between many interrupts of the channels.

Holds: the guest loses neither, and works.
Rule: docs/protocol.md section 1: messages and event flags share an interrupt.
Bug: Linux f8e6343b7a89 (with PREEMPT_RT both were served where sleeping locks
    are forbidden: run this with such a kernel).
"""


def story(s):
    s.host(args=['--signal', 'packet'])
    s.guest()
    s.works()
    for mtu in (1400, 1500, 1400):
        s.flood(500, 56)
        s.set('link=down')
        s.set('link=up')
        s.set(f'mtu={mtu}')
        s.gone()
        s.works(sizes=[0, 56, 1000, 1300])
    s.honest()

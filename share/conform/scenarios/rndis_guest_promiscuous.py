# SPDX-License-Identifier: BSD-2-Clause
"""The guest's interface becomes promiscuous, and is it no more.

Holds: the packet filter says so, and the guest works.
Rule: docs/protocol.md section 6, NDIS_FILTER_PROMISC.
Bug: none known.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for _ in range(3):
        s.ask('ip link set $IF promisc on')
        s.wait('the filter is promiscuous', lambda: 'promisc' in
               (s.device('filter') or ''))
        s.works()
        s.ask('ip link set $IF promisc off')
        s.wait('the filter is not', lambda: 'promisc' not in
               (s.device('filter') or ''))
        s.works()
    s.honest()

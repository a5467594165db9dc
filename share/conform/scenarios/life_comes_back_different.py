# SPDX-License-Identifier: BSD-2-Clause
"""The NIC goes and comes back as if on another host: queues, NVSP, offloads.

Holds: the guest forgets what the old NIC had, and works with what the new has.
Rule: docs/protocol.md section 2, RESCIND_OFFER; section 7: an attach asks anew.
Bug: OpenVMM #771 (a guest with a table for channels that are gone).
"""


def story(s):
    s.host(queues=4)
    s.guest()
    s.works()
    for nic in ({'queues': 1, 'nvsp': '5', 'hash': 'off', 'rsc': 'off'},
                {'queues': 2, 'mtu': 1400, 'tso': 'off', 'txcsum': 'off'},
                {'queues': 4, 'section': 65536}):
        s.remove_nic()
        s.gone()
        s.add_nic(**nic)
        s.works(sizes=[0, 56, 1000, 1300] * 10)
    s.honest()

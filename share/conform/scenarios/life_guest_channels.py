# SPDX-License-Identifier: BSD-2-Clause
"""The guest is told to use other numbers of channels while frames pass.

Holds: it has as many as it was told, and works.
Rule: docs/protocol.md section 4, SUBCHAN: count is the guest's wish.
Bug: DPDK cfd239bd7c (sub-channels that were never closed); OpenVMM #2821.
"""


def story(s):
    s.host(queues=4)
    s.guest()
    s.works()
    for n in (1, 2, 4, 1, 2):
        s.flood(300, 56)
        s.ask(f'ethtool -L $IF combined {n}')
        s.works()
        s.wait(f'it has {n} channels', lambda k=n: s.device('queues') == k)
        s.works()
    s.honest()

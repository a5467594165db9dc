# SPDX-License-Identifier: BSD-2-Clause
"""The host takes the NIC back for good; another of its address comes later.

Holds: the guest lets go at once, stays alive without a NIC, and works when
    one comes.
Rule: docs/protocol.md section 2, RESCIND_OFFER, RELID_RELEASED.
Bug: OpenVMM #3507.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for _ in range(2):
        s.remove_nic()
        s.gone()
        s.must(not s.stat()['nics'], 'the guest holds nothing')
        s.add_nic()
        s.works()
    s.honest()

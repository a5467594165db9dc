# SPDX-License-Identifier: BSD-2-Clause
"""The host takes the NIC back for good; a host of the same NIC comes later.

Holds: the guest lets go, waits or ends in order, and does not hang the host.
Rule: docs/protocol.md section 2, RESCIND_OFFER, RELID_RELEASED.
Bug: Linux e0526ec5360a; OpenVMM #3507.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.remove_nic()
    s.gone()
    s.must(not s.stat()['nics_leaving'], 'the guest holds nothing')

# SPDX-License-Identifier: BSD-2-Clause
"""Ring packets are longer, and shorter, than what was written.

Holds: the guest reads nothing beyond the ring, stays alive, and works with
    the NIC offered anew.
Rule: docs/protocol.md section 3: data_off8 and len8 are within what is there.
Bug: OpenVMM #3692; iPXE fe5f84549.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for lie in ('packet.len8=0xffff', 'packet.len8=0', 'packet.len8=1',
                'packet.off8=0xffff', 'packet.off8=0'):
        s.bend(f'NVSP RNDIS_DONE n=1: set {lie}; rescind')
        s.disturbed(1)
        s.works()

# SPDX-License-Identifier: BSD-2-Clause
"""The guest answers by TCP and UDP, whose checksums it may leave to the host.

Holds: the checksums are right, with offloads and without them.
Rule: docs/protocol.md section 5, checksum information; offloads.md.
Bug: OpenVMM #3234.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.refuses()
    s.remove_nic()
    s.gone()
    s.add_nic(txcsum='off', rxcsum='off', tso='off')
    s.works()
    s.refuses()
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The host does not tell which offloads it has.

Holds: the guest does without offloads and works.
Rule: docs/protocol.md section 5, OID_TCP_OFFLOAD_HW_CAPABILITIES.
Bug: none known.
"""


def story(s):
    s.host('RNDIS QUERY_DONE oid=TCP_OFFLOAD_HW_CAPABILITIES: '
           'set status=0xc00000bb info_len=0')
    s.guest()
    s.works()
    s.happened(1)
    s.honest()

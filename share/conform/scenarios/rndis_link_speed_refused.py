# SPDX-License-Identifier: BSD-2-Clause
"""The host does not know the link's speed.

Holds: the guest attaches without it and works.
Rule: docs/protocol.md section 5, QUERY: an OID may be NOT_SUPPORTED.
Bug: none known.
"""


def story(s):
    s.host('''
        RNDIS QUERY_DONE oid=GEN_LINK_SPEED: set status=0xc00000bb info_len=0
        ''')
    s.guest()
    s.works()
    s.happened(1)
    s.honest()

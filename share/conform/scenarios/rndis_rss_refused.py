# SPDX-License-Identifier: BSD-2-Clause
"""The host knows no RSS.

Holds: the guest works with one channel.
Rule: docs/protocol.md section 6, OID_GEN_RSS_CAPABILITIES; an OID may be
    NOT_SUPPORTED.
Bug: none known.
"""


def story(s):
    s.host('RNDIS QUERY_DONE oid=GEN_RSS_CAPABILITIES: '
           'set status=0xc00000bb info_len=0', queues=4)
    s.guest()
    s.works()
    s.happened(1)
    s.honest()

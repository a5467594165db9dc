# SPDX-License-Identifier: BSD-2-Clause
"""The host's RSS table has 16 entries.

Holds: the guest sets no more than 16, and works.
Rule: docs/protocol.md section 6, RSS capabilities: entries.
Bug: Linux before 4cab498f33f7 (128 entries, whatever the host had).
"""
import re


def story(s):
    s.host('RNDIS QUERY_DONE oid=GEN_RSS_CAPABILITIES: set u16@40=16',
           queues=4)
    s.guest()
    s.works()
    s.happened(1)
    tables = [re.search(r'entries=(\d+)', x) for x in
              s.said('RNDIS SET .*oid=GEN_RSS_PARAMETERS')]
    s.needs(tables, 'the guest sets no table')
    s.must(all(m is None or int(m[1]) <= 16 for m in tables),
           'the guest sets 16 entries or fewer')
    s.honest()

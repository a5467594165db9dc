# SPDX-License-Identifier: BSD-2-Clause
"""An answer comes whose request id is nobody's; later the NIC comes anew.

Holds: the guest does not take the stranger for its answer, stays alive, and
    works with the NIC offered anew.
Rule: docs/protocol.md section 5: an answer has the id of its request.
Bug: none known.
"""
import re


def story(s):
    s.host('''
        RNDIS QUERY_DONE n=2: set req_id=+4096; rescind
        ''')
    s.guest()
    s.happens(1)
    s.works()
    said = s.said('RNDIS')
    answer = [i for i, x in enumerate(said) if 'QUERY_DONE' in x][1]
    asked = re.search(r'oid=\w+', said[answer])[0]
    after = [x for x in said[answer:] if 'guest -> host' in x][0]
    s.must(asked in after or not re.search('RNDIS (QUERY|SET)', after),
           'the guest does not go on with an answer that is not its own')
    s.honest()

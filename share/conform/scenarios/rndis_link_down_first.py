# SPDX-License-Identifier: BSD-2-Clause
"""The link is down when the guest comes, and goes up later.

Holds: the guest attaches with the link down, and works when it is up.
Rule: docs/protocol.md section 5, OID_GEN_MEDIA_CONNECT_STATUS.
Bug: none known.
"""


def story(s):
    s.host(link='down')
    s.guest()
    s.wait('the guest has attached', lambda: s.device('filter') not in
           (None, 'none') or s.said('GEN_MEDIA_CONNECT_STATUS'))
    s.set('link=up')
    s.works()
    s.honest()

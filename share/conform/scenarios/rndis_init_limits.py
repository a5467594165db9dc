# SPDX-License-Identifier: BSD-2-Clause
"""The host takes one RNDIS message in a packet, aligned to 64 bytes.

Holds: the guest puts no two frames into a packet, and works.
Rule: docs/protocol.md section 5, INIT reply: max_packets, align_shift.
Bug: none known.
"""


def story(s):
    s.host('RNDIS INIT_DONE: set max_packets=1 align_shift=6')
    s.guest()
    s.works(sizes=[56] * 300)
    s.flood(2000, 56)
    s.works()
    for q in s.nic()['queues']:
        sent = q['from_guest']
        s.must(sent['frames'] <= sent['packets'], 'a frame in each packet')
    s.honest()

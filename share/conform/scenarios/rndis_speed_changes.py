# SPDX-License-Identifier: BSD-2-Clause
"""The speed of the link changes while frames pass.

Holds: the guest goes on and works.
Rule: docs/protocol.md section 5, status LINK_SPEED with the speed as info.
Bug: Linux 3946688edbc5 is its neighbour.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for speed in ('100M', '1G', '40G', '10G'):
        s.set(f'speed={speed}')
        s.works()
    s.wait('the host has indicated four', lambda:
           len(s.said('INDICATE_STATUS status=LINK_SPEED')) == 4)
    s.steady()
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The host says that the network behind the link is another one now.

Holds: the guest goes on with the link as it is, and works.
Rule: docs/protocol.md section 5, status NETWORK_CHANGE.
Bug: none known; Linux once ran a script of the distribution for it.
"""


def story(s):
    s.host('RNDIS INDICATE_STATUS: set status=0x40010018')
    s.guest()
    s.works()
    for speed in ('1G', '10G'):
        s.set(f'speed={speed}')
        s.works()
    s.wait('the host has indicated it twice', lambda: s.done(1) == 2)
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The host takes its offloads away while the guest uses them.

Holds: the guest does without those that are gone, and works.
Rule: docs/protocol.md section 5, status OFFLOAD_CONFIG; section 6,
    NDIS_OFFLOAD.
Bug: none known.
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    s.refuses()
    s.set('tso=off', 'txcsum=off', 'rxcsum=off', 'rsc=off')
    s.works()
    s.refuses()
    s.set('tso=on', 'txcsum=on', 'rxcsum=on', 'rsc=on')
    s.works()
    s.refuses()
    s.steady()
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The host verifies no checksums, coalesces nothing and gives no hash.

Holds: the guest checks by itself and works.
Rule: docs/protocol.md section 5, per-packet information is optional.
Bug: FreeBSD rS293719 (checksum information was expected).
"""


def story(s):
    s.host(rxcsum='off', rsc='off', hash='off', tso='off', txcsum='off')
    s.guest()
    s.works()
    s.honest()

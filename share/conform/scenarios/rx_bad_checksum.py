# SPDX-License-Identifier: BSD-2-Clause
"""Echo requests with a wrong checksum come, from a host that does not verify.

Holds: the guest answers none of them, and works.
Rule: docs/protocol.md section 5: no receive checksum information, no claim.
Bug: FreeBSD rS293719 (it took absent information for a good checksum).
"""


def story(s):
    s.host(rxcsum='off')
    s.guest()
    s.works()
    s.needs(s.probe.is_stack(), 'the guest is no IP stack')
    to = bytes.fromhex(s.MAC.replace(':', ''))
    for size in (0, 56, 1000):
        s.probe.frames(*((to, b'\x86\xdd' + s.probe.echo(size, wrong=n))
                         for n in (1, 0x100, 0x8000)))
        s.works()
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The host speaks only VMBus 4.0, older than the guest.

Holds: the guest steps down, version by version, until the host agrees, and
    works.
Rule: docs/protocol.md section 2, VERSION_RESPONSE; OpenVMM
    vmbus_server/src/channels.rs, initiate_contact.
Bug: Linux ec31dc39e835 is about the state that a failed connect leaves.
"""


def story(s):
    s.host(args=['--max-vmbus', '4.0'])
    s.guest()
    s.works()
    s.must(s.device('vmbus') in ('4.0', '3.0', '2.4', '1.1', '0.13'),
           'a version that both speak is in use')
    s.honest()

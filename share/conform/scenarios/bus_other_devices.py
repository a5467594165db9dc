# SPDX-License-Identifier: BSD-2-Clause
"""The host offers three devices that are no NICs, and takes one of them back.

Holds: the guest leaves them alone, releases the one that went, and works.
Rule: docs/protocol.md section 2, OFFER_CHANNEL: if_type says what it is;
    RESCIND_OFFER is answered by RELID_RELEASED.
Bug: none known.
"""
import struct


def offer(relid):
    kind = bytes.fromhex('00112233445566778899aabbccddeeff')
    return (struct.pack('<II16s16s', 1, 0, kind, bytes([relid & 255] * 16)) +
            bytes(16) + struct.pack('<HH120xHHIBBHI', 1, 0, 0, 0, relid, 0, 0,
                                    1, 0x2000 + relid)).hex()


def story(s):
    s.host(f'''
        VMBUS ALL_OFFERS_DELIVERED n=1: say {offer(901)}
        VMBUS ALL_OFFERS_DELIVERED n=1: say {offer(902)}
        VMBUS ALL_OFFERS_DELIVERED n=1: say {offer(903)}
        VMBUS OPEN_RESULT n=1: say 0200000000000000 86030000
        guest VMBUS RELID_RELEASED relid=902: drop
        ''')
    s.guest()
    s.works()
    s.wait('the guest releases what went', lambda: s.done(5) == 1)
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""How much of a worker one packet of a hostile guest may have.

Judged by what was handled, not by time: the unit tests (test_vsp_from_guest,
test_host_worker) count frames a pass and turns before a call of control.
"""
import struct

import pytest

from peer import PAGE
from stage import Stage
from test_hostile_memory import FAR, NVS_RNDIS, RNDIS_PACKET, Nic

PAGES = 256                 # the same one again and again: 1 MiB in a packet
MESSAGE = 64                # 44 bytes of header and the smallest frame
FAILED = 2


@pytest.fixture
def stage(lab):
    made = Stage(lab)
    yield made
    made.end()


def page_full_of_frames():
    frame = b'\xff' * 6 + b'\2' + bytes(5) + b'\x88\xb5'
    one = struct.pack('<IIIII24x', RNDIS_PACKET, MESSAGE, 36, len(frame), 0)
    return (one + frame).ljust(MESSAGE, b'\0') * (PAGE // MESSAGE)


def test_packet_of_16384_frames(stage):
    """INIT_DONE allows 64: those are taken, the rest is refused, and the
    queue goes on."""
    nic = Nic(stage.guest(), 'null0')
    nic.far[40 * PAGE:41 * PAGE] = page_full_of_frames()
    ext = struct.pack(f'<IIII{PAGES}Q', 0, 1, PAGES * PAGE, 0,
                      *[FAR // PAGE + 40] * PAGES)
    for n in range(1, 6):
        nic.xact += 1
        nic.g.ring_put(struct.pack('<IIII', NVS_RNDIS, 0, 0xffffffff,
                                   0).ljust(40, b'\0'), kind=9, ext=ext,
                       xact=nic.xact)
        nic.g.signal()
        assert nic.completion()[1] == FAILED
        stage.served(5)
        got, = (x for x in stage.stat()['nics'] if x['name'] == 'null0')
        count = got['queues'][0]['from_guest']
        assert count['frames'] == count['by_gpa'] == 64 * n
        assert count['drop_malformed'] == n
        assert got['faults']['by_reason'] == {'RNDIS_COUNT': n}
    assert stage.stops() == []
    nic.g.close()
    nic.close()

# SPDX-License-Identifier: BSD-2-Clause
"""Signals, interrupts and ends of messages: eventfds that a guest shares.

Their flags and their counters are the guest's as well as the host's; a good
guest is attached all the time and must have its traffic (stage.py).
"""
import os
import struct

import pytest

from peer import GPA, PAGE
from stage import Stage

LEGACY = 0x0000000d         # VMBus 0.13: an interrupt page, one signal
INT_PAGE = 12               # of the guest's memory
TO_HOST = 2048              # in it, a bit for each channel
EVENT_CONNECTION = 2


@pytest.fixture
def stage(lab):
    made = Stage(lab)
    yield made
    made.end()


def test_second_contact_without_unload(stage):
    """VMBus 0.13 has one signal for all channels.  A guest that contacts anew
    gets a new one, and the host must hear that."""
    g = stage.guest().machine('null0')
    for _ in range(3):
        g.contact(LEGACY, interrupt=GPA + INT_PAGE * PAGE)
    g.open()
    g.ring_put(struct.pack('<III', 1, 2, 2).ljust(40, b'\0'))
    relid = g.offers[0]
    g.mem[INT_PAGE * PAGE + TO_HOST + relid // 8] |= 1 << relid % 8
    g.drain()
    os.write(g.signals[EVENT_CONNECTION], struct.pack('Q', 1))
    stage.lab.wait('the host answers in the ring', lambda: struct.unpack_from(
        '<I', g.mem, g.inn)[0] != 0, 5)
    g.close()

# SPDX-License-Identifier: BSD-2-Clause
"""Signals, interrupts and ends of messages: eventfds that a guest shares.

Their flags and their counters are the guest's as well as the host's; a good
guest is attached all the time and must have its traffic (stage.py).
"""
import math
import os
import struct
import time

import pytest

import peer
from peer import GPA, PAGE, Gone
from stage import Stage, refused

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


# --- interrupts that block ---

def fill(g):
    """Every interrupt eventfd full, and made to block."""
    for fd in g.irq:
        try:
            os.read(fd, 8)
        except BlockingIOError:
            pass
        os.write(fd, struct.pack('Q', peer.FULL))
        os.set_blocking(fd, True)


def block_control(g):
    """Have the control thread answer, so interrupt, while it is full."""
    fill(g)
    g.post(struct.pack('<IIIIBBHIQQ', 14, 0, 0x50003, 0, 2, 0, 0, 0, 0, 0), 4)


def admitted(stage, nic):
    """A guest of this process, as soon as it may come."""
    while True:
        g = stage.guest()
        try:
            return g.machine(nic)
        except Gone as e:
            assert e.status == peer.E_LIMIT
            g.close()
            time.sleep(0.05)


def test_interrupt_that_blocks(stage):
    """A full eventfd made blocking holds no thread of the host, and whoever
    made it stays out for a while, with all its connections."""
    other = stage.guest().machine('null1')
    g = stage.guest().machine('null0')
    block_control(g)
    refused(peer.E_PROTO, g.answer)
    refused(None, other.answer)
    late = stage.guest()
    refused(peer.E_LIMIT, late.answer)
    log = stage.lab.log(stage.host)
    assert f'pid {os.getpid()} of user 0, or another process' in log, log
    # And of a worker: the channel's interrupt.
    g = admitted(stage, 'null0').contact().open()
    fill(g)
    g.ring_put(struct.pack('<III', 1, 0x60001, 0x60001).ljust(40, b'\0'))
    g.signal()
    refused(peer.E_PROTO, g.answer)
    stage.served()


def test_interrupts_that_block_again_and_again(stage):
    """The host waits longer each time until it takes this process again."""
    begin, times = time.monotonic(), 0
    while time.monotonic() < begin + 3:
        g = stage.guest()
        try:
            block_control(g.machine('null0'))
            g.answer()
        except Gone as e:
            times += e.status == peer.E_PROTO
            time.sleep(0.02)
        g.close()
    spent = time.monotonic() - begin
    assert 0 < times <= 1 + math.log2(spent + 1), times
    stage.served()

# SPDX-License-Identifier: BSD-2-Clause
"""Memory that is cut off under the host while its workers copy.

A guest of kind uio may bring memory that is not sealed against shrinking.  It
has a whole NIC here, NVSP and RNDIS up and frames under way, and truncates the
file that they are in.  The host has one fault against it and ends it; the good
guest beside it has its traffic (stage.py).
"""
import mmap
import os
import re
import struct
import time

import pytest

import peer
from peer import GPA, PAGE, Gone, memory
from stage import Stage, refused

FAR = GPA + (1 << 30)       # of the memory that goes
FAR_PAGES = 64
NVS_INIT, NVS_NDIS, NVS_RECV_BUF, NVS_RNDIS, NVS_RNDIS_DONE = (
    1, 100, 101, 107, 108)
INIT_DONE = 0x80000002
RNDIS_INIT, RNDIS_SET, RNDIS_PACKET = 2, 5, 1
OID_FILTER = 0x0001010e


class Nic:
    """Our hostile guest's NIC: rings in memory that stays, all else in FAR."""

    def __init__(self, guest, nic, kind=1, seals=0):
        self.g = guest.machine(nic, kind=kind)
        self.fd = memory(FAR_PAGES * PAGE, seals=seals)
        self.far = mmap.mmap(self.fd, FAR_PAGES * PAGE)
        assert guest.mem_add(self.fd, FAR, FAR_PAGES * PAGE) == peer.OK
        guest.contact().open()
        self.xact, self.page = 100, 40
        assert self.nvs(NVS_INIT, 0x60000, 0x60000)[3] == 1
        self.nvs(NVS_NDIS, 6, 30, wait=False)
        assert guest.gpadl(2, 0, 26, gpa=FAR) == 0
        assert self.nvs(NVS_RECV_BUF, 2, 0xcafe)[1] == 1
        self.rndis(struct.pack('<IIIIII', RNDIS_INIT, 24, 1, 1, 0, 0x4000), 1)
        self.rndis(struct.pack('<IIIIIIII', RNDIS_SET, 32, 2, OID_FILTER, 4,
                               20, 0, 0xb), 1)

    def nvs(self, *words, wait=True):
        """An NVSP message; the words of its completion."""
        self.xact += 1
        self.g.ring_put(struct.pack(f'<{len(words)}I', *words).ljust(40, b'\0'),
                        flags=1 if wait else 0, xact=self.xact)
        self.g.signal()
        return self.completion() if wait else None

    def packets(self):
        """What the host has put into its ring: (kind, xact, bytes) each."""
        g, ctl = self.g, struct.Struct('<II')
        write, read = ctl.unpack_from(g.mem, g.inn)
        ring = g.mem[g.inn + PAGE:g.inn + PAGE + g.size] * 2
        while read != write:
            kind, off8, len8, _, xact = struct.unpack_from('<HHHHQ', ring,
                                                           read)
            yield kind, xact, ring[read + 8 * off8:read + 8 * len8]
            read = (read + 8 * len8 + 8) % g.size
            struct.pack_into('<I', g.mem, g.inn + 4, read)

    def completion(self):
        """The answer to the last message."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            for kind, xact, data in self.packets():
                if (kind, xact) == (11, self.xact):
                    return struct.unpack_from(f'<{len(data) // 4}I', data)
            self.g.drain()
        raise TimeoutError('no completion')

    def acknowledge(self):
        """Give receive sections back, as a guest that took the frames."""
        for kind, xact, _ in self.packets():
            if kind == 7:
                self.g.ring_put(struct.pack('<II', NVS_RNDIS_DONE, 1), kind=11,
                                flags=0, xact=xact)
        self.g.signal()

    def rndis(self, message, channel):
        """By address: the message is in memory that can go, a page each."""
        self.page += 1
        self.far[self.page * PAGE:self.page * PAGE + len(message)] = message
        self.by_address(len(message), channel)

    def by_address(self, size, channel):
        """The last message, once more."""
        ext = struct.pack('<IIIIQ', 0, 1, size, 0, FAR // PAGE + self.page)
        self.g.ring_put(struct.pack('<IIII', NVS_RNDIS, channel, 0xffffffff,
                                    0).ljust(40, b'\0'), kind=9, flags=0,
                        ext=ext)
        self.g.signal()

    def cut(self):
        os.ftruncate(self.fd, 0)

    def close(self):
        self.far.close()
        os.close(self.fd)


@pytest.fixture
def stage(lab):
    made = Stage(lab)
    yield made
    made.end()


def packet_message(size):
    """RNDIS_PACKET with a frame of `size` bytes."""
    return struct.pack('<IIIIIIIIIII', RNDIS_PACKET, 44 + size, 36, size,
                       *[0] * 7) + b'\2\0\0\0\0\1' + b'\2\0\0\0\0\2' + \
        b'\x88\xb5'.ljust(size - 12, b'.')


def nic_of(stage, name):
    return next(n for n in stage.stat()['nics'] if n['name'] == name)


def gone_by_fault(stage, nic):
    """It is told why, and that is the one fault that counts."""
    refused(peer.E_MEM, nic.g.answer)
    nic.close()
    nic.g.close()
    stage.settle()
    faults = stage.faults()
    assert faults.pop('MEM_GONE') == 1
    return faults


def test_address_of_nowhere(stage):
    """A packet that names memory which the guest never gave: its queue stops,
    and the host says where and why."""
    nic = Nic(stage.guest(), 'null0')
    nic.rndis(packet_message(300), 0)
    nic.page = FAR_PAGES + 7
    nic.by_address(344, 0)
    stage.lab.wait('the fault', lambda: stage.faults().get('GPA_UNMAPPED'), 5)
    said = stage.stops()
    assert len(said) == 1, said
    assert re.match('hvnet host: null0: queue 0 of guest .* stopped: guest '
                    'physical address outside guest memory .in the packet '
                    'with transaction id 0x1.; right is memory that the '
                    'guest gave', said[0]), said
    nic.close()
    nic.g.close()


def test_cut_while_frames_leave(stage):
    """The host copies frames out of memory that goes away."""
    n = Nic(stage.guest(), 'null0')
    message = packet_message(1000)
    n.rndis(message, 0)
    stage.lab.wait('frames pass', lambda: sum(
        q['from_guest']['frames'] for q in nic_of(stage, 'null0')['queues']) >
        0, 5)
    n.cut()
    try:
        for _ in range(8):
            n.by_address(len(message), 0)
            stage.served(3)
    except Gone:
        pass
    # What it read after the cut were zeroes: a message of no type.
    assert set(gone_by_fault(stage, n)) <= {'RNDIS_TYPE', 'RNDIS_SHORT',
                                            'RNDIS_LEN'}


def test_cut_while_frames_arrive(stage):
    """The host copies frames into a receive buffer that goes away."""
    lab = stage.lab
    lab.set('--add', 'backend=generator,name=gen0,size=1000')
    n = Nic(stage.guest(), 'gen0')

    def frames():
        n.acknowledge()
        return sum(q['to_guest']['frames'] for q in
                   nic_of(stage, 'gen0')['queues'])
    lab.wait('frames are made', lambda: frames() > 500, 10)
    n.cut()
    try:
        for _ in range(8):
            n.acknowledge()
            stage.served(3)
    except Gone:
        pass
    assert gone_by_fault(stage, n) == {}
    lab.set('gen0', '--remove')

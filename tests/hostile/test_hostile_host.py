# SPDX-License-Identifier: BSD-2-Clause
"""Our guest process against a host that lies, or leaves.

Whatever the host does, the guest stays alive with its interface, and attaches
again when a good host is there.
"""
import os
import random
import struct
import time

import pytest

import peer
from peer import Gone, Host, memory

HOST = '10.7.0.2'


class Stage:
    """A guest that was served once, and whose host is gone."""

    def __init__(self, lab):
        self.lab = lab
        self.host = lab.host(lab.tap_spec())
        self.guest = lab.guest()
        lab.address('g', 'hn0', 1)
        lab.address('h', 'hvhost0', 2)
        lab.ready()
        lab.end(self.host)
        self.bad = None
        self.fds = len(os.listdir(f'/proc/{self.guest.pid}/fd'))

    def alive(self):
        assert self.guest.poll() is None, self.lab.log(self.guest)
        links = self.lab.run('g', 'ip link show hn0').stdout
        assert 'NO-CARRIER' in links or 'state UP' in links

    def liar(self):
        """The next connection of the guest, to us."""
        if self.bad is None:
            self.bad = Host(self.lab.sock)
        return self.bad.accept()

    def end(self):
        """A good host comes: the guest has its traffic again."""
        if self.bad is not None:
            self.bad.close()
        self.alive()
        self.host = self.lab.host(self.lab.tap_spec())
        self.lab.wait('attached again', lambda: self.lab.guest_up('hn0'), 20,
                      [self.guest])
        self.lab.address('h', 'hvhost0', 2)
        self.lab.ready()
        assert self.lab.copy('g', 'h', HOST, 4)
        assert self.lab.end(self.guest) == 0


@pytest.fixture
def stage(lab):
    made = Stage(lab)
    yield made
    made.end()


def ack(status=peer.OK):
    return struct.pack('II', status, 0)


def hello_ack(status=peer.OK, version=1, connections=2, ids=(1, 4, 0, 0),
              post_max=100):
    return struct.pack('III4II', status, version, connections, *ids, post_max)


def serve(conn, steps, last=None):
    """Answer `steps` requests rightly, then say `last` (kind, body, fds)."""
    got = []
    for _ in range(steps):
        kind, seq, body, fds = conn.recv()
        got.append((kind, body, fds))
        if kind == peer.HELLO:
            conn.send(peer.HELLO_ACK, hello_ack(), seq=seq)
        elif kind != peer.POST:
            conn.send(peer.ACK, ack(), seq=seq)
    if last is not None:
        _, seq, _, fds = conn.recv()
        got.append((None, b'', fds))
        conn.send(last[0], last[1], last[2] if len(last) > 2 else (),
                  seq=seq)
    return got


def drop(got):
    for _, _, fds in got:
        for fd in fds:
            os.close(fd)


def test_leaves_at_every_step(stage):
    for steps in range(8):
        conn = stage.liar()
        drop(serve(conn, steps))
        conn.close()
        stage.alive()


def test_bye_at_every_step(stage):
    for steps in range(7):
        conn = stage.liar()
        drop(serve(conn, steps, (peer.BYE, ack(steps))))
        conn.close()
        stage.alive()


def test_wrong_answers(stage):
    """Of another kind, version, size, number; with descriptors or without."""
    null = os.open('/dev/null', os.O_RDWR)
    lies = [(peer.ACK, ack()), (peer.HELLO_ACK, hello_ack(version=99)),
            (peer.HELLO_ACK, hello_ack(status=77)),
            (peer.HELLO_ACK, hello_ack(connections=0xffffffff)),
            (peer.HELLO_ACK, hello_ack(connections=5)),
            (peer.HELLO_ACK, b''), (99, bytes(100)), (peer.MEM_ADD, b''),
            (peer.SIGNAL_ADD, struct.pack('II', 0x2001, 0)),
            (peer.SIGNAL_ADD, struct.pack('II', 0, 0), [null]),
            (peer.SIGNAL_ADD, struct.pack('II', 0x2001, 0), [null, null]),
            (peer.SIGNAL_DEL, struct.pack('II', 0x2001, 0)),
            (peer.MEM_WANT, struct.pack('Q', 0)),
            (peer.HELLO_ACK, hello_ack(), [null])]
    for lie in lies:
        conn = stage.liar()
        drop(serve(conn, 0, lie))
        time.sleep(0.05)
        conn.close()
        stage.alive()
    os.close(null)


class Pages:
    """What the guest handed over: its memory, its message pages."""

    def __init__(self, conn):
        import mmap
        self.conn, self.simp, self.eom, self.irq = conn, {}, {}, {}
        self.fds = []
        while True:
            kind, seq, body, fds = conn.recv()
            self.fds += fds
            if kind == peer.HELLO:
                conn.send(peer.HELLO_ACK, hello_ack(), seq=seq)
                continue
            if kind == peer.POST:
                self.first = body
                break
            if kind == peer.MEM_ADD:
                self.gpa, size, _ = struct.unpack_from('QQQ', body)
                self.mem = mmap.mmap(fds[0], size)
            if kind == peer.VP_FDS:
                self.irq[struct.unpack_from('I', body)[0]] = fds[0]
            if kind == peer.VP_REGS:
                vp, _, simp, siefp = struct.unpack_from('IIQQ', body)
                self.simp[vp] = (simp - self.gpa, siefp - self.gpa)
            conn.send(peer.ACK, ack(), seq=seq)

    def say(self, payload, kind=1, vp=0):
        """Put a message into the slot, whether it is free or not."""
        at = self.simp[vp][0] + 2 * 256
        self.mem[at + 16:at + 16 + len(payload)] = payload
        self.mem[at + 4] = len(payload) & 255
        struct.pack_into('<I', self.mem, at, kind)
        os.write(self.irq[vp], struct.pack('Q', 1))

    def close(self):
        self.mem.close()
        self.conn.close()
        for fd in self.fds:
            os.close(fd)


def test_garbage_in_pages(stage):
    """Random message pages, event flags and messages; HVNET_SEED."""
    seed = int(os.environ.get('HVNET_SEED', '1'))
    print('seed', seed, '(HVNET_SEED)')
    rnd = random.Random(seed)
    for _ in range(6):
        p = Pages(stage.liar())
        if rnd.random() < 0.7:
            p.say(struct.pack('<IIBBHI', 15, 0, 1, 0, 0, 4))
            time.sleep(0.02)
        for _ in range(200):
            vp = rnd.randrange(2)
            if rnd.random() < 0.3:
                at = p.simp[vp][rnd.randrange(2)] + rnd.randrange(4000)
                p.mem[at:at + 64] = rnd.randbytes(64)
                os.write(p.irq[vp], struct.pack('Q', 1))
            else:
                p.say(struct.pack('<II', rnd.randrange(31), 0) +
                      rnd.choice((b'\1\0\0\0', b'\0' * 4, b'\xff' * 4)) * 2 +
                      rnd.randbytes(rnd.randrange(200)), vp=vp)
            time.sleep(0.001)
        stage.alive()
        p.close()


def test_eventfds_that_block(stage):
    """The host fills what the guest writes, and makes it block."""
    p = Pages(stage.liar())
    for fd in p.fds:
        if os.readlink(f'/proc/self/fd/{fd}') == 'anon_inode:[eventfd]':
            try:
                os.set_blocking(fd, False)
                os.write(fd, struct.pack('Q', peer.FULL))
            except BlockingIOError:
                pass
            os.set_blocking(fd, True)
    for _ in range(20):
        at = p.simp[0][0] + 2 * 256
        p.mem[at + 5] = 1           # pending: it writes end-of-message
        struct.pack_into('<I', p.mem, at, 1)
        time.sleep(0.05)
    p.close()
    stage.alive()


def test_rubbish_for_a_host(stage):
    """Random bytes as answers."""
    rnd = random.Random(int(os.environ.get('HVNET_SEED', '1')))
    for _ in range(20):
        conn = stage.liar()
        drop(serve(conn, rnd.randrange(4)))
        try:
            for _ in range(10):
                conn.raw(rnd.choice((b'', struct.pack(
                    'II', rnd.randrange(64, 72), rnd.randrange(9)))) +
                    rnd.randbytes(rnd.randrange(1, 300)))
        except Gone:
            pass
        conn.close()
    stage.alive()

# SPDX-License-Identifier: BSD-2-Clause
"""A guest, or a host, of the partition protocol that says what it likes.

Guest speaks docs/partition.md and enough VMBus to open a channel, so that a
test can lie at any point; Host listens as `hvnet host` would.  What a message
looks like is linux/link/link_wire.h.
"""
import array
import ctypes
import mmap
import os
import select
import socket
import struct
import time

HELLO, MEM_ADD, MEM_DEL, VP_FDS, VP_REGS, POST, RESET, DETACH = range(1, 9)
HELLO_ACK, ACK, SIGNAL_ADD, SIGNAL_DEL, MEM_WANT, BYE = range(65, 71)
OK, E_PROTO, E_VERSION, E_LIMIT, E_MEM, E_NONIC, E_BUSY = range(7)
E_KIND = 9
MAGIC = 0x54505648
SCONTROL, MASKED, SIMP, SIEFP, SIMP_FD, SIEFP_FD = 1, 2, 4, 8, 16, 32
FULL = 0xfffffffffffffffe
GPA = 0x100000000
PAGE = 4096
SPACE = socket.CMSG_SPACE(4 * 4)
F_ADD_SEALS, F_SEAL_SHRINK = 1033, 2

libc = ctypes.CDLL(None, use_errno=True)


def eventfd(flags=0):
    fd = libc.eventfd(0, flags | 0o2000000)
    assert fd >= 0
    return fd


def memory(size, seals=F_SEAL_SHRINK, name='guest'):
    import fcntl
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    if seals:
        fcntl.fcntl(fd, F_ADD_SEALS, seals)
    return fd


class Gone(Exception):
    """The other end closed, or sent BYE (status)."""

    def __init__(self, status=None):
        super().__init__(f'BYE {status}' if status is not None else 'closed')
        self.status = status


class Socket:
    """One message of the protocol at a time, with its descriptors."""

    def __init__(self, sock):
        self.sock = sock
        self.seq = 0

    def fileno(self):
        return self.sock.fileno()

    def send(self, kind, body=b'', fds=(), seq=None):
        if seq is None:
            self.seq += 1
            seq = self.seq
        self.raw(struct.pack('II', kind, seq) + body, fds)

    def raw(self, data, fds=()):
        anc = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] \
            if fds else []
        try:
            self.sock.sendmsg([data], anc)
        except (BrokenPipeError, ConnectionResetError):
            raise Gone from None

    def recv(self, timeout=5):
        if not select.select([self.sock], [], [], timeout)[0]:
            raise TimeoutError('no answer')
        try:
            try:
                data, anc, _, _ = self.sock.recvmsg(512, SPACE)
            except ConnectionResetError:    # once, before its last words
                data, anc, _, _ = self.sock.recvmsg(512, SPACE)
        except ConnectionResetError:
            raise Gone from None
        fds = array.array('i')
        for level, kind, value in anc:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(value[:len(value) // 4 * 4])
        if not data:
            raise Gone
        kind, seq = struct.unpack_from('II', data)
        return kind, seq, data[8:], list(fds)

    def close(self):
        self.sock.close()


class Guest(Socket):
    """The guest's side."""

    def __init__(self, path, pages=1024):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(path)
        sock.settimeout(5)
        super().__init__(sock)
        self.fds = []
        self.signals = {}
        self.pages = pages
        self.mem = None

    def close(self):
        super().close()
        for fd in self.fds + list(self.signals.values()):
            os.close(fd)
        self.fds, self.signals = [], {}
        if self.mem is not None:
            self.mem.close()
            self.mem = None

    # --- messages ---

    def answer(self, timeout=5):
        """The next ACK's status; signals that come before it are kept."""
        while True:
            kind, _, body, fds = self.recv(timeout)
            if kind == SIGNAL_ADD:
                self.signals[struct.unpack_from('I', body)[0]] = fds[0]
                continue
            for fd in fds:
                os.close(fd)
            if kind == BYE:
                raise Gone(struct.unpack_from('I', body)[0])
            if kind in (ACK, HELLO_ACK):
                return struct.unpack_from('I', body)[0]

    def ask(self, kind, body=b'', fds=()):
        try:
            self.send(kind, body, fds)
        except Gone:
            pass        # it may have said why
        return self.answer()

    def hello(self, nic='', vps=2, kind=0, magic=MAGIC, version=1, name=b'',
              pid=None):
        nic = nic if isinstance(nic, bytes) else nic.encode()
        return self.ask(HELLO, struct.pack(
            'IIIIII32s32s', magic, version, vps, kind, 1,
            os.getpid() if pid is None else pid, name, nic))

    def mem_add(self, fd, gpa=GPA, size=None, offset=0):
        if size is None:
            size = self.pages * PAGE
        return self.ask(MEM_ADD, struct.pack('QQQ', gpa, size, offset), [fd])

    def mem_del(self, gpa):
        return self.ask(MEM_DEL, struct.pack('Q', gpa))

    def vp_fds(self, vp, irq, eom):
        return self.ask(VP_FDS, struct.pack('II', vp, 0), [irq, eom])

    def vp_regs(self, vp, flags, simp=0, siefp=0, fds=()):
        return self.ask(VP_REGS, struct.pack('IIQQ', vp, flags, simp, siefp),
                        fds)

    def post(self, payload, connection=1):
        self.send(POST, struct.pack('II240s', connection, len(payload),
                                    payload), seq=0)

    # --- a machine of two processors ---

    def machine(self, nic, kind=0):
        """HELLO, memory, processors; SIMP, SIEFP are pages 0 to 3."""
        status = self.hello(nic, kind=kind)
        if status != OK:
            raise Gone(status)
        fd = memory(self.pages * PAGE)
        self.fds.append(fd)
        self.mem = mmap.mmap(fd, self.pages * PAGE)
        assert self.mem_add(fd) == OK
        self.irq, self.eom = [], []
        for vp in range(2):
            self.irq.append(eventfd(os.O_NONBLOCK))
            self.eom.append(eventfd(os.O_NONBLOCK))
            self.fds += [self.irq[vp], self.eom[vp]]
            assert self.vp_fds(vp, self.irq[vp], self.eom[vp]) == OK
            assert self.vp_regs(vp, SCONTROL | SIMP | SIEFP, GPA + 2 * vp *
                                PAGE, GPA + (2 * vp + 1) * PAGE) == OK
        return self

    def message(self, timeout=5):
        """The next VMBus message of processor 0."""
        end = time.monotonic() + timeout
        slot = 2 * 256
        while struct.unpack_from('<I', self.mem, slot)[0] == 0:
            if time.monotonic() > end:
                raise TimeoutError('no VMBus message')
            if select.select([self.sock], [], [], 0.002)[0]:
                self.drain()
        length, flags = self.mem[slot + 4], self.mem[slot + 5]
        payload = bytes(self.mem[slot + 16:slot + 16 + length])
        struct.pack_into('<I', self.mem, slot, 0)
        flags |= self.mem[slot + 5]
        if flags & 1:
            os.write(self.eom[0], struct.pack('Q', 1))
        return payload

    def drain(self):
        """Take what the host says by socket."""
        while select.select([self.sock], [], [], 0)[0]:
            kind, _, body, fds = self.recv(0)
            if kind == BYE:
                raise Gone(struct.unpack_from('I', body)[0])
            if kind == SIGNAL_ADD:
                self.signals[struct.unpack_from('I', body)[0]] = fds[0]
                fds = []
            for fd in fds:
                os.close(fd)

    def contact(self, version=0x50003, interrupt=None):
        """Connect, and take the offers; an interrupt page before 2.4."""
        page = struct.pack('<BBHI', 2, 0, 0, 0) if interrupt is None else \
            struct.pack('<Q', interrupt)
        self.post(struct.pack('<IIII8sQQ', 14, 0, version, 0, page, 0, 0),
                  1 if interrupt else 4)
        answer = self.message()
        assert answer[0] == 15 and answer[8] == 1
        self.post(struct.pack('<II', 3, 0))
        self.offers = []
        while True:
            m = self.message()
            if m[0] == 4:
                return self
            assert m[0] == 1
            self.offers.append(struct.unpack_from('<I', m, 184)[0])

    def gpadl(self, number, page, pages, relid=None, gpa=GPA):
        """A GPADL of up to 26 pages of memory; the status."""
        pfns = [gpa // PAGE + page + i for i in range(pages)]
        self.post(struct.pack('<IIIIHHII', 8, 0, relid or self.offers[0],
                              number, 8 + 8 * pages, 1, pages * PAGE, 0) +
                  struct.pack(f'<{pages}Q', *pfns))
        m = self.message()
        assert m[0] == 10
        return struct.unpack_from('<I', m, 16)[0]

    def close_channel(self):
        """Rings as at the start, for another open()."""
        self.post(struct.pack('<III', 7, 0, self.offers[0]))
        for ring in self.out, self.inn:
            self.mem[ring:ring + PAGE] = bytes(PAGE)

    def open(self, page=16, pages=8, again=False):
        """Open the NIC's channel: both rings in `pages` pages."""
        if not again:
            assert self.gpadl(1, page, pages) == 0
        self.post(struct.pack('<IIIIIII120s', 5, 0, self.offers[0], 1, 1, 0,
                              pages // 2, b''))
        m = self.message()
        assert m[0] == 6 and struct.unpack_from('<I', m, 16)[0] == 0
        self.out, self.size = page * PAGE, (pages // 2 - 1) * PAGE
        self.inn = (page + pages // 2) * PAGE
        return self

    def ring_set(self, write=None, read=None):
        """Lie about an index of the ring to the host, or from it."""
        if write is not None:
            struct.pack_into('<I', self.mem, self.out, write)
        if read is not None:
            struct.pack_into('<I', self.mem, self.inn + 4, read)

    def ring_put(self, data, kind=6, flags=1, xact=1, off8=2, ext=b''):
        """Append one packet; no check whether it fits."""
        at = struct.unpack_from('<I', self.mem, self.out)[0]
        body = ext + data + b'\0' * (-len(data) % 8)
        off8 += len(ext) // 8
        packet = struct.pack('<HHHHQ', kind, off8, (16 + len(body)) // 8,
                             flags, xact) + body + struct.pack('<Q', at << 32)
        for i, b in enumerate(packet):
            self.mem[self.out + PAGE + (at + i) % self.size] = b
        # One store: pack_into() stores zeroes first, and the host may look.
        with memoryview(self.mem) as m, m.cast('I') as words:
            words[self.out // 4] = (at + len(packet)) % self.size

    def signal(self):
        # Memory overtakes the socket: the offer may be here before its fd.
        while 0x2000 | self.offers[0] not in self.signals:
            select.select([self.sock], [], [], 1)
            self.drain()
        os.write(self.signals[0x2000 | self.offers[0]], struct.pack('Q', 1))


class Host:
    """Listens, and answers as told."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.listener.listen(8)
        self.path = path
        self.fds = []

    def accept(self, timeout=15):
        if not select.select([self.listener], [], [], timeout)[0]:
            raise TimeoutError('no guest connects')
        return Socket(self.listener.accept()[0])

    def close(self):
        self.listener.close()
        os.unlink(self.path)
        for fd in self.fds:
            os.close(fd)

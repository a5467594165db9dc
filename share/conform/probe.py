# SPDX-License-Identifier: BSD-2-Clause
"""Asks a guest whether frames pass, with nothing installed in it.

A guest whose interface is up has an IPv6 link-local address and answers an
echo request to all nodes; so it is found by that, and then asked by its own
address, with bytes that check themselves.  A program that is no IP stack may
answer IPv4 echo requests to any address, as DPDK's testpmd does.  Our end is a
raw socket in the network namespace of the host's TAP.
"""
import contextlib
import ctypes
import errno
import fcntl
import hashlib
import os
import select
import socket
import struct
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
ECHO, REPLY = 128, 129
ECHO4, REPLY4 = 8, 0
HERE4, THERE4 = '169.254.79.1', '169.254.79.2'
SIOCGIFHWADDR = 0x8927
SO_RCVBUFFORCE = 33
# Linux answers echo requests with 130 KiB of memory, 2304 bytes for a large
# one, and has it back when the host completed the answer: that may be a window
# later.
WINDOW = (32, 24 << 10)
LIBC = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def inside(netns):
    """Sockets that are made meanwhile are of this network namespace."""
    here = os.open('/proc/self/ns/net', os.O_RDONLY)
    there = os.open(f'/run/netns/{netns}', os.O_RDONLY)
    if LIBC.setns(there, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'setns')
    try:
        yield
    finally:
        LIBC.setns(here, CLONE_NEWNET)
        os.close(here)
        os.close(there)


def checksum(data):
    """RFC 1071, of an even number of bytes."""
    n = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return n ^ 0xffff


def room(window, open_, size):
    """May one of this size be sent as well?"""
    if window is None or not open_:
        return True
    number, total = window
    return (len(open_) < number and
            size + sum(len(b) for b in open_.values()) <= total)


class Probe:
    def __init__(self, netns, ifname):
        self.netns, self.ifname = netns, ifname
        with inside(netns):
            self.sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW,
                                      socket.IPPROTO_ICMPV6)
            self.sock4 = socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                       socket.IPPROTO_ICMP)
            self.index = socket.if_nametoindex(ifname)
        self.sock.setsockopt(socket.IPPROTO_IPV6,
                             socket.IPV6_MULTICAST_LOOP, 0)
        for s in (self.sock, self.sock4):
            s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        subprocess.run(['ip', '-n', netns, 'addr', 'replace', f'{HERE4}/24',
                        'dev', ifname], check=True)
        self.ident = os.getpid() & 0xffff
        self.seq = 0
        self.peer = None
        self.stray = 0          # answers that are wrong, or came twice
        self.never = set()      # numbers that nobody may answer
        self.wrong = 0          # ... and somebody did

    def close(self):
        self.sock.close()
        self.sock4.close()

    def is_stack(self):
        """Is the guest an IP stack, and not only something that answers?"""
        return self.peer != THERE4

    def send(self, to, size):
        """An echo request; its number and bytes.  OSError: no way there."""
        self.seq = (self.seq + 1) & 0xffff
        body = bytes((self.seq + i * 7) & 0xff for i in range(size))
        if to == THERE4:
            msg = struct.pack('!BBHHH', ECHO4, 0, 0, self.ident,
                              self.seq) + body
            good = checksum(msg + bytes(size & 1))
            self.sock4.sendto(msg[:2] + struct.pack('!H', good) + msg[4:],
                              (to, 0))
        else:
            self.sock.sendto(struct.pack('!BBHHH', ECHO, 0, 0, self.ident,
                                         self.seq) + body,
                             (to, 0, 0, self.index))
        return self.seq, body

    def receive(self, seconds):
        """(number, bytes, address) of an answer to us, or None."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            ready = select.select([self.sock, self.sock4], [], [], left)[0]
            if not ready:
                return None
            data, address = ready[0].recvfrom(65600)
            if ready[0] == self.sock4:
                data = data[4 * (data[0] & 15):]
            kind, _, _, ident, seq = struct.unpack('!BBHHH', data[:8])
            if ident == self.ident and kind == (
                    REPLY4 if ready[0] == self.sock4 else REPLY):
                return seq, data[8:], address[0].split('%')[0]
        return None

    def find(self):
        """Is somebody there?  One try of half a second."""
        sent = 0
        for to in ('ff02::1', THERE4):
            with contextlib.suppress(OSError):
                self.send(to, 56)
                sent += 1
        if sent == 0:           # the TAP has no carrier, or no address yet
            time.sleep(0.1)
            return False
        got = self.receive(0.5)
        if got:
            self.peer = got[2]
        return got is not None

    def lost(self, sizes, seconds=10, window=WINDOW):
        """Send one of each size; the sizes that nobody answered.  No more wait
        for an answer at a time than `window` says, in number and bytes."""
        rest, open_, first = list(sizes), {}, self.seq + 1
        end = time.monotonic() + seconds
        while (rest or open_) and time.monotonic() < end:
            while rest and room(window, open_, rest[0]):
                try:
                    seq, body = self.send(self.peer, rest[0])
                except OSError:
                    return rest + [len(b) for b in open_.values()]
                open_[seq] = body
                rest.pop(0)
                end = time.monotonic() + seconds
            got = self.receive(end - time.monotonic())
            if got is None:
                break
            seq, body, _ = got
            if open_.get(seq) == body:
                del open_[seq]
            elif seq in self.never:
                self.wrong += 1
            elif seq >= first:
                self.stray += 1
        return rest + [len(b) for b in open_.values()]

    # --- what is no echo request of the kernel's ---

    def refused(self, kind, seconds):
        """Does the guest refuse a connection to a port that nobody has?"""
        with inside(self.netns):
            s = socket.socket(socket.AF_INET6, kind)
        with s:
            s.settimeout(seconds)
            try:
                s.connect((self.peer, 9, 0, self.index))
                s.send(b'odd')
                s.recv(1)
            except OSError as e:
                return e.errno == errno.ECONNREFUSED
        return False

    def frames(self, *frames):
        """Frames go to the guest as they are, without the two addresses."""
        with inside(self.netns):
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with s:
            s.bind((self.ifname, 0))
            mac = fcntl.ioctl(s, SIOCGIFHWADDR, struct.pack(
                '40s', self.ifname.encode()))[18:24]
            for to, rest in frames:
                s.send(to + mac + rest)

    def address(self):
        """Ours, as the guest sees it."""
        with inside(self.netns):
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        with s:
            s.connect((self.peer, 9, 0, self.index))
            return s.getsockname()[0].split('%')[0]

    def echo(self, size, wrong=0):
        """An IPv6 packet, an echo request; wrong: added to its checksum."""
        here = socket.inet_pton(socket.AF_INET6, self.address())
        there = socket.inet_pton(socket.AF_INET6, self.peer)
        self.seq = (self.seq + 1) & 0xffff
        body = bytes(2 * (size // 2))
        icmp = struct.pack('!BBHHH', ECHO, 0, 0, self.ident, self.seq) + body
        good = checksum(here + there + struct.pack('!II', len(icmp), 58) +
                        icmp)
        icmp = icmp[:2] + struct.pack('!H', (good + wrong) & 0xffff) + icmp[4:]
        if wrong:
            self.never.add(self.seq)
        return (struct.pack('!IHBB', 6 << 28, len(icmp), 58, 64) + here +
                there + icmp)


class Stream:
    """A TCP server that sends or takes so many bytes, on the host's side."""
    LINE = 'all-the-bytes-of-a-line-that-repeats-itself'

    def __init__(self, probe, sends, total):
        with inside(probe.netns):
            self.sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        line = self.LINE.encode() + b'\n'
        self.data = (line * (total // len(line) + 1))[:total]
        self.hash = hashlib.sha256(self.data).hexdigest()
        self.sends = sends
        self.address = probe.address()
        self.sock.bind((self.address, 0, 0, probe.index))
        self.sock.listen(1)
        self.port = self.sock.getsockname()[1]
        self.taken = hashlib.sha256()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        try:
            with self.sock.accept()[0] as s:
                if self.sends:
                    s.sendall(self.data)
                    return
                while data := s.recv(1 << 20):
                    self.taken.update(data)
        except OSError:         # the guest, or we, gave up
            pass

    def got(self):
        """The hash of what came, when all of it did."""
        self.thread.join()
        return self.taken.hexdigest()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.sock.close()

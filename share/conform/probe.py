# SPDX-License-Identifier: BSD-2-Clause
"""Asks a guest whether frames pass, with nothing installed in it.

A guest whose interface is up has an IPv6 link-local address and answers an
echo request to all nodes; so it is found by that, and then asked by its own
address, with bytes that check themselves.  Our end is a raw socket in the
network namespace of the host's TAP.
"""
import contextlib
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import time

CLONE_NEWNET = 0x40000000
ECHO, REPLY = 128, 129
SIOCGIFHWADDR = 0x8927
SO_RCVBUFFORCE = 33
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


class Probe:
    def __init__(self, netns, ifname):
        self.netns, self.ifname = netns, ifname
        with inside(netns):
            self.sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW,
                                      socket.IPPROTO_ICMPV6)
            self.index = socket.if_nametoindex(ifname)
        self.sock.setsockopt(socket.IPPROTO_IPV6,
                             socket.IPV6_MULTICAST_LOOP, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        self.ident = os.getpid() & 0xffff
        self.seq = 0
        self.peer = None
        self.stray = 0          # answers that are wrong, or came twice
        self.never = set()      # numbers that nobody may answer
        self.wrong = 0          # ... and somebody did

    def close(self):
        self.sock.close()

    def send(self, to, size):
        """An echo request; its number and bytes.  OSError: no way there."""
        self.seq = (self.seq + 1) & 0xffff
        body = bytes((self.seq + i * 7) & 0xff for i in range(size))
        self.sock.sendto(struct.pack('!BBHHH', ECHO, 0, 0, self.ident,
                                     self.seq) + body,
                         (to, 0, 0, self.index))
        return self.seq, body

    def receive(self, seconds):
        """(number, bytes, address) of an answer to us, or None."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.sock], [], [], left)[0]:
                return None
            data, address = self.sock.recvfrom(65600)
            kind, _, _, ident, seq = struct.unpack('!BBHHH', data[:8])
            if kind == REPLY and ident == self.ident:
                return seq, data[8:], address[0].split('%')[0]
        return None

    def find(self):
        """Is somebody there?  One try of half a second."""
        try:
            self.send('ff02::1', 56)
        except OSError:         # the TAP has no carrier, or no address yet
            time.sleep(0.1)
            return False
        got = self.receive(0.5)
        if got:
            self.peer = got[2]
        return got is not None

    def lost(self, sizes, seconds=10):
        """Send one of each size at once; the sizes that nobody answered."""
        open_ = {}
        for size in sizes:
            try:
                seq, body = self.send(self.peer, size)
                open_[seq] = body
            except OSError:
                return list(sizes)
        first = min(open_)
        end = time.monotonic() + seconds
        while open_ and time.monotonic() < end:
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
        return [len(b) for b in open_.values()]

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

    def echo(self, size, wrong=0):
        """An IPv6 packet, an echo request; wrong: added to its checksum."""
        with inside(self.netns):
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        with s:
            s.connect((self.peer, 9, 0, self.index))
            here = socket.inet_pton(socket.AF_INET6,
                                    s.getsockname()[0].split('%')[0])
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

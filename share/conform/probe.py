# SPDX-License-Identifier: BSD-2-Clause
"""Asks a guest whether frames pass, with nothing installed in it.

A guest whose interface is up has an IPv6 link-local address and answers an
echo request to all nodes; so it is found by that, and then asked by its own
address, with bytes that check themselves.  Our end is a raw socket in the
network namespace of the host's TAP.
"""
import ctypes
import os
import select
import socket
import struct
import time

CLONE_NEWNET = 0x40000000
ECHO, REPLY = 128, 129


class Probe:
    def __init__(self, netns, ifname):
        libc = ctypes.CDLL(None, use_errno=True)
        here = os.open('/proc/self/ns/net', os.O_RDONLY)
        there = os.open(f'/run/netns/{netns}', os.O_RDONLY)
        if libc.setns(there, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), 'setns')
        try:
            self.sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW,
                                      socket.IPPROTO_ICMPV6)
            self.index = socket.if_nametoindex(ifname)
            self.sock.setsockopt(socket.IPPROTO_IPV6,
                                 socket.IPV6_MULTICAST_LOOP, 0)
        finally:
            libc.setns(here, CLONE_NEWNET)
            os.close(here)
            os.close(there)
        self.ident = os.getpid() & 0xffff
        self.seq = 0
        self.peer = None
        self.stray = 0          # answers that are wrong, or came twice

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
            elif seq >= first:
                self.stray += 1
        return [len(b) for b in open_.values()]

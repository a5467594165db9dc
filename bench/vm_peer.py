# SPDX-License-Identifier: BSD-2-Clause
"""The host's end of TCP streams to a guest that has only nc(1).

  vm_peer.py sink ADDRESS PORT...              take what comes
  vm_peer.py source GUEST PACE PORT:CPORT...   send to PORT from CPORT,
                                               PACE Mbit/s each, 0: all it can

Says `ready` when all streams are connected (sink: when it listens, then when
all are), and runs until it is ended.  A stream that ends is an error.
"""
import selectors
import socket
import sys
import time

BLOCK = bytes(1 << 18)
PACED = 16 << 10        # bytes sent at once where a pace is held


def connect(guest, spec, seconds=30):
    port, cport = map(int, spec.split(':'))
    end = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection((guest, port), 5, ('', cport))
        except ConnectionRefusedError:      # its nc has not begun
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def sink(address, *ports):
    servers = [socket.create_server((address, int(p))) for p in ports]
    print('listening', flush=True)
    streams = selectors.DefaultSelector()
    for s in servers:
        c, _ = s.accept()
        streams.register(c, selectors.EVENT_READ)
    print('ready', flush=True)
    into = bytearray(1 << 20)
    while True:
        for key, _ in streams.select():
            if not key.fileobj.recv_into(into):
                sys.exit('vm_peer: a stream ended')


def source(guest, pace, *specs):
    conns = [connect(guest, s) for s in specs]
    print('ready', flush=True)
    if float(pace):
        paced(conns, PACED * 8 / (float(pace) * 1e6))
    streams = selectors.DefaultSelector()
    for c in conns:
        c.setblocking(False)
        streams.register(c, selectors.EVENT_WRITE)
    while True:
        for key, _ in streams.select():
            key.fileobj.send(BLOCK)


def paced(conns, interval):
    """A block on each in turn, evenly in time; for ever."""
    at = time.monotonic()
    while True:
        for c in conns:
            at += interval / len(conns)
            time.sleep(max(0, at - time.monotonic()))
            c.sendall(BLOCK[:PACED])


if __name__ == '__main__':
    {'sink': sink, 'source': source}[sys.argv[1]](*sys.argv[2:])

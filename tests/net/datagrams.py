# SPDX-License-Identifier: BSD-2-Clause
"""Send numbered UDP datagrams at a pace, or count those that arrive.

usage: datagrams.py send ADDRESS PORT COUNT MBIT
       datagrams.py receive PORT COUNT

The receiver ends when all came or when none came for five seconds; its socket
holds 16 MiB, so that what is missing was lost on the way and not by a process
that had no processor for a moment.  It prints {"got", "again", "socket_full"}.
"""
import json
import socket
import struct
import sys
import time

SIZE = 1400
SO_RCVBUFFORCE, SO_RXQ_OVFL = 33, 40


def send(address, port, count, mbit):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((address, port))
        began = time.monotonic()
        for i in range(count):
            ahead = i * SIZE * 8e-6 / mbit - (time.monotonic() - began)
            if ahead > 0.002:
                time.sleep(ahead)
            s.send(struct.pack('I', i).ljust(SIZE, b'.'))


def receive(port, count):
    seen, again, full = set(), 0, 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        s.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        s.bind(('', port))
        s.settimeout(20)        # for the first
        print('ready', flush=True)
        try:
            while len(seen) < count:
                data, anc, _, _ = s.recvmsg(2048, 64)
                s.settimeout(5)
                i, = struct.unpack_from('I', data)
                again += i in seen
                seen.add(i)
                for _, kind, value in anc:
                    if kind == SO_RXQ_OVFL:
                        full, = struct.unpack('I', value)
        except TimeoutError:
            pass
    print(json.dumps({'got': len(seen), 'again': again, 'socket_full': full}))


if sys.argv[1:2] == ['send'] and len(sys.argv) == 6:
    send(sys.argv[2], *map(int, sys.argv[3:]))
elif sys.argv[1:2] == ['receive'] and len(sys.argv) == 4:
    receive(*map(int, sys.argv[2:]))
else:
    sys.exit(__doc__)

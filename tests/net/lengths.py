# SPDX-License-Identifier: BSD-2-Clause
"""Send or receive raw Ethernet frames that say how long they are.

usage: lengths.py send IFNAME DST LENGTH...
       lengths.py receive IFNAME SECONDS    prints "LENGTH SAID" a frame
"""
import socket
import struct
import sys
import time

TYPE = 0x88b6


def send(ifname, dst, lengths):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((ifname, 0))
    head = bytes.fromhex(dst.replace(':', '')) + s.getsockname()[4]
    for n in map(int, lengths):
        s.send((head + struct.pack('!HI', TYPE, n)).ljust(n, b'\x5a'))


def receive(ifname, seconds):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(TYPE))
    s.bind((ifname, TYPE))
    print('ready', flush=True)
    end = time.monotonic() + float(seconds)
    while (left := end - time.monotonic()) > 0:
        s.settimeout(left)
        try:
            data, addr = s.recvfrom(65536)
        except TimeoutError:
            break
        if addr[2] != socket.PACKET_OUTGOING:
            print(len(data), *struct.unpack('!I', data[14:18]), flush=True)


if sys.argv[1:2] == ['send'] and len(sys.argv) > 4:
    send(sys.argv[2], sys.argv[3], sys.argv[4:])
elif sys.argv[1:2] == ['receive'] and len(sys.argv) == 4:
    receive(*sys.argv[2:])
else:
    sys.exit(__doc__)

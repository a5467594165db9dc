# SPDX-License-Identifier: BSD-2-Clause
"""Send ICMP echo requests at a steady pace and wait for every answer.

usage: echoes.py ADDRESS COUNT INTERVAL_SECONDS WAIT_SECONDS

ping(8) waits for the last answer no longer than twice the slowest so far: on a
machine that others use, it counts an answer that comes a moment later as lost.
Exit 0 if every answer came; the line names those that did not.
"""
import os
import select
import socket
import struct
import sys
import time


def checksum(data):
    s = sum(struct.unpack(f'>{len(data) // 2}H', data))
    s = (s >> 16) + (s & 0xffff)
    return ~(s + (s >> 16)) & 0xffff


def request(ident, seq):
    body = struct.pack('>HH48s', ident, seq, b'hvnet')
    return struct.pack('>BBH', 8, 0, checksum(b'\x08\0\0\0' + body)) + body


def main(address, count, interval, wait):
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sock.connect((address, 0))
    ident = os.getpid() & 0xffff
    sent, slowest = {}, 0.0
    missing = set(range(count))
    at = time.monotonic()
    end = at + count * interval + wait
    while missing and time.monotonic() < end:
        now = time.monotonic()
        if len(sent) < count and now >= at:
            sent[len(sent)] = now
            sock.send(request(ident, len(sent) - 1))
            at = max(at + interval, now)
        until = at if len(sent) < count else end
        if not select.select([sock], [], [], max(0, until - now))[0]:
            continue
        packet = sock.recv(2048)
        kind, _, _, got, seq = struct.unpack_from('>BBHHH', packet,
                                                  (packet[0] & 15) * 4)
        if (kind, got) == (0, ident) and seq in missing:
            missing.remove(seq)
            slowest = max(slowest, time.monotonic() - sent[seq])
    print(f'{len(sent)} sent, {len(sent) - len(missing)} answered, slowest '
          f'{slowest * 1000:.1f} ms'
          f'{", missing " + str(sorted(missing)) if missing else ""}')
    return 1 if missing else 0


if len(sys.argv) != 5:
    sys.exit(__doc__)
sys.exit(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]),
              float(sys.argv[4])))

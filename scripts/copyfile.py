# SPDX-License-Identifier: BSD-2-Clause
"""Send or receive bytes over TCP and print their sha256 and number.

usage: copyfile.py send ADDRESS PORT MIB | copyfile.py receive PORT
"""
import hashlib
import os
import socket
import sys

CHUNK = 1 << 20


def send(address, port, mib):
    block = [os.urandom(CHUNK) for _ in range(8)]
    h = hashlib.sha256()
    with socket.create_connection((address, int(port)), 30) as s:
        for i in range(int(mib)):
            # Different bytes in every chunk, without 1 GiB of randomness.
            data = i.to_bytes(8, 'little') + block[i % 8][8:]
            h.update(data)
            s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        s.recv(1)       # the receiver has it all
    print(h.hexdigest(), int(mib) * CHUNK)


def receive(port):
    family = socket.AF_INET6
    with socket.create_server(('::', int(port)), family=family,
                              dualstack_ipv6=True) as srv:
        srv.settimeout(60)
        s, _ = srv.accept()
    h = hashlib.sha256()
    n = 0
    with s:
        s.settimeout(60)
        while data := s.recv(CHUNK):
            h.update(data)
            n += len(data)
        s.sendall(b'.')
    print(h.hexdigest(), n)


if sys.argv[1:2] == ['send'] and len(sys.argv) == 5:
    send(*sys.argv[2:])
elif sys.argv[1:2] == ['receive'] and len(sys.argv) == 3:
    receive(sys.argv[2])
else:
    sys.exit(__doc__)

# SPDX-License-Identifier: BSD-2-Clause
"""Flows that fall on chosen channels: Toeplitz, as the host end steers."""
import struct

PORT = 5201             # of the first stream's server


def toeplitz(key, data):
    bits = int.from_bytes(key, 'big')
    width = 8 * len(key)
    value = 0
    for i in range(8 * len(data)):
        if data[i // 8] & 0x80 >> i % 8:
            value ^= bits >> (width - 32 - i) & 0xffffffff
    return value


def channel(key, table, src, dst):
    """Of a TCP flow over IPv4 towards the guest; src and dst: (address, port).

    Without a key or a table, the first one."""
    if not key or not table:
        return 0
    data = b''.join(bytes(map(int, a.split('.'))) for a in (src[0], dst[0]))
    data += struct.pack('!HH', src[1], dst[1])
    return table[toeplitz(key, data) % len(table)]


def client_ports(channel_of, channels, ports, run):
    """A client's port for each server's port, such that the channels get the
    flows in turn, and how many each gets.  channel_of(port, cport); run: the
    run's number, as no port comes again before its last connection is
    forgotten.  All are below the kernels' own choice."""
    start = 10000 + 100 * len(ports) * (run % 28)
    out = []
    flows = [0] * channels
    for i, port in enumerate(ports):
        cport = start + 100 * i
        while channel_of(port, cport) != i % channels:
            cport += 1
        out.append(cport)
        flows[i % channels] += 1
    return out, flows

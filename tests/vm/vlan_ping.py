# SPDX-License-Identifier: BSD-2-Clause
"""Tagged echo requests from an interface, and the tags of the answers.

usage: vlan_ping.py INTERFACE MAC TAG FROM TO COUNT

For a kernel that has no VLAN interfaces of its own.
"""
import socket
import struct
import sys
import time

ETH_P_ALL, SOL_PACKET, PACKET_AUXDATA = 3, 263, 8
OURS = b'\x02\0\0\0\0\x77'


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def request(mac, tag, source, target, seq):
    icmp = struct.pack('!BBHHH', 8, 0, 0, 0x7777, seq) + b'hvnet' * 8
    icmp = icmp[:2] + struct.pack('!H', checksum(icmp)) + icmp[4:]
    ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(icmp), seq, 0, 64, 1,
                     0, socket.inet_aton(source), socket.inet_aton(target))
    ip = ip[:10] + struct.pack('!H', checksum(ip)) + ip[12:]
    return mac + OURS + struct.pack('!HHH', 0x8100, tag, 0x0800) + ip + icmp


def answer_tag(s, seq, seconds=3):
    """The tag of the echo reply of that sequence number; None: none came."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        s.settimeout(left)
        try:
            data, aux, _, _ = s.recvmsg(2048, 64)
        except TimeoutError:
            return None
        tag = None
        for level, kind, raw in aux:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, tci = struct.unpack_from('=I12xH', raw)
                tag = tci & 0xfff if status & 0x10 else None
        if data[12:14] == b'\x81\0':
            tag = struct.unpack('!H', data[14:16])[0] & 0xfff
            data = data[:12] + data[16:]
        if (data[:6] == OURS and data[12:14] == b'\x08\0' and
                data[34:35] == b'\0' and data[38:42] ==
                struct.pack('!HH', 0x7777, seq)):
            return tag
    return None


def main():
    ifname, mac, tag, source, target, count = sys.argv[1:]
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                      socket.htons(ETH_P_ALL))
    s.bind((ifname, 0))
    s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    for seq in range(int(count)):
        s.send(request(bytes.fromhex(mac.replace(':', '')), int(tag), source,
                       target, seq))
        print(answer_tag(s, seq))


main()

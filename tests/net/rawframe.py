# SPDX-License-Identifier: BSD-2-Clause
"""Send or receive raw Ethernet frames of ethertype 0x88b5, tagged or not.

usage: rawframe.py send IFNAME DST TAG TEXT [SRC]  TAG: VLAN id, - for none
       rawframe.py receive IFNAME SECONDS          prints "TAG TEXT" a frame
"""
import socket
import struct
import sys
import time

TYPE = 0x88b5
SOL_PACKET, PACKET_AUXDATA = 263, 8
TP_STATUS_VLAN_VALID = 1 << 4


def send(ifname, dst, tag, text, src=None):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((ifname, 0))
    mac = bytes.fromhex(src.replace(':', '')) if src else s.getsockname()[4]
    head = bytes.fromhex(dst.replace(':', '')) + mac
    if tag != '-':
        head += struct.pack('!HH', 0x8100, int(tag))
    s.send(head + struct.pack('!H', TYPE) + text.encode().ljust(50, b'\0'))


def receive(ifname, seconds):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                      socket.htons(3))      # ETH_P_ALL: tags included
    s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    s.bind((ifname, 3))
    print('ready', flush=True)
    end = time.monotonic() + float(seconds)
    while (left := end - time.monotonic()) > 0:
        s.settimeout(left)
        try:
            data, aux, _, addr = s.recvmsg(2048, 256)
        except TimeoutError:
            break
        if addr[2] == socket.PACKET_OUTGOING:
            continue
        tag = '-'
        for level, kind, value in aux:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, _ = struct.unpack('IIIHHHH',
                                                           value[:20])
                if status & TP_STATUS_VLAN_VALID:
                    tag = str(tci & 0xfff)
        at = 12
        if data[at:at + 2] == b'\x81\x00':
            tag = str(struct.unpack('!H', data[at + 2:at + 4])[0] & 0xfff)
            at += 4
        if struct.unpack('!H', data[at:at + 2])[0] == TYPE:
            print(tag, data[at + 2:].rstrip(b'\0').decode(), flush=True)


if sys.argv[1:2] == ['send'] and len(sys.argv) in (6, 7):
    send(*sys.argv[2:])
elif sys.argv[1:2] == ['receive'] and len(sys.argv) == 4:
    receive(*sys.argv[2:])
else:
    sys.exit(__doc__)

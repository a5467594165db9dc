#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Seeds for the fuzz targets from captures of real attaches.

seeds.py [--to DIR] NAME CAPTURE...: what guests and host of these captures
(pcapng files of `hvnet host --capture`) said to each other becomes inputs for
fuzz_vms and fuzz_vsp (what the guest said), fuzz_vmc and fuzz_vsc (what the
host said): files NAME-N in tests/fuzz/corpus.  Addresses are moved to where
each target has its memory, ids to those of its rig, and of packets that are
alike two are taken.

A capture of any test, for example, is recorded so:

    HVNET=$PWD/build-check-gcc/cli/hvnet HVNET_RECORD=/tmp/rec \\
        python3 -m pytest tests/vm/test_linux.py -k attach_and_copy
    python3 scripts/seeds.py linux /tmp/rec/*.pcapng
"""
import argparse
import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent.parent / 'tests/fuzz/corpus'
MOST = 1800             # bytes of a seed; a run takes 2048
FILES = 8               # of one capture and target
PAGE = 4096
USER0 = 147
RECORD = struct.Struct('<4B4I2H2Q4I32s')
# Types of VMBus, NVSP and ring packets, as in core/wire.
OFFER, RESCIND, REQUEST_OFFERS, OPEN, CLOSE, GPADL, BODY = 1, 2, 3, 5, 7, 8, 9
TEARDOWN, RELEASED, CONTACT = 11, 13, 14
INBAND, XFER, GPA, COMPLETION = 6, 7, 9, 11
RECV_BUF, SEND_BUF, RNDIS, SUBCHAN = 101, 104, 107, 133
VMBUS = (0x60000, 0x50003, 0x50002, 0x50001, 0x50000, 0x40001, 0x40000,
         0x30000, 0x20004, 0x10001, 0xd)
MAC = bytes.fromhex('02155d010203')
NVSP = (0x60001, 0x60000, 0x50000, 0x40000, 0x30002, 2)


def u32(b, at=0):
    return int.from_bytes(b[at:at + 4], 'little')


def put(*numbers):
    return b''.join(n.to_bytes(4, 'little') for n in numbers)


def any32(n):
    """A number as fuzz_u32() takes it."""
    return bytes([n]) if n < 224 else b'\xf0' + put(n)


class Record:
    def __init__(self, raw):
        (_, self.kind, _, self.to_guest, self.guest, self.relid, self.queue,
         _, self.type, self.flags, self.xact, self.time, ext, data, _, _,
         _) = RECORD.unpack_from(raw)
        raw = raw[RECORD.size:]
        self.ext, raw = (raw[:ext], raw[ext:]) if self.kind == 2 else \
            (b'', raw)
        self.data, self.payload = raw[:data], raw[data:]


def records(path):
    """Messages and packets of a pcapng file, in its order."""
    raw, at, kinds = pathlib.Path(path).read_bytes(), 0, []
    while at < len(raw):
        kind, size = struct.unpack_from('<II', raw, at)
        if kind == 0x0a0d0d0a:
            kinds = []
        elif kind == 1:
            kinds.append(struct.unpack_from('<H', raw, at + 8)[0])
        elif kind == 6:
            interface, _, _, n = struct.unpack_from('<IIII', raw, at + 8)
            if kinds[interface] == USER0:
                r = Record(raw[at + 28:at + 28 + n])
                if r.kind in (1, 2):
                    yield r
        at += size


class Seeds:
    """Files of at most MOST bytes, each with the target's first byte."""
    def __init__(self, first, later):
        self.first, self.later = first, later
        self.files, self.now = [], b''
        self.alike = {}

    def seldom(self, kind):
        self.alike[kind] = self.alike.get(kind, 0) + 1
        return self.alike[kind] <= 2

    def add(self, ops):
        if len(self.now) + len(ops) > MOST:
            self.end()
        self.now += ops

    def end(self):
        if self.now:
            self.files.append((self.later if self.files else self.first) +
                              self.now)
        self.now = b''


def write(seeds, folder, name):
    folder.mkdir(exist_ok=True)
    files = []
    for x in seeds:
        x.end()
        files += x.files[:FILES]
    for i, f in enumerate(files):
        (folder / f'{name}-{i}').write_bytes(f)
    return len(files)


def vms(seen):
    """What the guest posted; what the host did by itself."""
    out = Seeds(b'\x13', b'\x03')
    for r in seen:
        if r.kind != 1:
            continue
        m, kind = bytearray(r.data), u32(r.data)
        if r.to_guest:
            if kind == RESCIND:
                out.add(b'\x0a\x00')
            elif kind == OFFER and struct.unpack_from('<H', m, 180)[0] == 1:
                out.add(b'\x0a\x42')            # four sub-channels
            continue
        if kind == BODY or not out.seldom((kind, r.relid, u32(m, 12))):
            continue
        if kind == CONTACT:
            m[24:40] = struct.pack('<QQ', 0x31000, 0x32000)
            if u32(m, 8) < 0x20004:
                m[16:24] = struct.pack('<Q', 0x30000)
        if kind == GPADL:
            n = min((len(m) - 28) // 8, 8)
            size = min(u32(m, 20), n * PAGE)
            m = m[:16] + struct.pack('<HHII', 8 + 8 * n, 1, size, 0) + \
                struct.pack(f'<{n}Q', *(0x40 + (u32(m, 12) * 8 + i) % 64
                                        for i in range(n)))
        out.add(bytes([0, len(m), kind]) + bytes(m[8:]) + b'\x00\x0b')
    return [out]


def vmc(seen):
    """What the host posted; what the guest's user did in between."""
    version = next((u32(r.data, 8) for r in seen if r.kind == 1 and
                    u32(r.data) == CONTACT), VMBUS[0])
    out = Seeds(bytes([VMBUS.index(version) << 3]),
                bytes([VMBUS.index(version) << 3 | 4]))
    users = {}
    for r in seen:
        if r.kind != 1:
            continue
        kind, m = u32(r.data), r.data
        user = users.get(u32(m, 8), 0) & 7
        if not out.seldom((kind, user, r.to_guest)):
            continue
        if not r.to_guest:
            out.add({OPEN: bytes([8, user << 4]),
                     GPADL: bytes([8, user << 4 | 4, 3]),
                     CLOSE: bytes([8, user << 4 | 7]),
                     TEARDOWN: bytes([8, user << 4 | 7])}.get(kind, b'\x09'))
        elif kind == OFFER:
            relid, sub = u32(m, 184), struct.unpack_from('<H', m, 180)[0]
            users.setdefault(relid, len(users))
            out.add(bytes([2, (relid - 1) & 15 | min(sub, 3) << 4 |
                           (m[189] & 1) << 6 | (m[190] & 1) << 7, 4, 0, 255]))
        elif kind == RESCIND:
            out.add(bytes([3, u32(m, 8) % 20, 9]))
        else:
            out.add(b'\x0a')                    # the right answer
    return [out]


def memory(at, b):
    """Operations of fuzz_vsp that write guest memory."""
    return b''.join(b'\x0c' + (at + i).to_bytes(3, 'little') +
                    bytes([len(b[i:i + 63])]) + b[i:i + 63]
                    for i in range(0, len(b), 63))


def ppis(b):
    """The kinds of per-packet information of an RNDIS packet."""
    at, end, kinds = 8 + u32(b, 28), 8 + u32(b, 28) + u32(b, 32), []
    while u32(b, 28) and at + 12 <= min(end, len(b)) and u32(b, at) >= 12:
        kinds.append((u32(b, at + 4), u32(b, at + 12)))
        at += u32(b, at)
    return kinds


def vsp_packet(r):
    """A packet of the guest, and the memory that it names."""
    data, ext = bytearray(r.data[:40]), b''
    kind, control = u32(data), u32(data, 4) == 1
    body = r.payload
    if not control:
        mac = 14 + u32(body, 8)                 # the sender's: the rig's
        body = body[:mac] + MAC + body[mac + 6:189]
    ops = b''
    if kind == RECV_BUF:
        data[4:8] = put(0xe1e10)
    elif kind == SEND_BUF:
        data[4:8] = put(0xe1e11)
    elif kind == RNDIS and r.type == GPA:
        size, off = u32(r.ext, 8), u32(r.ext, 12) % PAGE
        n = min((off + size + PAGE - 1) // PAGE, 16)
        size = min(size, n * PAGE - off)
        ext = put(0, 1, size, off) + b''.join(
            struct.pack('<Q', 0x100030 + i) for i in range(n))
        ops = memory(0x30000 + off, body[:size])
    elif kind == RNDIS and u32(data, 8) != 0xffffffff:
        section = u32(data, 8) % 10
        data[8:12] = put(section)
        ops = memory(0x20000 + section * 6144, body)
    return ops + bytes([0, r.type, r.flags & 1 | (r.queue & 3) << 3,
                        r.xact & 255, len(ext)]) + ext + \
        bytes([len(data)]) + bytes(data) + b'\x0d'


def vsp(seen):
    """Packets of the guest; frames towards it, acknowledged."""
    out = Seeds(b'\x01\x0a\xf0', b'\xc8')
    opened = {0}
    for r in seen:
        if r.kind != 2 or r.type not in (INBAND, GPA, XFER):
            continue
        kind = u32(r.data)
        if not r.to_guest and r.queue & 3 not in opened:
            opened.add(r.queue & 3)
            out.add(bytes([0x0a, r.queue & 3]))
        rndis = kind == RNDIS and len(r.payload) >= 44
        control = rndis and u32(r.data, 4) == 1
        same = (r.to_guest, r.type, kind, r.queue, control,
                u32(r.payload, 12) if control else 0,
                tuple(k for k, _ in ppis(r.payload)) if rndis and
                not control else ())
        if not out.seldom(same):
            continue
        if not r.to_guest:
            out.add(vsp_packet(r) + b'\x07\x00')
        elif rndis and not control:
            v6 = r.payload[8 + u32(r.payload, 8) + 12:][:2] == b'\x86\xdd'
            out.add(bytes([8, 0x40 | r.queue & 3, 4 | v6]) + struct.pack(
                '<H', min(u32(r.payload, 12), 1400)) + b'\0\0' +
                bytes([7, r.queue & 3]))
    return [out]


def vsc(seen):
    """Packets of the host: NVSP, RNDIS control, frames."""
    version = next((u32(r.data, 4) for r in seen if r.kind == 2 and
                    not r.to_guest and u32(r.data) == 1), NVSP[0])
    at = min(NVSP.index(version) if version in NVSP else 0, 3) << 4
    out, frames = Seeds(bytes([at | 5]), bytes([at | 15])), Seeds(b'\x0f',
                                                                  b'\x0f')
    sent = 1
    nvsp = [2, 102, 105, 108, 133, 134, 128, 129, 107]
    rndis = [0x80000002, 0x80000004, 0x80000005, 8, 7, 0x80000006,
             0x80000008, 1]
    for r in seen:
        if r.kind == 2 and not r.to_guest:
            sent = 1
        if r.kind != 2 or not r.to_guest:
            continue
        kind, p = u32(r.data), r.payload
        same = (r.type, kind, r.queue, len(r.ext), u32(p), tuple(ppis(p))
                if kind == RNDIS and u32(p) == 1 else u32(p, 12))
        if not out.seldom(same):
            continue
        if kind == RNDIS and u32(p) == 1:
            frames.add(vsc_frames(r))
        elif kind == RNDIS and u32(p) in rndis:
            body = p[12:255]
            out.add(bytes([4, rndis.index(u32(p)), len(body)]) + body +
                    b'\x08')
        elif kind in nvsp:
            b = 32 | (128 if r.type == INBAND else 0)
            b += (nvsp.index(kind) - b) % 9     # the rest names it
            words = r.data.ljust(40, b'\0')
            # If the guest sent something, its first packet is answered.
            out.add(bytes([1, b]) + b'\0' * sent + b''.join(
                any32(u32(words, i)) for i in range(4, 40, 4)) + b'\x08')
            sent = 0
    return [out, frames]


def vsc_frames(r):
    """The ranges of one packet, with the same information before each."""
    bits, frag, csum = 0, 7, 0
    for kind, value in ppis(r.payload):
        bits |= {0: 1, 2: 2, 6: 4, 9: 8, 10: 16}.get(kind & 0xffff, 0) \
            if kind < 0x80000000 else 32
        csum = value & 0x1ff if kind == 0 else csum
        frag = 6 if kind >= 0x80000000 else frag
    n = min(u32(r.ext, 4), 8) or 1
    out = bytes([2, n - 1])
    for i in range(n):
        flags = frag if bits & 32 == 0 else (2 if i == 0 else 0) | \
            (4 if i == n - 1 else 0)
        out += bytes([i, bits]) + struct.pack('<H', csum) + bytes([flags])
        out += struct.pack('<H', 1400) if bits & 32 and not flags & 2 else \
            b'\x04' + struct.pack('<H', 1000)
    return out + b'\x01\x08'


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--to', type=pathlib.Path, default=CORPUS,
                        metavar='DIR', help='instead of tests/fuzz/corpus')
    parser.add_argument('name')
    parser.add_argument('capture', nargs='+')
    opts = parser.parse_args()
    seen = [r for path in opts.capture for r in records(path)]
    for make in (vms, vmc, vsp, vsc):
        target = f'fuzz_{make.__name__}'
        n = write(make(seen), opts.to / target, opts.name)
        print(f'{target}: {n} files')


if __name__ == '__main__':
    main()

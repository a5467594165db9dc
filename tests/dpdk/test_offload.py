# SPDX-License-Identifier: BSD-2-Clause
"""DPDK's netvsc on our host: receive, offloads, RSS, link, neighbours."""
import socket
import struct
import threading
import time

import pytest

from conftest import (Far, Papp, backend_total, guid, host_faults, in_netns,
                      pattern, pattern_ok)

KEY = bytes.fromhex('6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b4'
                    '77cb2da38030f20c6a42b73bbeac01fa')


def toeplitz(key, data):
    k = int.from_bytes(key, 'big')
    h = 0
    for i, byte in enumerate(data):
        for b in range(8):
            if byte & 0x80 >> b:
                h ^= k >> (len(key) * 8 - 32 - (i * 8 + b)) & 0xffffffff
    return h


@pytest.fixture
def tap(lab):
    """A host with a TAP NIC, its far end."""
    lab.host(lab.tap_spec('n0', queues=2))
    return Far(lab)


def sender(sock, to, n, size, **kw):
    """Send n datagrams of `size` payload bytes, not too fast, in a thread."""
    def run():
        for seq in range(n):
            sock.sendto(pattern(seq, size), to)
            if seq % 32 == 31:
                time.sleep(0.002)
    t = threading.Thread(target=run, daemon=True)
    t.start()
    return t


def test_receive(lab, tap):
    """Content, checksum and hash of frames from a kernel's UDP socket."""
    p = Papp(lab).up(2)
    p.do(f'key {KEY.hex()}')
    tap.neighbour(p.do('info')['mac'])
    s = tap.udp(5000)
    for size in (22, 470, 1472):
        p.tell('rx 10 600')
        time.sleep(0.05)
        sender(s, ('10.9.0.1', 6000), 600, size).join()
        a = p.answer()
        assert (a['frames'], a['bad']) == (600, 0)
        assert (a['l4_good'], a['l4_bad']) == (600, 0)
        assert (a['ip_good'], a['ip_bad']) == (600, 0)
        assert a['hash'] == 600 and a['imissed'] == 0
        # Only by addresses (UDP has no type of its own in NDIS 6.30), or
        # with ports.
        ip = socket.inet_aton('10.9.0.2') + socket.inet_aton('10.9.0.1')
        assert a['hash_value'] in (
            toeplitz(KEY, ip),
            toeplitz(KEY, ip + struct.pack('>HH', 5000, 6000)))
    assert p.quit() == 0
    assert host_faults(lab, 'n0') == {}


def frame(src, dst, payload, tci=None):
    """A UDP frame from the far end, with a tag if one is requested."""
    udp = struct.pack('>HHHH', 5000, 6000, 8 + len(payload), 0) + payload
    ip = bytearray(struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), 0, 0,
                               64, 17, 0, b'\x0a\x09\x00\x02',
                               b'\x0a\x09\x00\x01'))
    ip[10:12] = struct.pack('>H', 0xffff - ones_sum(bytes(ip)))
    tag = struct.pack('>HH', 0x8100, tci) if tci is not None else b''
    return dst + src + tag + b'\x08\x00' + bytes(ip) + udp


def mac_bytes(text):
    return bytes.fromhex(text.replace(':', ''))


def test_receive_vlan(lab, tap):
    """The tag comes beside the frame, with priority."""
    p = Papp(lab).up()
    src, dst = mac_bytes(tap.mac()), mac_bytes(p.do('info')['mac'])
    raw = in_netns(tap.full, lambda: socket.socket(
        socket.AF_PACKET, socket.SOCK_RAW))
    raw.bind(('n0', 0))
    p.tell('rx 10 100')
    time.sleep(0.05)
    for seq in range(100):
        raw.send(frame(src, dst, pattern(seq, 200), 5 << 13 | 100))
    a = p.answer()
    assert (a['frames'], a['bad'], a['vlan']) == (100, 0, 100)
    assert (a['ip_good'], a['ip_bad']) == (100, 0)
    assert a['vlan_tci'] == 5 << 13 | 100
    assert p.quit() == 0


def test_transmit_vlan(lab, tap):
    """A tag that the driver was told of is in the frame at the far end."""
    p = Papp(lab).up()
    p.do(f'peer {tap.mac()}')
    raw = in_netns(tap.full, lambda: socket.socket(
        socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
    raw.setsockopt(263, 8, 1)       # SOL_PACKET, PACKET_AUXDATA
    raw.bind(('n0', 3))
    raw.settimeout(2)
    assert p.do(f'tx 50 300 vlan={3 << 13 | 77}')['completed'] == 50
    seen = 0
    while seen < 50:
        f, more, _, _ = raw.recvmsg(4096, 256)
        if f[12:14] != b'\x08\x00' or f[26:30] != b'\x0a\x09\x00\x01':
            continue
        aux = next(d for lv, t, d in more if (lv, t) == (263, 8))
        status, _, _, _, _, tci, tpid = struct.unpack('=IIIHHHH', aux)
        assert status & 0x50 == 0x50    # TCI and TPID are valid
        assert (tci, tpid) == (3 << 13 | 77, 0x8100)
        assert len(f) == 300 and pattern_ok(f[42:])
        seen += 1
    assert p.quit() == 0


def ones_sum(data):
    if len(data) % 2:
        data += b'\0'
    s = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s


def whole_sum(ip, vnet):
    """1s-complement sum over pseudo header and segment, as it came: 0xffff if
    complete, or, where the checksum is partial, what completes it."""
    seg = bytearray(ip[20:])
    pseudo = ip[12:20] + bytes([0, ip[9]]) + struct.pack('>H', len(seg))
    flags, _, _, _, start, off = struct.unpack('<BBHHHH', vnet[:10])
    if flags & 1:
        assert (start, off) == (34, 16 if ip[9] == 6 else 6)
        at = off
        assert struct.unpack('>H', seg[at:at + 2])[0] == ones_sum(pseudo)
        return 0xffff
    return ones_sum(pseudo + bytes(seg))


def test_checksum_offload(lab, tap):
    """What the far end's kernel gets is right, header and datagram."""
    p = Papp(lab).up()
    p.do(f'peer {tap.mac()}')
    s, raw = tap.udp(9), tap.raw()
    for size in (64, 700, 1514):
        assert p.do(f'tx 100 {size} csum')['completed'] == 100
        for _ in range(100):
            assert pattern_ok(s.recv(4096))
        seen = 0
        while seen < 100:
            f = raw.recv(70000)
            vnet, f = f[:10], f[10:]
            if f[12:14] != b'\x08\x00' or f[23] != 17:
                continue
            assert ones_sum(f[14:34]) == 0xffff
            assert whole_sum(f[14:], vnet) == 0xffff
            seen += 1
    assert p.quit() == 0


def test_tso(lab, tap):
    """A large frame arrives whole, its headers put right by the host."""
    p = Papp(lab).up()
    p.do(f'peer {tap.mac()}')
    raw = tap.raw()
    assert p.do('tx 20 9014 tso=1000')['completed'] == 20
    seen = 0
    while seen < 20:
        f = raw.recv(70000)
        vnet, f = f[:10], f[10:]
        if f[12:14] != b'\x08\x00' or f[23] != 6 or f[12 + 14] != 10 or \
                f[29] != 1:
            continue
        gso_type, hdr, gso = struct.unpack('<xBHH', vnet[:6])
        assert (gso_type, gso) == (1, 1000)
        assert struct.unpack('>H', f[16:18])[0] == 9000 == len(f) - 14
        assert ones_sum(f[14:34]) == 0xffff
        assert whole_sum(f[14:], vnet) == 0xffff
        assert pattern_ok(f[54:])
        seen += 1
    assert p.quit() == 0


def test_tso_cut(lab):
    """A backend that takes no large frames gets segments, all complete."""
    path = f'{lab.dir}/out.pcap'
    lab.host(f'backend=pcap,name=n0,file={path}')
    p = Papp(lab).up()
    assert p.do('tx 3 9014 tso=1000')['completed'] == 3
    assert p.do('tx 5 500 csum')['completed'] == 5
    assert p.quit() == 0
    lab.end(lab.procs[0])
    data, at, frames = open(path, 'rb').read(), 24, []
    while at < len(data):
        n = struct.unpack_from('<I', data, at + 8)[0]
        frames.append(data[at + 16:at + 16 + n])
        at += 16 + n
    tcp = [f for f in frames if f[23] == 6]
    assert len(tcp) == 3 * 9 and len(frames) == 32
    for f in frames:
        assert ones_sum(f[14:34]) == 0xffff
        seg = f[34:14 + struct.unpack('>H', f[16:18])[0]]
        pseudo = f[26:34] + bytes([0, f[23]]) + struct.pack('>H', len(seg))
        assert ones_sum(pseudo + seg) == 0xffff
    for k in range(3):
        whole = b''.join(f[54:] for f in tcp[9 * k:9 * k + 9])
        assert whole == pattern(k, 8960)


def test_rss(lab, tap):
    """The table moves frames to a queue; another key, another hash."""
    p = Papp(lab).up(2)
    tap.neighbour(p.do('info')['mac'])
    # Addresses differ, for a hash by addresses.
    for i in range(3, 35):
        lab.run('h', f'ip addr add 10.9.0.{i}/24 dev n0')
    socks = []
    for i in range(2, 35):
        s = in_netns(tap.full, lambda: socket.socket(
            socket.AF_INET, socket.SOCK_DGRAM))
        s.bind((f'10.9.0.{i}', 5000))
        socks.append(s)

    def burst():
        p.tell('rx 10 330')
        time.sleep(0.05)
        for seq in range(330):
            socks[seq % 33].sendto(pattern(seq, 100), ('10.9.0.1', 6000))
            if seq % 32 == 31:
                time.sleep(0.002)
        a = p.answer()
        assert (a['frames'], a['bad']) == (330, 0)
        return a

    a = burst()
    assert all(n > 0 for n in a['queues']), a
    for q in (1, 0):
        p.do(f'reta {q}')
        a = burst()
        assert a['queues'][q] == 330
    first = a['hash_value']
    p.do(f'key {KEY.hex()}')
    a = burst()
    assert a['hash_value'] != first
    assert p.quit() == 0
    assert host_faults(lab, 'n0') == {}


@pytest.mark.parametrize('how', ['state', 'event'])
def test_link(lab, tap, how):
    """Down and up reach the program.  Where it requested events the driver
    raises one, and keeps the state that it remembers (22.11)."""
    p = Papp(lab).up(lsc=how == 'event')
    assert p.do('info')['link'] == 1
    for state, want in (('down', 0), ('up', 1)):
        p.tell('link 10')
        time.sleep(0.2)
        lab.set('n0', f'link={state}')
        a = p.answer()
        if how == 'event':
            assert a['lsc_events'] == 1
        else:
            assert (a['before'], a['now']) == (1 - want, want)
    assert p.do('tx 10 64')['completed'] == 10
    assert p.quit() == 0
    assert host_faults(lab, 'n0') == {}


def test_echo(lab, tap):
    """Frames there and back, each one checked at both ends."""
    p = Papp(lab).up(2)
    tap.neighbour(p.do('info')['mac'])
    s = tap.udp(5000)
    raw = tap.raw()
    p.tell('echo 20 500')
    time.sleep(0.05)
    sender(s, ('10.9.0.1', 6000), 500, 300).join()
    a = p.answer()
    assert (a['frames'], a['bad'], a['tx_fail']) == (500, 0, 0)
    back = set()
    mac = bytes.fromhex(tap.mac().replace(':', ''))
    while len(back) < 500:
        f = raw.recv(4096)[10:]
        if f[:6] == mac and f[12:14] == b'\x08\x00' and f[23] == 17:
            assert pattern_ok(f[42:])
            back.add(f[42:46])
    assert p.quit() == 0


def test_pair_with_our_guest(lab):
    """A DPDK program and `hvnet guest`, joined at the host."""
    lab.host('backend=pair,name=n0,peer=n1', 'backend=pair,name=n1,peer=n0,'
             'guest=ours')
    p = Papp(lab, nic='n0').up()
    lab.guest('g', 'hn0', vps=1, args=('--name', 'ours', '--nic', 'n1'))
    far = Far(lab, 'hn0', 'g')
    far.neighbour(p.do('info')['mac'])
    p.do(f'peer {far.mac()}')
    s = far.udp(9)
    for size in (64, 512, 1514):
        a = p.do(f'tx 300 {size} csum')
        assert a['completed'] == 300
        got = [s.recv(4096) for _ in range(300)]
        assert all(len(g) == size - 42 and pattern_ok(g) for g in got)
        p.tell('rx 10 300')
        time.sleep(0.05)
        sender(s, ('10.9.0.1', 6000), 300, size - 42).join()
        a = p.answer()
        assert (a['frames'], a['bad'], a['l4_bad']) == (300, 0, 0)
    assert p.quit() == 0
    for nic in ('n0', 'n1'):
        assert host_faults(lab, nic) == {}


def test_memory_added_while_running(lab, tap):
    """Memory that the host has not seen is requested, and only once."""
    p = Papp(lab).up()
    p.do(f'peer {tap.mac()}')
    assert p.do('tx 100 1500')['completed'] == 100
    c = next(x for x in lab.stat() if x['kind'] == 'uio')
    assert c['iova'] == 'va' and c['regions'] >= 1
    assert 1 <= c['counters']['wants'] < 20
    assert c['counters']['wants_unknown'] == 0
    assert backend_total(lab, 'n0', 'written') == 100
    assert p.quit() == 0


@pytest.mark.parametrize('iova', ['va', 'pa'])
def test_memory_used_again(lab, tap, iova):
    """Pages given back and taken again at the same place are other pages: the
    host never sends what was there before."""
    p = Papp(lab, [f'--iova-mode={iova}', '-a',
                   f'vmbus:{guid(lab, "n0")},tx_copybreak=0']).up()
    p.do(f'peer {tap.mac()}')
    s = tap.udp(9)
    for _ in range(15):
        p.do('pool')
        a = p.do('tx 50 1000')
        assert (a['completed'], a['errors']) == (50, 0)
        got = [s.recv(4096) for _ in range(50)]
        assert [int.from_bytes(g[:4], 'little') for g in got] == list(
            range(a['first_seq'], a['first_seq'] + 50))
        assert all(pattern_ok(g) for g in got)
    c = next(x for x in lab.stat() if x['kind'] == 'uio')['counters']
    assert c['regions_removed'] > 0
    assert p.quit() == 0
    assert host_faults(lab, 'n0') == {}


@pytest.mark.parametrize('queues,eal', [
    (1, '--iova-mode=va'), (2, '--iova-mode=va'), (8, '--iova-mode=va'),
    (1, '--iova-mode=pa'), (1, '--no-huge -m 512')])
def test_generator(lab, queues, eal):
    """Paced frames: none is lost, and each is what its number says.  (What
    comes before its start is done the driver drops without a count.)"""
    lab.host(f'backend=generator,name=n0,queues={queues},size=200,'
             'rate=5000')
    p = Papp(lab, eal.split()).up(queues)
    before = p.do('rx 0.2 100000')['imissed']
    a = p.do('rx 60 2000', 90)
    # It ends with the burst that reached the number.
    assert 2000 <= a['frames'] < 2000 + 32 * queues
    assert (a['bad'], a['imissed']) == (0, before)
    assert all(n > 0 for n in a['queues']), a
    if queues == 1:
        assert a['last_seq'] - a['first_seq'] + 1 == a['frames']
    assert p.quit() == 0
    assert host_faults(lab, 'n0') == {}


def test_generator_unpaced(lab):
    """As fast as the driver takes them: the host drops nothing.  (So many that
    they are not all made before the program comes to look.)"""
    lab.host('backend=generator,name=n0,size=64,frames=3000000')
    p = Papp(lab).up()
    a = p.do('rx 5 3000000', 30)
    assert a['bad'] == 0 and a['frames'] > 1000
    assert backend_total(lab, 'n0', 'read') == 3000000
    assert backend_total(lab, 'n0', 'behind') == 0
    q = next(n for x in lab.stat('n0') if x['kind'] == 'host'
             for n in x['nics'])['queues'][0]['to_guest']
    assert q['frames'] == 3000000
    assert [k for k, v in q.items() if k.startswith('drop') and v] == []
    assert p.quit() == 0

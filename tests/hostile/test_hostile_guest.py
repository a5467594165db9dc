# SPDX-License-Identifier: BSD-2-Clause
"""The real host process against a guest that lies.

A good guest is attached beside it all the time and must have its traffic; and
when the liar is gone the host has every descriptor, mapping and byte back.
"""
import os
import random
import re
import signal
import socket
import struct
import time

import pytest

import peer
from peer import GPA, PAGE, Gone, eventfd, memory
from stage import Stage, refused


@pytest.fixture
def stage(lab):
    made = Stage(lab)
    yield made
    made.end()


# --- the socket ---

def test_first_words(stage):
    """HELLO first, once, and well-formed."""
    for kind in (2, 3, 4, 5, 6, 7, 8, 65, 99):
        g = stage.guest()
        refused(peer.E_PROTO, g.ask, kind, bytes(248))
        g.close()
    for data in (b'', b'\1', bytes(8), struct.pack('II', 1, 1), bytes(600)):
        g = stage.guest()
        if data:
            g.raw(data)
            refused(peer.E_PROTO, g.answer)
        g.close()
    for kw, status in (({'magic': 1}, peer.E_PROTO),
                       ({'version': 0}, peer.E_VERSION),
                       ({'vps': 0}, peer.E_LIMIT),
                       ({'vps': 65}, peer.E_LIMIT),
                       ({'vps': 0xffffffff}, peer.E_LIMIT),
                       ({'nic': 'x' * 31}, peer.E_NONIC),
                       ({'nic': 'x' * 32}, peer.E_PROTO)):
        g = stage.guest()
        assert g.hello(**{'nic': 'null0', **kw}) == status
        g.close()
    g = stage.guest()
    assert g.hello('null0') == peer.OK
    refused(peer.E_PROTO, g.hello, 'null0')
    g.close()


def test_names(stage):
    """Those that are none are refused, with one clean line; the pid of a guest
    is what the kernel says."""
    for name in (b'a\nhvnet host: all is well', b'\x1b[2J', b'\xff', b'a b',
                 b'a,b', b'\xc3\xbc', b'x' * 32):
        for kw in ({'name': name}, {'nic': name}):
            g = stage.guest()
            assert g.hello(**{'nic': 'null0', **kw}) == peer.E_PROTO
            g.close()
    g = stage.guest()
    assert g.hello('null0', name=b'x' * 31, pid=1) == peer.OK
    got, = (n['guest'] for n in stage.stat()['nics'] if n['name'] == 'null0')
    assert (got['name'], got['pid']) == ('x' * 31, os.getpid())
    g.close()
    log = stage.lab.log(stage.host)
    assert 'all is well' not in log and log.isascii() and '\x1b' not in log
    assert 'HELLO: its name or NIC is not printable ASCII' in log
    assert f'({"x" * 31}, pid {os.getpid()}) connected' in log


def test_log_is_not_used_up(stage):
    """One guest that comes and goes under a new name each time, another that
    is refused each time: the log of a third is complete."""
    for k in range(150):
        g = stage.guest()
        assert g.hello('null0', name=b'liar%d' % k) == peer.OK
        g.close()
        g = stage.guest()
        assert g.hello(f'no{k}') == peer.E_NONIC
        g.close()
    stage.settle()
    g = stage.guest()
    assert g.hello('null1', name=b'honest') == peer.OK
    g.close()
    stage.settle()
    log = stage.lab.log(stage.host)
    assert '(honest, pid ' in log
    assert log.count('\n') < 100


def test_half_open_connections(stage):
    """They cost a slot for LINK_HELLO_SECONDS, and nothing else."""
    idle = [stage.guest() for _ in range(40)]
    stage.served()
    g = stage.guest().machine('null0')
    g.close()
    time.sleep(5.5)
    for s in idle:
        refused(peer.E_PROTO, s.answer)
        s.close()


def test_guest_that_never_reads(stage):
    """Requests whose answers nobody takes: the host gives it up."""
    g = stage.guest()
    assert g.hello('null0') == peer.OK
    g.sock.settimeout(0.2)
    with pytest.raises((Gone, socket.timeout)):
        for _ in range(200000):
            g.send(peer.RESET)
    stage.served()
    g.close()


def test_flood_of_messages(stage):
    """Read at its own pace; nobody else waits."""
    g = stage.guest().machine('null0').contact()
    g.sock.setblocking(False)
    end = time.monotonic() + 3
    sent = 0
    while time.monotonic() < end:
        try:
            g.post(struct.pack('<II', 99, 0))
            sent += 1
        except BlockingIOError:
            time.sleep(0.001)
        if sent % 20000 == 1:
            stage.served(5)
    usage = next(n for n in stage.stat()['nics'] if n['name'] == 'null0')
    assert usage['guest']['posts_delayed'] > 0
    assert usage['guest']['posts'] < 3 * 20000 + 10000
    # Others attach and get their answers meanwhile.
    stage.guest().machine('null1').contact().open().close()
    g.close()
    assert stage.faults()['VMBUS_TYPE'] > 1000


# --- descriptors ---

def test_wrong_descriptors(stage):
    r, w = os.pipe()
    pair = socket.socketpair()
    bad = [r, w, pair[0].fileno(), os.open('/', os.O_RDONLY),
           os.open('/dev/null', os.O_RDWR), memory(PAGE),
           os.open('/dev/zero', os.O_RDWR)]
    good = eventfd()
    for fd in bad:
        for pair_fds in ((fd, good), (good, fd)):
            g = stage.guest()
            assert g.hello('null0') == peer.OK
            refused(peer.E_PROTO, g.vp_fds, 0, *pair_fds)
            g.close()
    g = stage.guest()
    assert g.hello('null0') == peer.OK
    refused(peer.E_PROTO, g.ask, peer.VP_FDS, struct.pack('II', 0, 0), [good])
    g.close()
    for n in (3, 60):
        g = stage.guest()
        assert g.hello('null0') == peer.OK
        refused(peer.E_PROTO, g.ask, peer.VP_FDS, struct.pack('II', 0, 0),
                [good] * n)
        g.close()
    g = stage.guest()
    assert g.hello('null0') == peer.OK
    refused(peer.E_PROTO, g.ask, peer.RESET, b'', [good])
    g.close()
    for fd in bad[3:] + [r, w, good]:
        os.close(fd)


def test_memory_that_can_go(stage):
    """Unsealed, read-only, too short, of a file: refused; and it stays up."""
    g = stage.guest()
    assert g.hello('null0') == peer.OK
    loose = memory(64 * PAGE, seals=0)
    exe = os.open('/proc/self/exe', os.O_RDONLY)
    written = memory(64 * PAGE, seals=peer.F_SEAL_SHRINK | 8)   # and WRITE
    good = memory(64 * PAGE)
    n = 64 * PAGE
    for args, status in (((loose, GPA, n), peer.E_MEM),
                         ((exe, GPA, n), peer.E_MEM),
                         ((written, GPA, n), peer.E_MEM),
                         ((good, GPA, 0), peer.E_MEM),
                         ((good, GPA, n + PAGE), peer.E_MEM),
                         ((good, GPA, n, PAGE), peer.E_MEM),
                         ((good, GPA, n, 1 << 63), peer.E_MEM),
                         ((good, GPA + 1, n), peer.E_MEM),
                         ((good, GPA, n - 1), peer.E_MEM),
                         ((good, 1 << 52, n), peer.E_MEM),
                         ((good, (1 << 64) - PAGE, n), peer.E_MEM),
                         ((good, GPA, n), peer.OK),
                         ((good, GPA, n), peer.E_MEM),
                         ((good, GPA + n - PAGE, n), peer.E_MEM)):
        assert g.mem_add(*args) == status, args
    assert g.mem_del(GPA + PAGE) == peer.E_MEM
    os.close(loose)
    os.close(exe)
    os.close(written)
    with pytest.raises(OSError):
        os.ftruncate(good, 0)
    os.close(good)
    g.close()


def test_memory_truncated_under_the_host(stage):
    """A uio guest may bring what cannot be sealed: only it pays for that."""
    g = stage.guest()
    assert g.hello('null0', kind=1) == peer.OK
    loose = memory(64 * PAGE, seals=0)
    irq, eom = eventfd(os.O_NONBLOCK), eventfd(os.O_NONBLOCK)
    assert g.mem_add(loose, GPA, 64 * PAGE) == peer.OK
    assert g.vp_fds(0, irq, eom) == peer.OK
    assert g.vp_regs(0, peer.SCONTROL | peer.SIMP | peer.SIEFP, GPA,
                     GPA + PAGE) == peer.OK
    os.ftruncate(loose, 0)
    g.post(struct.pack('<IIIIBBHIQQ', 14, 0, 0x50003, 0, 2, 0, 0, 0, 0, 0), 4)
    refused(peer.E_MEM, g.answer)
    g.close()
    for fd in (loose, irq, eom):
        os.close(fd)
    stage.settle()
    assert stage.faults()['MEM_GONE'] == 1


def test_flood_of_regions(stage):
    g = stage.guest()
    assert g.hello('null0') == peer.OK
    fd = memory(64 * PAGE)
    for i in range(128):
        assert g.mem_add(fd, GPA + i * PAGE, PAGE, i % 64 * PAGE) == peer.OK
    refused(peer.E_LIMIT, g.mem_add, fd, GPA + 128 * PAGE, PAGE)
    os.close(fd)
    g.close()
    stage.settle()
    assert stage.faults()['LINK_LIMIT'] == 1
    g = stage.guest()
    assert g.hello('null0') == peer.OK
    big = memory(65 << 30)
    refused(peer.E_LIMIT, g.mem_add, big, GPA, 65 << 30)
    os.close(big)
    g.close()


def test_registers_anywhere(stage):
    g = stage.guest()
    assert g.hello('null0') == peer.OK
    fd = memory(8 * PAGE)
    assert g.mem_add(fd, GPA, 8 * PAGE) == peer.OK
    on = peer.SCONTROL | peer.SIMP | peer.SIEFP
    for simp, siefp in ((0, GPA), (GPA, 0), (GPA + 8 * PAGE, GPA),
                        (GPA + 1, GPA), ((1 << 64) - PAGE, GPA),
                        (GPA, 1 << 63)):
        assert g.vp_regs(0, on, simp, siefp) == peer.E_MEM
    assert g.vp_regs(0, on, GPA, GPA + PAGE) == peer.OK
    # Both pages one, or one of both processors: its own loss.
    assert g.vp_regs(1, on, GPA, GPA) == peer.OK
    assert g.vp_regs(0, on | peer.SIMP_FD, 7 * PAGE, GPA, [fd]) == peer.OK
    assert g.vp_regs(0, on | peer.SIMP_FD, 8 * PAGE, GPA, [fd]) == peer.E_MEM
    loose = memory(PAGE, seals=0)
    assert g.vp_regs(0, on | peer.SIMP_FD, 0, GPA, [loose]) == peer.E_MEM
    os.close(loose)
    os.close(fd)
    refused(peer.E_PROTO, g.vp_regs, 2, on, GPA, GPA)
    g.close()


# --- VMBus and its rings ---

# Reason, the lie, and what the host says of value and rule.
RING_LIES = {
    'write index out of range': ('RING_INDEX', lambda g: g.ring_set(
        write=g.size), '(it is 0x3000); right is a multiple of 8 below'),
    'write index unaligned': ('RING_INDEX', lambda g: g.ring_set(write=13),
                              '(it is 0xd); right is a multiple of 8 below'),
    'descriptor long': ('RING_OVERRUN', lambda g: (
        struct.pack_into('<HHHH', g.mem, g.out + PAGE, 6, 2, 0xffff, 0),
        g.ring_set(write=64)), '(before index 0x40); right is packets that'),
    'descriptor empty': ('RING_DESC', lambda g: (
        struct.pack_into('<HHHH', g.mem, g.out + PAGE, 6, 2, 0, 0),
        g.ring_set(write=64)), '(before index 0x40); right is 2 <= offset'),
    'unknown type': ('RING_TYPE', lambda g: g.ring_put(bytes(40), kind=77),
                     'right is in-band data, data by address, or a compl'),
    'NVSP before INIT': ('NVS_STATE', lambda g: g.ring_put(
        struct.pack('<III', 101, 1, 0xcafe).ljust(40, b'\0')),
        '(type 0x65); right is INIT first'),
    'NVSP of no type': ('NVS_TYPE', lambda g: g.ring_put(
        struct.pack('<I', 9999).ljust(40, b'\0')),
        'right is a type that the agreed NVSP version has'),
}


@pytest.mark.parametrize('lie', RING_LIES)
def test_lie_in_a_ring(stage, lie):
    """One fault with its reason, one line that says it; the channel is dead,
    the host is not."""
    reason, tell, rule = RING_LIES[lie]
    before = stage.faults()
    g = stage.guest().machine('null0').contact().open()
    tell(g)
    g.signal()
    stage.lab.wait(reason, lambda: stage.faults().get(reason, 0) ==
                   before.get(reason, 0) + 1, 3)
    for _ in range(50):
        g.signal()
    time.sleep(0.1)
    now = stage.faults()
    assert sum(now.values()) == sum(before.values()) + 1, (before, now)
    said = stage.stops()
    assert len(said) == 1 and rule in said[0], said
    assert re.match(r'hvnet host: null0: queue 0 of guest \d+ \(pid '
                    f'{os.getpid()}\\) stopped: ', said[0]), said
    stage.served()
    g.close()


def test_lies_again_and_again(stage):
    """A channel opened 100 times for the same lie: logged once."""
    g = stage.guest().machine('null0').contact().open()
    before = stage.faults().get('RING_INDEX', 0)
    for n in range(1, 101):
        g.ring_set(write=13)
        g.signal()
        stage.lab.wait('the fault', lambda: stage.faults()['RING_INDEX'] ==
                       before + n, 3)
        g.close_channel()
        g.open(again=True)
    assert len(stage.stops()) == 1, stage.stops()
    # What is new is logged.
    g.ring_set(write=21)
    g.signal()
    stage.lab.wait('another line', lambda: len(stage.stops()) == 2, 3)
    assert '(it is 0x15)' in stage.stops()[1]
    g.close()


def test_flood_of_gpadls(stage):
    g = stage.guest().machine('null0').contact()
    made = 0
    for i in range(600):
        made += g.gpadl(100 + i, 100 + i % 500, 20) == 0
    assert made == 512
    stage.served()
    g.close()
    stage.settle()
    assert stage.faults()['GPADL_LIMIT'] == 88


def test_random_bytes_everywhere(stage):
    """Open channel, random ring, random messages; seed in the failure."""
    seed = int(os.environ.get('HVNET_SEED', '1'))
    print('seed', seed, '(HVNET_SEED)')
    rnd = random.Random(seed)
    for _ in range(12):
        g = stage.guest().machine('null0').contact().open()
        try:
            for _ in range(60):
                at = g.out + rnd.choice((0, 4, 12, PAGE, PAGE + 64))
                g.mem[at:at + 16] = rnd.randbytes(16)
                g.ring_set(write=rnd.randrange(0, g.size, 8))
                g.signal()
                g.post(struct.pack('<II', rnd.randrange(1, 31), 0) +
                       rnd.randbytes(rnd.randrange(0, 200)))
                at = rnd.randrange(0, 4 * PAGE - 64)
                g.mem[at:at + 32] = rnd.randbytes(32)
                g.drain()
        except Gone:
            pass
        g.close()
        stage.settle()
    stage.served()


# --- guests that stop ---

def test_guests_that_come_and_go(stage):
    """Fifty guests that vanish at every step of their coming up."""
    for i in range(50):
        g = stage.guest()
        if i % 5 > 0:
            g.machine('null0')
        if i % 5 > 1:
            g.contact()
        if i % 5 > 2:
            g.open()
        if i % 5 > 3:
            g.signal()
        g.close()
        stage.settle()


@pytest.mark.parametrize('sig', [signal.SIGSTOP, signal.SIGKILL],
                         ids=['stopped', 'killed'])
def test_good_program_badly_timed(stage, sig):
    """Our own guest, stopped or killed under traffic beside the good one."""
    lab = stage.lab
    ns = lab.netns('b')
    bad = lab.start(None, [lab.hvnet, 'guest', '--connect', lab.sock,
                           '--ifname', 'hnb', '--netns', ns, '--nic',
                           'null0', '--vps', '2'], 'bad')
    lab.wait('second guest', lambda: lab.guest_up('hnb'), 15, [bad])
    lab.run('b', 'ip addr add 10.8.0.1/24 dev hnb')
    lab.run('b', 'ip link set hnb up')
    lab.run('b', 'ip neigh add 10.8.0.2 lladdr 02:00:00:00:00:99 dev hnb')
    flood = lab.start('b', 'ping -q -f -w 3 -s 8000 10.8.0.2', 'flood')
    time.sleep(0.5)
    os.kill(bad.pid, sig)
    stage.served(100)
    lab.end(flood, signal.SIGKILL, quiet=True)
    lab.end(bad, signal.SIGKILL, quiet=True)

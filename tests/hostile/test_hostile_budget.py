# SPDX-License-Identifier: BSD-2-Clause
"""Mappings of the host: whoever takes all it can get leaves the others theirs.

A process has 65,530 mappings unless its machine says otherwise.  One that has
none left cannot even replace memory that a guest cut off (stage.py).
"""
import os
import pathlib
import struct

import pytest

import peer
from peer import GPA, PAGE, Gone, eventfd, memory
from stage import Stage, refused, resources

GPADL_PAGES = 4000


@pytest.fixture
def stage(lab):
    made = Stage(lab)
    yield made
    made.end()


def scattered(g, number):
    """A GPADL none of whose pages follows another one; its status."""
    pfns = [GPA // PAGE + 900 - i % 800 for i in range(GPADL_PAGES)]
    g.post(struct.pack('<IIIIHHII', 8, 0, g.offers[0], number, 8 + 8 *
                       GPADL_PAGES, 1, GPADL_PAGES * PAGE, 0) +
           struct.pack('<26Q', *pfns[:26]))
    for at in range(26, GPADL_PAGES, 28):
        part = pfns[at:at + 28]
        g.post(struct.pack(f'<IIII{len(part)}Q', 9, 0, at, number, *part))
    m = g.message(20)
    assert m[0] == 10
    return struct.unpack_from('<I', m, 16)[0]


def regions(g, count):
    """As many regions of a page; how many the host took."""
    fd, taken = memory(PAGE, seals=0), 0
    for at in range(0, count, 50):
        try:
            for i in range(at, at + 50):
                g.send(peer.MEM_ADD, struct.pack('QQQ', GPA + i * PAGE, PAGE,
                                                 0), [fd])
        except Gone:
            pass                # the answers say why
        try:
            for i in range(50):
                assert g.answer() == peer.OK
                taken += 1
        except Gone as e:
            assert e.status == peer.E_LIMIT
            break
    os.close(fd)
    return taken


def test_mappings_run_out(stage):
    """Three guests with NICs and many without take mappings; none can take
    what the host needs for itself and for the next guest."""
    limit = int(pathlib.Path('/proc/sys/vm/max_map_count').read_text())
    if limit > 100000:
        pytest.skip(f'vm.max_map_count is {limit}: too many to use up')
    for i in range(3):
        g = stage.guest().machine(f'null{i}').contact()
        made = [scattered(g, n) for n in range(1, 6)]
        assert made[0] == 0 and made[-1] != 0
    took = []
    for i in range(30):
        g = stage.guest()
        assert g.hello('null0', kind=1) == peer.OK
        took.append(regions(g, 900 if i == 0 else 1000))
    used, stat = resources(stage.host.pid)[1], stage.stat()
    assert stat['guest_mappings'] <= stat['guest_mappings_max'] < limit
    print(f'{used} mappings of {limit}; regions {took}')
    assert limit / 2 < used < limit * 0.8
    assert took[-1] == 128      # each has those, and may not have more
    # One of them cuts off what the host is about to touch.
    g = stage.guest()
    assert g.hello('null0', kind=1) == peer.OK
    loose = memory(64 * PAGE, seals=0)
    assert g.mem_add(loose, GPA, 64 * PAGE) == peer.OK
    irq, eom = eventfd(os.O_NONBLOCK), eventfd(os.O_NONBLOCK)
    assert g.vp_fds(0, irq, eom) == peer.OK
    assert g.vp_regs(0, peer.SCONTROL | peer.SIMP | peer.SIEFP, GPA,
                     GPA + PAGE) == peer.OK
    os.ftruncate(loose, 0)
    g.post(struct.pack('<IIIIBBHIQQ', 14, 0, 0x50003, 0, 2, 0, 0, 0, 0, 0), 4)
    refused(peer.E_MEM, g.answer)
    for fd in (loose, irq, eom):
        os.close(fd)
    stage.served()


def test_no_uio(lab):
    """The operator decides whether such guests are taken."""
    stage = Stage(lab, ('--no-uio',))
    g = stage.guest()
    assert g.hello('null0', kind=1) == peer.E_KIND
    assert '--no-uio takes none' in lab.log(stage.host)
    assert stage.guest().hello('null0') == peer.OK
    stage.end()

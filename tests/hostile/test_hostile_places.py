# SPDX-License-Identifier: BSD-2-Clause
"""Places, descriptors and NICs: what guests can take from each other.

A good guest is attached all the time and must have its traffic (stage.py).
"""
import os
import re
import resource
import time

import pytest

import peer
from lab import cpu_seconds
from peer import GPA, PAGE, Gone, memory
from stage import Stage, refused, resources


@pytest.fixture
def stage(lab):
    made = Stage(lab)
    yield made
    made.end()


# --- places ---

def test_silence_makes_room(stage):
    """When all places are taken the oldest silent one goes."""
    silent = [stage.guest() for _ in range(63)]
    stage.lab.wait('all places are taken',
                   lambda: stage.stat()['guests'] == 64, 4)
    assert stage.stat()['evicted'] == 0
    g = stage.guest().machine('null0').contact().open()
    refused(peer.E_BUSY, silent[0].answer)
    # Whoever speaks in time is a guest, however many came meanwhile.
    assert silent[62].hello('null1') == peer.OK
    more = [stage.guest() for _ in range(200)]
    assert more[199].hello('null2') == peer.OK
    stage.served()
    now = stage.stat()
    assert now['evicted'] == 201 and now['turned_away'] == 0
    assert now['guests'] == 64
    assert g.gpadl(7, 100, 20) == 0     # it stayed
    for s in silent + more:
        s.close()
    g.close()


def test_no_place_for_a_guest(lab):
    """Guests that sent HELLO stay; one too many is told so."""
    stage = Stage(lab, ('--max-guests', '2'))
    g = stage.guest().machine('null0')
    for _ in range(3):
        late = stage.guest()
        refused(peer.E_BUSY, late.answer)
        late.close()
    assert stage.stat()['turned_away'] == 3
    assert lab.log(stage.host).count('turned away: as many') == 1
    # Our own guest says why it waits, and comes in when there is room.
    waits = lab.guest(ifname='hnw', args=('--nic', 'null1'), up=False)
    lab.wait('a reason', lambda: 'as many guests as it may' in
             lab.log(waits), 5, [waits])
    g.close()
    lab.wait('it is attached', lambda: lab.guest_up('hnw'), 5, [waits])
    lab.end(waits)
    stage.end()


# --- descriptors ---

def test_descriptors_run_out(stage):
    """Guests get no more of them; who has what it needs keeps it."""
    pid = stage.host.pid
    old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    assert old[0] == old[1]         # raised at start
    limit = resources(pid)[0] + 64 + 40
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))
    fd = memory(64 * PAGE)
    g = stage.guest()
    assert g.hello('null0') == peer.OK
    with pytest.raises(Gone) as e:
        for i in range(60):
            assert g.mem_add(fd, GPA + i * PAGE, PAGE, 0) == peer.OK
    assert e.value.status == peer.E_LIMIT and i > 30
    os.close(fd)
    stage.lab.wait('a reason', lambda: 'MEM_ADD: out of file descriptors: the '
                   f'limit is {limit}' in stage.lab.log(stage.host), 4)
    # So with connections; the good one and the operator do not notice.
    with pytest.raises(Gone) as e:
        for i in range(60):
            stage.guest().hello('hvhost0', name=b'bad')
    assert e.value.status == peer.E_LIMIT
    assert 'turned away: out of file descr' in stage.lab.log(stage.host)
    stage.served()
    assert stage.stat()['turned_away'] > 0
    for g in stage.guests:
        g.close()
    stage.settle()
    stage.guest().machine('null1').contact().open().close()


def test_no_descriptor_at_all(stage):
    """Not even for accept(): guests wait, and the host does not spin."""
    pid = stage.host.pid
    old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, old[1]))
    g = stage.guest()
    stage.lab.wait('a reason', lambda: 'a guest waits: out of file' in
                   stage.lab.log(stage.host), 4)
    before = cpu_seconds(pid)
    time.sleep(1)
    spent = cpu_seconds(pid) - before
    stage.served()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
    assert spent < 0.3, f'{spent} s of processor time while nothing happens'
    assert g.hello('null0') == peer.OK
    g.close()


# --- NICs ---

def test_guests_that_wait_for_a_nic(stage):
    """The host says why a guest has none; one that gets free is offered."""
    first = stage.guest().machine('null0').contact()
    second = stage.guest().machine('null0').contact()
    assert len(first.offers) == 1 and second.offers == []
    log = stage.lab.log(stage.host)
    assert re.search(r"waits for a NIC: null0 is guest \d+'s", log), log
    third = stage.guest()
    assert third.hello('null0') == peer.OK
    for _ in range(3):
        nobody = stage.guest()
        assert nobody.hello('typo') == peer.E_NONIC
        nobody.close()
    log = stage.lab.log(stage.host)
    assert log.count("wants NIC 'typo': there is none") == 1, log
    first.close()
    # It was there first, of the two that wait.
    offer = second.message()
    assert offer[0] == 1
    second.close()
    third.close()

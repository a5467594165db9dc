# SPDX-License-Identifier: BSD-2-Clause
"""DPDK's netvsc sending from the receive buffer what it received there, and
from memory that the host never gets to see."""
import time

import pytest

from conftest import (Far, Papp, backend_total, guid, host_faults,
                      pattern, pattern_ok)


def no_copy(lab, iova):
    """A program that neither copies what it gets nor what it sends."""
    return Papp(lab, [f'--iova-mode={iova}', '-a', f'vmbus:{guid(lab, "n0")},'
                      'rx_extmbuf_enable=1,tx_copybreak=0']).up()


def far_end(lab):
    lab.host(lab.tap_spec('n0', queues=1))
    return Far(lab)


def send(far, n, size):
    s = far.udp(5000)
    for seq in range(n):
        s.sendto(pattern(seq, size), ('10.9.0.1', 6000))
        if seq % 32 == 31:
            time.sleep(0.002)
    s.close()


@pytest.mark.parametrize('size', [400, 1472])
def test_echo(lab, size):
    """What comes goes back from where it lies, checked at both ends."""
    far = far_end(lab)
    p = no_copy(lab, 'va')
    far.neighbour(p.do('info')['mac'])
    raw = far.raw()
    mac = bytes.fromhex(far.mac().replace(':', ''))
    for n in range(1, 4):
        p.tell('echo 20 300')
        send(far, 300, size)
        a = p.answer()
        assert (a['frames'], a['bad'], a['tx_fail']) == (300, 0, 0)
        back = set()
        while len(back) < 300:
            f = raw.recv(4096)[10:]
            if f[:6] == mac and f[12:14] == b'\x08\x00' and f[23] == 17:
                assert len(f) == 42 + size and pattern_ok(f[42:])
                back.add(f[42:46])
        assert backend_total(lab, 'n0', 'written') == 300 * n
    # Nothing of it was copied on the way to us.
    q = next(n for x in lab.stat('n0') if x['kind'] == 'host'
             for n in x['nics'])['queues'][0]['from_guest']
    assert (q['by_gpa'], q['by_section']) == (900, 0)
    assert p.quit() == 0
    assert host_faults(lab, 'n0') == {}


def test_memory_unknown(lab):
    """The buffer has no run of physical addresses, as the driver thinks: what
    is sent from there ends the program, which would wait for ever."""
    far = far_end(lab)
    p = no_copy(lab, 'pa')
    far.neighbour(p.do('info')['mac'])
    p.tell('echo 20 300')
    send(far, 300, 1472)
    assert p.ended(40) == 1
    said = [x for x in p.text().splitlines() if x.startswith('hvnet uio:')]
    assert len(said) == 1
    assert 'which is in none of its shared mappings' in said[0]
    assert '--iova-mode=va' in said[0]
    # The NIC is free again, and works.
    p = Papp(lab).up()
    assert p.do('tx 100 1500')['completed'] == 100
    assert p.quit() == 0

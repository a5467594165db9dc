# SPDX-License-Identifier: BSD-2-Clause
"""What QEMU says to a host, told by a host that only writes it down."""
import struct
import time

from kit import Vm
from stub_host import (HELLO, MEM_ADD, POST, RESET, VP_FDS, VP_REGS,
                       DETACH, StubHost)

SCONTROL, MASKED, SIMP, SIEFP = 1, 2, 4, 8


def contact(host, n=1):
    """Versions that the guest asked for so far."""
    return [struct.unpack_from('<I', p['payload'], 8)[0]
            for p in host.of(POST)][:n]


def test_first_words_of_a_machine(lab):
    host = StubHost(lab.sock)
    vm = Vm(lab, vps=2, memory='512M', device=',nic=n0', name='stub')
    lab.wait('contact', lambda: host.of(POST), 60, [vm.proc])
    hello = host.of(HELLO)[0]
    assert (hello['magic'], hello['version']) == (0x54505648, 1)
    assert (hello['vps'], hello['kind']) == (2, 2)
    assert (hello['name'], hello['nic']) == ('stub', 'n0')
    # All RAM but the 384 KiB below 1 MiB, from one file.
    assert [(m['gpa'], m['bytes'], m['offset'], m['file'])
            for m in host.of(MEM_ADD)] == [
        (0, 0xa0000, 0, 512 << 20),
        (1 << 20, 511 << 20, 1 << 20, 512 << 20)]
    assert [x for x, _, n in host.seen[3:5]] == [VP_FDS, VP_FDS]
    assert [n for x, _, n in host.seen[3:5]] == [2, 2]
    last = {r['vp']: r for r in host.of(VP_REGS)}
    assert set(last) == {0, 1}
    for r in last.values():
        assert r['flags'] == SCONTROL | SIMP | SIEFP
        assert r['simp'] % 4096 == 0 and 0 < r['simp'] < 512 << 20
        assert r['siefp'] not in (0, r['simp'])
    post = host.of(POST)[0]
    assert post['connection'] == 4
    assert post['payload'][:4] == b'\x0e\0\0\0'      # INITIATE_CONTACT
    assert contact(host) == [0x50003]


def test_connection_that_host_lacks_is_refused_at_once(lab):
    """Linux goes on to 4.1 by connection 1 when 4 is an invalid id."""
    host = StubHost(lab.sock, connections=(1,))
    vm = Vm(lab)
    lab.wait('contact', lambda: host.of(POST), 60, [vm.proc])
    assert host.of(POST)[0]['connection'] == 1
    assert contact(host) == [0x40001]


def test_reset_is_told_and_registers_come_anew(lab):
    host = StubHost(lab.sock)
    vm = Vm(lab)
    lab.wait('contact', lambda: host.of(POST), 60, [vm.proc])
    before = len(host.seen)
    vm.qmp('system_reset')
    lab.wait('reset', lambda: host.of(RESET), 20, [vm.proc])
    at = [k for k, _, _ in host.seen].index(RESET)
    lab.wait('contact', lambda: len(host.of(POST)) == 2, 60, [vm.proc])
    # Nothing of the old machine after the reset, and memory stays as it was.
    assert at >= before
    assert host.seen[at + 1][0] == VP_REGS
    assert len(host.of(MEM_ADD)) == 2


def test_power_off_is_a_detach(lab):
    host = StubHost(lab.sock)
    vm = Vm(lab)
    lab.wait('contact', lambda: host.of(POST), 60, [vm.proc])
    vm.qmp('quit')
    lab.wait('detach', lambda: host.of(DETACH), 10)
    assert host.seen[-1][0] == DETACH


def test_memory_that_host_cannot_map_is_refused(lab):
    StubHost(lab.sock)
    vm = Vm(lab, args=('-object', 'memory-backend-ram,id=r2,size=512M',
                       '-machine', 'memory-backend=r2'))
    end = time.monotonic() + 20
    while vm.proc.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    assert vm.proc.returncode == 1
    assert 'memory-backend-memfd' in lab.log(vm.proc)

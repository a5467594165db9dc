# SPDX-License-Identifier: BSD-2-Clause
"""What QEMU says to a host, told by a host that only writes it down."""
import os
import struct
import time

from kit import Vm, compiled
from stub_host import (HELLO, MEM_ADD, POST, RESET, VP_FDS, VP_REGS,
                       DETACH, StubHost)

SCONTROL, MASKED, SIMP, SIEFP = 1, 2, 4, 8


def contact(host, n=1):
    """Versions that the guest requested so far."""
    return [struct.unpack_from('<I', p['payload'], 8)[0]
            for p in host.of(POST)][:n]


def test_first_words_of_a_machine(lab):
    host = StubHost(lab.sock)
    vm = Vm(lab, vps=2, memory='512M', options=['--nic', 'n0'], name='stub')
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


FULL = struct.pack('=Q', 2 ** 64 - 2)
EOM = 0x40000084


def fill(fd):
    """Make an eventfd full, and one whose writers wait."""
    os.set_blocking(fd, False)
    try:
        os.eventfd_read(fd)
    except BlockingIOError:
        pass
    os.write(fd, FULL)
    os.set_blocking(fd, True)


def test_hostile_host_holds_no_machine(lab):
    """Descriptors of any type and number, and eventfds made to wait: the host
    is let go, and the machine runs on."""
    host = StubHost(lab.sock)
    vm = Vm(lab, vps=1, append='noload').connect()
    vm.run('modprobe msr')
    vm.put(compiled(lab, 'ask'))

    def ask(what):
        return vm.run(f'/tmp/ask {what}', timeout=15)

    gone = 0

    def attached():
        lab.wait('attached', lambda: host.served > gone and host.eventfds, 30,
                 [vm.proc])

    def let_go(why, hostile):
        """The host is one for the machine, hostile, then no more."""
        nonlocal gone
        attached()
        before = lab.log(vm.proc).count(why)
        hostile()
        lab.wait(why, lambda: lab.log(vm.proc).count(why) > before, 15,
                 [vm.proc])
        gone += 1

    # An honest one first: known, signalled, unknown.
    fd = os.eventfd(0)
    host.signal_add(5, fd)
    lab.wait('signal', lambda: ask('signal 5') == '0x0', 5)
    assert os.eventfd_read(fd) > 0
    assert ask('signal 6') == '0x12'

    let_go('is no eventfd', lambda: host.signal_add(7, os.pipe()[1]))

    def many():
        try:
            for i in range(1, 3000):
                host.signal_add(i, fd)
        except OSError:
            pass                # let go of already

    let_go('one too many', many)

    # An interrupt that is taken back before the main loop reads of it.
    attached()
    irq = host.eventfds[0][0]
    os.set_blocking(irq, True)
    for _ in range(20000):
        os.write(irq, struct.pack('=Q', 1))
        try:
            os.preadv(irq, [bytearray(8)], -1, os.RWF_NOWAIT)
        except BlockingIOError:
            pass
    assert 'running' in vm.qmp('info status')

    def full_signal():
        host.signal_add(9, fd)
        lab.wait('signal', lambda: ask('signal 9') == '0x0', 5)
        fill(fd)
        assert ask('signal 9') == '0x0'

    let_go('waited for it', full_signal)

    def full_eom():
        fill(host.eventfds[0][1])
        assert ask(f'wrmsr {EOM} 0') == 'done'

    let_go('waited for it', full_eom)

    assert ask('signal 9') == '0x12'
    assert vm.kernel_log() == []

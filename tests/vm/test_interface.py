# SPDX-License-Identifier: BSD-2-Clause
"""What the machine answers if a guest requests what it lacks."""
import base64
import re

from kit import Vm, compiled

# Leaves 0x40000000 and up that say something; the rest up to 0xff are zeros.
LEAVES = ['40000005 7263694d 666f736f 76482074', '31237648 0 0 0',
          '4f7c a0000 0 0', '66 30 0 0', '0 ffffffff 0 0', '40 40 0 0']
# MSRs by number from 0x40000000 on (docs/vm.md).
READ = {0x02: '0x0', 0x81: '0x1', 0x84: '0x0'}
READ_ONLY = [0x02, 0x20, 0x81]
NOT_OURS = [
    0x03,                       # reset
    0x10, 0x21, 0x22, 0x23,     # run time, TSC page, frequencies
    0x70, 0x71, 0x72,           # APIC
    0x85, 0xa0, 0xb0, 0xb7,     # after SynIC's; synthetic timers
    0xf0, 0xf1, 0xff,           # idle, debugger
    0x100, 0x105, 0x106, 0x118, 0x1ff]


def test_what_is_not_there(lab):
    lab.host(lab.tap_spec())
    vm = Vm(lab, vps=1).connect()
    vm.run('modprobe msr')
    vm.put(compiled(lab, 'ask'))

    got = vm.run('/tmp/ask cpuid 0x40000000 256').splitlines()
    assert got == LEAVES + ['0 0 0 0'] * (256 - len(LEAVES))

    def msrs(numbers, *value):
        cmd = 'wrmsr' if value else 'rdmsr'
        return vm.run('; '.join(
            f'/tmp/ask {cmd} {0x40000000 + n:#x} {" ".join(value)}'
            for n in numbers)).split()

    assert dict(zip(READ, msrs(READ))) == READ
    a, b = (int(x, 16) for x in msrs([0x20, 0x20]))
    assert a < b
    assert msrs(READ_ONLY, '0') == ['fault'] * len(READ_ONLY)
    assert msrs(NOT_OURS) == ['fault'] * len(NOT_OURS)
    assert msrs(NOT_OURS, '1') == ['fault'] * len(NOT_OURS)
    # What is QEMU's stays QEMU's: unknown is ignored.
    assert msrs([0x200], '1') == ['done']

    dsdt = base64.b64decode(vm.run('base64 /sys/firmware/acpi/tables/DSDT'))
    # A range of memory in the device around VMBus; a method of 6 bytes.
    around, vmbus = dsdt[dsdt.index(b'VMOD'):].split(b'VMBS', 1)
    assert re.search(rb'_CRS.{1,6}\x87\x17\0', around, re.S)
    assert b'\x14\x06_PS3\0' in vmbus
    assert vm.kernel_log() == []

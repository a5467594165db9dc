# SPDX-License-Identifier: BSD-2-Clause
"""String instructions done in bulk (qemu/string.c) are what the processor's
manual says: a program that compares them with loops, here and in a machine."""
import subprocess

from kit import Vm, compiled


def test_string_instructions(lab):
    program = compiled(lab, 'strings')
    expected = subprocess.run([program], check=True, text=True,
                              capture_output=True).stdout
    assert int(expected.split()[0]) > 1000
    lab.host(lab.tap_spec())
    vm = Vm(lab, vps=1).connect()
    vm.put(program)
    assert vm.run('/tmp/strings') == expected.strip()

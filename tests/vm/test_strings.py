# SPDX-License-Identifier: BSD-2-Clause
"""String instructions done in bulk (qemu/string.c) are what the processor's
manual says: a program that compares them with loops, here and in a machine."""
import pathlib
import subprocess

from kit import HERE, Vm


def test_string_instructions(lab):
    program = pathlib.Path(lab.dir) / 'strings'
    subprocess.run(['gcc', '-O1', '-s', '-Wall', '-Wextra', '-Werror', '-o',
                    program, HERE / 'strings.c'], check=True)
    expected = lab.run(None, [program]).stdout
    assert int(expected.split()[0]) > 1000
    lab.host(lab.tap_spec())
    vm = Vm(lab, vps=1).connect()
    raw = program.read_bytes()
    for i in range(0, len(raw), 1000):
        vm.run(f'perl -e \'print pack "H*", "{raw[i:i + 1000].hex()}"\' '
               '>>/tmp/strings')
    assert vm.run('chmod +x /tmp/strings; /tmp/strings') == expected.strip()

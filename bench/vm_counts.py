# SPDX-License-Identifier: BSD-2-Clause
"""What QEMU counts of a machine, whatever kernel runs in it."""
import re
import struct

from kit import qemu

DEVICE = '/machine/peripheral-anon/device[0]'
SLOT = 64               # bytes a vCPU has in the plugin's file


def plugin_args(path):
    """QEMU's options for instructions, which slows the machine down."""
    return ['-plugin', f'{qemu().parent}/libhvnet-count.so,out={path}']


def machine_counts(vm, vps, path):
    """Since boot: signals; instructions, where there is a file."""
    told = vm.qmp(f'qom-get {DEVICE} signals')
    found = re.search(r'signals\s*(?:\x1b\[K)?[\r\n]+(\d+)', told)
    out = {'signals': [int(found.group(1))]}
    if path:
        raw = path.read_bytes()
        out['instructions'] = [struct.unpack_from('=Q', raw, SLOT * i)[0]
                               for i in range(vps)]
    return out

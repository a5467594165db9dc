#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Put hvnet's few hooks into an unpacked QEMU source tree.

Usage: hooks.py QEMU-SOURCE

Each hook is: the files it may be in (the first that has the place), what to
look for, and what goes in its place.  A pattern must match exactly once, else
the tree is one that we do not know and nothing is built.  Known: 7.2 and 10.0.
"""
import pathlib
import re
import sys

INCLUDE = (r'\A(.*?#include "qemu/osdep\.h"\n)',
           r'\1#include "hw/hvnet/hooks.h"\n')

MISC = ['target/i386/tcg/sysemu/misc_helper.c',
        'target/i386/tcg/system/misc_helper.c']

HOOKS = [
    # CPUID 0x40000000 and up.
    (['target/i386/cpu.c'], [
        INCLUDE,
        (r'(\n    /\* Calculate & apply limits for different index ranges \*/)',
         r'\n    if (hvnet_cpuid(env, index, eax, ebx, ecx, edx)) {'
         r'\n        return;\n    }\1'),
    ]),
    # Synthetic MSRs, before TCG's own, which ignore what they do not know; and
    # the hypercall page's port, which so takes no big lock.
    (MISC, [
        INCLUDE,
        (r'(void helper_rdmsr\(CPUX86State \*env\)\n\{.*?'
         r'SVM_EXIT_MSR, 0, GETPC\(\)\);\n)',
         r'\1    HVNET_MSR(env, hvnet_rdmsr(env));\n'),
        (r'(void helper_wrmsr\(CPUX86State \*env\)\n\{.*?R_EDX\]\) << 32\);\n)',
         r'\1    HVNET_MSR(env, hvnet_wrmsr(env, val));\n'),
        (r'(target_ulong helper_inl\(CPUX86State \*env, uint32_t port\)\n\{\n)',
         r'\1    uint64_t hvnet_status;\n\n'
         r'    if (hvnet_hypercall(env, port, &hvnet_status)) {'
         r'\n        return hvnet_status;\n    }\n'),
    ]),
    # Auto-EOI: the vector never becomes in-service.
    (['hw/intc/apic.c'], [
        INCLUDE,
        (r'    ((?:apic_)?set_bit\(s->isr, intno\);)\n',
         r'    if (!hvnet_auto_eoi(CPU(s->cpu)->cpu_index, intno)) {'
         r'\n        \1\n    }\n'),
    ]),
    # ACPI's VMBus device: _PS3 must be a method, as Linux says since 6.12.
    (['hw/i386/acpi-build.c'], [
        INCLUDE,
        (r'aml_name_decl\("_PS3", aml_int\(0x0\)\)\);\n',
         r'aml_method("_PS3", 0, AML_NOTSERIALIZED));\n'),
        (r'(vmbus_bridge->irq\)\);\n    aml_append\(dev, '
         r'aml_name_decl\("_CRS", crs\)\);\n\n    return )dev;',
         r'\1hvnet_acpi_module(dev);'),
    ]),
    # String instructions in bulk.
    (['target/i386/helper.h'], [
        (r'(DEF_HELPER_1\(rdrand, tl, env\)\n)',
         r'\1DEF_HELPER_2(hvnet_movs, void, env, i32)\n'
         r'DEF_HELPER_2(hvnet_stos, void, env, i32)\n'),
    ]),
    (['target/i386/tcg/translate.c'], [INCLUDE]),
    (['target/i386/tcg/translate.c', 'target/i386/tcg/emit.c.inc'], [
        (r'( +)(gen_repz(?:_movs\(s, ot|\(s, ot, gen_movs)\);)',
         r'\1HVNET_STRING(s, ot, movs);\n\1\2'),
        (r'( +)(gen_repz(?:_stos\(s, ot|\(s, ot, gen_stos)\);)',
         r'\1HVNET_STRING(s, ot, stos);\n\1\2'),
    ]),
    (['hw/meson.build'], [
        (r"(subdir\('hyperv'\)\n)", r"\1subdir('hvnet')\n"),
    ]),
]


def apply(tree, names, edits):
    for path in (tree / n for n in names):
        text = path.read_text() if path.exists() else ''
        if re.search(edits[0][0], text, flags=re.S):
            break
    else:
        sys.exit(f'hooks.py: the place is in none of {names} in {tree}')
    for find, put in edits:
        new, count = re.subn(find, put, text, flags=re.S)
        if count != 1:
            sys.exit(f'hooks.py: {path}: {count} matches of {find!r}')
        text = new
    path.write_text(text)
    print(f'hooks.py: {path.relative_to(tree)}')


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for names, edits in HOOKS:
        apply(pathlib.Path(sys.argv[1]), names, edits)


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compare what include/hvnet.h declares with what the libraries export.

  map       linux/frames/hvnet.map names each function of the header, no other
  shared    libhvnet.so exports these, each with the map's version
  static    libhvnet.a has no other global name
  version   HVNET_VERSION is the version of the tree
  pages     each function has one manual page, whose NAME lists it, and each
            constant stands in one

usage: check_library.py BUILD_DIR VERSION    exit 1 and a line on each fault
"""
import pathlib
import re
import subprocess
import sys

top = pathlib.Path(__file__).resolve().parent.parent
HEADER = 'include/hvnet.h'
MAP = 'linux/frames/hvnet.map'


def header_functions(text):
    text = re.sub(r'/\*.*?\*/', ' ', text, flags=re.S)
    return set(re.findall(r'^[a-z][\w *]*?\b(\w+)\([^;{]*\);', text, re.M))


def map_names():
    """{function: the node that has it}"""
    text = re.sub(r'#.*', '', (top / MAP).read_text())
    return {name: node for node, body in
            re.findall(r'(\w+) \{\s*global:(.*?)\blocal:', text, re.S)
            for name in re.findall(r'(\w+);', body)}


def globals_of(path, *options):
    """The global names that a library defines: {name: type}."""
    out = subprocess.run(['nm', '-g', '--defined-only', '-P', *options, path],
                         capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in out.splitlines()]
    return {r[0]: r[1] for r in rows if len(r) >= 2 and r[0][-1] != ':'}


def compare(what, found, wanted, remedy):
    for name in sorted(set(found) - set(wanted)):
        yield f'{what}: {name} is not in {HEADER}; {remedy}'
    for name in sorted(set(wanted) - set(found)):
        yield f'{what}: lacks {name} of {HEADER}; {remedy}'


def pages(header, text):
    """{page: functions and patterns that fill.py puts in}"""
    pages = {p.name: p.read_text() for p in (top / 'docs/man').glob('*.3.in')}
    for name in sorted(header):
        has = [p for p, page in pages.items() if f'@function {name}@' in page]
        if len(has) != 1:
            yield f'docs/man: {name} stands in {len(has)} pages (*.3.in)'
        elif not re.search(rf'^\.Nm {name}( ,)?$', pages[has[0]], re.M):
            yield f'docs/man/{has[0]}: its NAME lacks {name}'
    every = '\n'.join(pages.values())
    shown = re.findall(r'^@defines (.*)@$', every, re.M)
    for name in re.findall(r'^#define (HVNET_\w+)[ \t]+\S', text, re.M):
        if not re.search(rf'\b{name}\b', every) and \
                not any(re.match(pattern, name) for pattern in shown):
            yield f'docs/man: no page (*.3.in) has {name}'


def faults(build, version):
    text = (top / HEADER).read_text()
    header, nodes = header_functions(text), map_names()
    remedy = f'change {MAP}'
    yield from compare(MAP, nodes, header, remedy)
    shared = globals_of(build / 'linux/frames/libhvnet.so', '-D')
    want = {f'{name}@@{node}' for name, node in nodes.items()}
    want |= set(nodes.values())
    yield from compare('libhvnet.so', shared, want, remedy)
    yield from compare('libhvnet.a',
                       globals_of(build / 'linux/frames/libhvnet.a'), header,
                       'what is ours must be local (scripts/one_object.sh)')
    yield from pages(header, text)
    number = int(re.search(r'#define HVNET_VERSION\s+(0x[0-9a-f]+)', text)[1],
                 16)
    in_header = f'{number >> 16}.{number >> 8 & 255}.{number & 255}'
    if in_header != version:
        yield f'{HEADER}: HVNET_VERSION is {in_header}, the tree is {version}'


if len(sys.argv) != 3:
    sys.exit(__doc__)
wrong = list(faults(pathlib.Path(sys.argv[1]), sys.argv[2]))
print('\n'.join(wrong) or 'header, map and libraries agree')
sys.exit(1 if wrong else 0)

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Check who includes whom against the house (docs/architecture.md).

Prints a line for each include that crosses a wall; exit 1 if there is one.
"""
import pathlib
import re
import sys

# For each folder: the folders whose headers it may include, besides its own.
CORE = {
    'base': set(),
    'wire': {'base'},
    'ring': {'base', 'wire'},
    'pkt': {'base'},
    'bus': {'base', 'wire', 'ring'},
    'vsc': {'base', 'wire', 'pkt', 'bus'},
    'vsp': {'base', 'wire', 'pkt', 'bus'},
}
# Of bus, vsc and vsp see only these.
BUS_FOR = {
    'vsc': {'bus/chan.h'},
    'vsp': {'bus/chan.h', 'bus/vms.h', 'bus/partition.h', 'bus/guestmem.h'},
}
ALL_CORE = set(CORE)
OUTER = {
    # include/ is hvnet.h, the frames API, which linux/frames implements.
    'linux': {'linux', 'include'} | ALL_CORE,
    'sim': {'sim'} | ALL_CORE,
    'freebsd': {'freebsd'} | ALL_CORE,
    'cli': {'cli', 'linux', 'sim'} | ALL_CORE,
    'bench': {'bench', 'linux', 'sim', 'include'} | ALL_CORE,
}
# Client and server of VMBus share what lies below them, nothing of each other.
SIDES = [('bus/vmc', 'bus/vms')]
FREESTANDING = {'os_port.h'}

include = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
top = pathlib.Path(__file__).resolve().parent.parent
bad = []
files = 0


def folder(path):
    return path.split('/')[0] if '/' in path else ''


for src in sorted(top.glob('**/*.[ch]')):
    rel = src.relative_to(top).as_posix()
    parts = rel.split('/')
    if parts[0].startswith('build') or parts[0] in ('tests', 'qemu'):
        continue
    files += 1
    for kind, name in include.findall(src.read_text()):
        if parts[0] == 'core':
            layer = parts[1]
            if kind == '<':
                bad.append(f'{rel}: <{name}>: core has no system header')
                continue
            if name in FREESTANDING and rel == 'core/base/os.h':
                continue
            into = folder(name)
            if into == layer:
                for a, b in SIDES:
                    if (f'{layer}/{parts[-1]}'.startswith(a) and
                            name.startswith(b)) or \
                       (f'{layer}/{parts[-1]}'.startswith(b) and
                            name.startswith(a)):
                        bad.append(f'{rel}: "{name}": client and server')
                continue
            if into not in CORE[layer]:
                bad.append(f'{rel}: "{name}": {layer} may not see {into}')
            elif into == 'bus' and layer in BUS_FOR and \
                    name not in BUS_FOR[layer]:
                bad.append(f'{rel}: "{name}": of bus, {layer} sees '
                           f'{", ".join(sorted(BUS_FOR[layer]))}')
        elif kind == '"' and parts[0] in OUTER and '/' in name:
            if folder(name) not in OUTER[parts[0]]:
                bad.append(f'{rel}: "{name}": {parts[0]} may not see '
                           f'{folder(name)}')

for line in bad:
    print(line)
print(f'{files} files, {len(bad)} includes across a wall')
sys.exit(1 if bad else 0)

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The tables of Wireshark's dissector, made from the headers of core/wire.

Structures with the offset of each field, message types with their structures,
and the names of values stand in share/wireshark/hvnet.lua between two marks.
Without --write, compare them with the headers: exit 1 if they differ.

usage: wire_tables.py [--write]
"""
import difflib
import pathlib
import re
import sys
import textwrap

TOP = pathlib.Path(__file__).resolve().parent.parent
LUA = TOP / 'share/wireshark/hvnet.lua'
BEGIN = '-- BEGIN of the tables: scripts/wire_tables.py --write\n'
END = '-- END of the tables\n'
HEADERS = ['vmbus_wire.h', 'nvs_wire.h', 'rndis_wire.h', 'ndis_wire.h',
           'ring_wire.h', 'synic_wire.h']
SIZES = {'uint8_t': 1, 'le16_t': 2, 'le32_t': 4, 'le64_t': 8}


class Drift(Exception):
    """The headers are written in a way that this script does not know."""


def read(path):
    text = (TOP / path).read_text()
    return re.sub(r'/\*.*?\*/', '', text, flags=re.S)


def constants(text):
    """Values of #define NAME number, and of those made of others."""
    out = {}
    for name, value in re.findall(r'^#define\s+(\w+)\s+(.+?)\s*$',
                                  text.replace('\\\n', ' '), re.M):
        value = re.sub(r'\b(0x[0-9a-fA-F]+|\d+)u\b', r'\1', value)
        for word in set(re.findall(r'[A-Z_]\w+', value)):
            if word in out:
                value = re.sub(rf'\b{word}\b', str(out[word]), value)
        if re.fullmatch(r'[0-9a-fA-Fx()|+* ]+', value):
            out[name] = eval(value)     # digits and operators only
    return out


class Structures:
    """Fields of all wire structures: [(name, offset, bytes, kind)]."""

    def __init__(self):
        self.of, self.size, self.number = {}, {}, {}

    def add(self, text):
        self.number.update(constants(text))
        for name, body in re.findall(r'^struct (\w+_wire) \{(.*?)\};', text,
                                     re.S | re.M):
            self.of[name] = self.fields(name, body)
        for name, size in re.findall(r'WIRE_STRUCT\((\w+), (\w+)\)', text):
            want = self.value(size)
            if self.size[name] != want:
                raise Drift(f'{name}: {self.size[name]} bytes by its fields, '
                            f'{want} by WIRE_STRUCT')

    def value(self, text):
        text = text.strip().rstrip('u')
        if text.isdigit():
            return int(text)
        if text not in self.number:
            raise Drift(f'{text} is no number')
        return self.number[text]

    def fields(self, name, body):
        out, at, most = [], 0, 1
        for line in filter(None, (x.strip() for x in body.split(';'))):
            kind, names = re.fullmatch(r'((?:struct )?\w+)\s+(.*)', line,
                                       re.S).groups()
            kind = kind.removeprefix('struct ')
            for one in names.split(','):
                field, *dims = re.findall(r'\w+', one)
                count = 1
                for d in dims:
                    count *= self.value(d)
                each = SIZES.get(kind) or self.size[kind]
                align = min(each, 8) if kind in SIZES else \
                    self.align[kind]
                at += -at % align
                most = max(most, align)
                out.append((field, at, each, count if dims else 0, kind))
                at += each * count
        self.size[name] = at + -at % most
        self.align[name] = most
        return out

    align = {}

    def flat(self, name, base=0):
        """Fields of a structure and of those in it; arrays as bytes."""
        for field, off, each, count, kind in self.of[name]:
            if re.match(r'(pad|rsvd)\d?$', field):
                continue
            if kind not in SIZES and count <= 1:
                yield from self.flat(kind, base + off)
            elif count == 0:
                yield field, base + off, each, 'u'
            else:
                yield field, base + off, each * count, 'b'


def enum(text, name, prefix):
    body = re.search(rf'enum {name} \{{(.*?)\}};', text, re.S)[1]
    return {int(v): k.removeprefix(prefix) for k, v in
            re.findall(r'(\w+) = (\d+)', body)}


def defines(text, prefix, only=r'\w+', skip=()):
    """Names of values; only and skip are of what stands behind the prefix."""
    out = {}
    for k, v in constants(text).items():
        name = k.removeprefix(prefix)
        if k == name or name in skip or not re.fullmatch(only, name):
            continue
        if v in out:
            raise Drift(f'{prefix}{out[v]} and {k} are both {v}')
        out[v] = name
    return out


def xlist(text, name):
    body = re.search(rf'#define {name}\(X\)(.*?)\n\n', text, re.S)[1]
    return re.findall(r'X\(\s*(\w+),[\s\\]*("[^"]*"|\w+)\s*\)', body)


def rows(path, table, prefix, types):
    """Type, name and structure of each row of a table in a .c file."""
    body = re.search(rf'\b{table}\[.*?\] = \{{(.*?)^\}}', read(path),
                     re.S | re.M)[1]
    out = {}
    for t, struct in re.findall(r'ROW\((\w+), (\w+)\)', body) + \
        re.findall(r'(\w+)(?:\] = \{ "\w+"|),\s*(?:sizeof\(|offsetof\()'
                   r'struct (\w+)', body):
        out[t.removeprefix(prefix)] = struct
    if table == 'nvs_rows':         # its least length has a name
        out['RECV_BUF_DONE'] = 'nvs_recv_buf_done_wire'
    missing = set(types.values()) - set(out)
    if missing:
        raise Drift(f'{path}: no structure for {sorted(missing)}')
    return {v: (name, out[name]) for v, name in types.items()}


def tables():
    s = Structures()
    s.number.update(constants(read('core/base/os.h')))
    for h in HEADERS:
        s.add(read(f'core/wire/{h}'))
    s.add(read('linux/see/see_wire.h'))
    vmbus, nvs = read('core/wire/vmbus_msg.h'), read('core/wire/nvs_msg.h')
    rndis, ppi = read('core/wire/rndis_msg.h'), read('core/wire/rndis_pkt.h')
    ndis, see = read('core/wire/ndis_obj.h'), read('linux/see/see_wire.h')
    types = defines(rndis, 'RNDIS_', r'(?!(STATUS|VERSION|MAX|ALIGN)_)\w+',
                    ('COMPLETION', 'SET_EX', 'PACKET'))
    messages = {
        'vmbus': rows('core/wire/vmbus_msg.c', 'msg_rows', 'VMBUS_',
                      enum(vmbus, 'vmbus_msg_type', 'VMBUS_')),
        'nvsp': rows('core/wire/nvs_msg.c', 'nvs_rows', 'NVS_',
                     enum(nvs, 'nvs_msg_type', 'NVS_')),
        'rndis': rows('core/wire/rndis_msg.c', 'rndis_rows', 'RNDIS_', types),
    }
    messages['rndis'][1] = ('PACKET', 'rndis_packet_wire')
    values = {
        'vmbus_status': defines(vmbus, 'VMBUS_STATUS_'),
        'vmbus_version': {v: n[1:].replace('_', '.') for v, n in
                          defines(vmbus, 'VMBUS_', r'V\d_\d+').items()},
        'nvsp_status': enum(nvs, 'nvs_status', 'NVS_STATUS_'),
        'nvsp_version': {**{v: n[1:].replace('_', '.') for v, n in
                            defines(nvs, 'NVS_', r'V\d(_\d)?').items()},
                         0xffffffff: 'none'},
        'rndis_status': defines(rndis, 'RNDIS_STATUS_'),
        'ring_type': enum(read('core/wire/vmpkt.h'), 'vmpkt_type', 'VMPKT_'),
        'ppi': defines(ppi, 'RNDIS_PPI_', skip=('INTERNAL', 'BYTES')),
        'oid': {int(v.rstrip('u'), 16): n for n, v in
                xlist(ndis, 'NDIS_OID_LIST')},
        'captured_by': defines(see, 'SEE_END_'),
    }
    bits = {
        'offer': defines(vmbus, 'VMBUS_OFFER_', skip=('CHANNEL',)),
        'feature': defines(vmbus, 'VMBUS_FEATURE_'),
        'cap': defines(nvs, 'NVS_CAP_'),
        'filter': defines(ndis, 'NDIS_FILTER_'),
        'frag': defines(ppi, 'RNDIS_FRAG_', skip=('VERSION',)),
    }
    faults = dict(xlist(read('core/base/fault.h'), 'FAULT_LIST'))
    return s, messages, values, bits, faults


def key(v):
    return f'[0x{v:x}]' if v > 255 else f'[{v}]'


def group(out, name, items):
    """One table of a table, its items on as few lines as they need."""
    out.append(f'  {name} = {{\n')
    lines = textwrap.wrap(' '.join(x.replace(' ', '\0') for x in items), 78,
                          initial_indent='    ', subsequent_indent='    ',
                          break_long_words=False, break_on_hyphens=False)
    out += [line.replace('\0', ' ') + '\n' for line in lines]
    out.append('  },\n')


def lua():
    s, messages, values, bits, faults = tables()
    out = ['local STRUCTS = {\n']
    for name in s.of:
        if s.size[name] <= 512:         # messages; longer ones are pages
            group(out, name, [f'size = {s.size[name]},'] + [
                f'{{ "{f}", {off}, {n}, "{k}" }},'
                for f, off, n, k in s.flat(name)])
    out.append('}\nlocal MESSAGES = {\n')
    for layer, rows_ in messages.items():
        group(out, layer, [f'{key(v)} = {{ "{n}", "{st}" }},'
                           for v, (n, st) in sorted(rows_.items())])
    for word, groups in (('VALUES', values), ('BITS', bits)):
        out.append(f'}}\nlocal {word} = {{\n')
        for name, rows_ in groups.items():
            group(out, name, [f'{key(v)} = "{n}",'
                              for v, n in sorted(rows_.items())])
    out.append('}\nlocal FAULTS = {\n')
    out += [f'  {n} = {t},\n' for n, t in faults.items()]
    out.append('}\n')
    return ''.join(out)


def main():
    if sys.argv[1:] not in ([], ['--write']):
        sys.exit(__doc__)
    text = LUA.read_text()
    try:
        head, rest = text.split(BEGIN)
        have, tail = rest.split(END)
        want = lua()
    except Drift as e:
        sys.exit(f'wire_tables.py: {e}')
    except ValueError:
        sys.exit(f'wire_tables.py: {LUA}: the marks are gone')
    if sys.argv[1:]:
        LUA.write_text(head + BEGIN + want + END + tail)
        return
    diff = list(difflib.unified_diff(have.splitlines(), want.splitlines(),
                                     'hvnet.lua', 'core/wire', lineterm=''))
    print('\n'.join(diff) if diff else 'the tables of hvnet.lua are those '
          'of core/wire')
    if diff:
        sys.exit('hvnet.lua does not match core/wire: run '
                 'scripts/wire_tables.py --write')


if __name__ == '__main__':
    main()

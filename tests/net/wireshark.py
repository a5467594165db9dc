# SPDX-License-Identifier: BSD-2-Clause
"""What tshark makes of a capture, and the lines of a transcript, as rows that
can be compared: (layer, to the guest, name of the message, {field: value})."""
import json
import pathlib
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
LUA = TOP / 'share/wireshark/hvnet.lua'
sys.path.insert(0, str(TOP / 'scripts'))
import wire_tables      # noqa: E402

_, MESSAGES, VALUES, BITS, _ = wire_tables.tables()
NIC_GUID = 'f8615163-df3e-46c5-913f-f2d2f965ed0e'


def missing():
    return None if shutil.which('tshark') else 'no tshark'


def tshark(path, *args):
    r = subprocess.run(['tshark', '-X', f'lua_script:{LUA}', '-r', path,
                        *args], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, timeout=120)
    assert r.returncode == 0, r.stderr
    assert 'Lua' not in r.stderr, r.stderr
    return r.stdout


def flat(node, out):
    """Every field of a packet in JSON: name -> all its values, as text."""
    for name, value in node:
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            flat(value, out)
        elif name.startswith('hvnet.') or name.startswith('_ws.expert'):
            out.setdefault(name.removeprefix('hvnet.'), []).append(value)
    return out


def packets(path, want='hvnet'):
    text = tshark(path, '-Y', want, '-T', 'json')
    return [flat(p, {}) for p in
            json.loads(text, object_pairs_hook=lambda pairs: pairs)]


def number(text):
    return int(text, 0)


def rows(path):
    """Control messages of a capture."""
    out = []
    for f in packets(path):
        to_guest = f['to_guest'][0] == '1'
        for layer in ('vmbus', 'nvsp', 'rndis'):
            if f'{layer}.type' not in f:
                continue
            kind = number(f[f'{layer}.type'][0])
            name = MESSAGES[layer][kind][0]
            if layer == 'nvsp' and name in ('RNDIS', 'RNDIS_DONE') or \
                    layer == 'rndis' and name == 'PACKET':
                continue
            got = {k.split('.', 1)[1]: v for k, v in f.items()
                   if k.startswith(f'{layer}.') or
                   layer == 'rndis' and k.startswith('ndis.')}
            out.append((layer, to_guest, name, got))
    return out


def transcript(path, gpadl_bodies=True):
    """The lines of a transcript."""
    out = []
    for line in pathlib.Path(path).read_text().splitlines():
        m = re.search(r'guest (->|<-) host (VMBus|NVSP|RNDIS) +(\w+)'
                      r'( \(completion\))?(.*)$', line)
        assert m, line
        fields = dict(x.split('=', 1) for x in m[5].split())
        if m[3] == 'GPADL_BODY' and not gpadl_bodies:
            continue
        out.append((m[2].lower(), m[1] == '<-', m[3], fields))
    return out


def name_of(table):
    def check(text, value):
        # A malformed or unknown value stands in hexadecimal.
        want = VALUES[table].get(number(value))
        return text.upper() == want.upper() if want else \
            number(text) == number(value)
    return check


def bits_of(table):
    def check(text, value):
        v = number(value)
        names = [n.lower() for b, n in sorted(BITS[table].items()) if v & b]
        return text == ('|'.join(names) or 'none') or \
            set(text.split('|')) == {n.replace('named_', '') for n in names}
    return check


def same(text, value):
    return number(text) == number(value)


def as_text(text, value):
    return text == value


def one_of(*names):
    return lambda text, value: text == names[number(value)]


csum = one_of('nochange', 'off', 'tx', 'rx', 'both')
switch = one_of('nochange', 'off', 'on')

# Name in the transcript: names of the field, the first that is there counts,
# and how the two compare.
FIELDS = {
    'vmbus': {
        'type': (['if_type'], lambda t, v: t == 'nic' and v == NIC_GUID),
        'gpadl': (['ring_gpadl', 'gpadl'], same), 'vp': (['target_vp'], same),
        'conn': (['conn_id'], same), 'dedicated': (
            ['dedicated_interrupt'], same),
        'ranges': (['range_count'], same), 'bytes': (['range_bytes'], same),
        'number': (['msg_number'], same), 'instance': (['instance'], as_text),
        'status': (['status'], name_of('vmbus_status')),
        'version': (['version'], name_of('vmbus_version')),
        'flags': (['flags'], bits_of('offer')),
        'features': (['features'], bits_of('feature')), 'here': None,
    },
    'nvsp': {
        'version': (['version', 'version_lo'], name_of('nvsp_version')),
        'status': (['status', 'op_or_status'], name_of('nvsp_status')),
        'caps': (['caps_lo'], bits_of('cap')), 'op': (['op_or_status'], same),
    },
    'rndis': {
        'id': (['req_id'], same), 'status': (['status'],
                                             name_of('rndis_status')),
        'oid': (['oid', 'oid_of_request'], name_of('oid')),
        'align': (['align_shift'], lambda t, v: int(t) == 1 << number(v)),
        'mac': (['mac'], as_text), 'filter': (['filter'], bits_of('filter')),
        'link': (['value'], one_of('up', 'down')),
        'mbit': (['value'], lambda t, v: int(t) == number(v) // 10000),
        'ip4': (['ip4_csum'], csum), 'tcp4': (['tcp4_csum'], csum),
        'udp4': (['udp4_csum'], csum), 'tcp6': (['tcp6_csum'], csum),
        'udp6': (['udp6_csum'], csum), 'lso4': (['lsov2_v4'], switch),
        'lso6': (['lsov2_v6'], switch), 'rsc4': (['rsc_v4'], None),
        'rsc6': (['rsc_v6'], None), 'lso4_max': (['v4_max'], same),
        'lso4_min': (['v4_min_segs'], same), 'lso6_max': (['v6_max'], same),
        'lso6_min': (['v6_min_segs'], same), 'lso6_opts': (['v6_opts'], same),
        'hash': None, 'flags': None, 'table': (['table'], as_text),
        'key': (['key'], lambda t, v: t == v.replace(':', '')),
        'bytes': (['info_len'], same),
        'data': (['info'], lambda t, v: v.replace(':', '').startswith(
            t.rstrip('.'))),
        'entries': None,
    },
}


def differ(line, row):
    """What a line of the transcript says that the packet does not."""
    layer, to_guest, name, want = line
    if (layer, to_guest, name) != row[:3]:
        return f'{line[:3]} and {row[:3]}'
    got, bad = row[3], []
    if layer == 'nvsp' and name == 'NDIS_VERSION' or \
            layer == 'rndis' and name.startswith('INIT'):
        major, minor = got['major'][0], got['minor'][0]
        want = {k: v for k, v in want.items() if k != 'version'}
        if f'{major}.{minor}' != line[3]['version']:
            bad.append('version')
    if 'channels' in want:
        if want['channels'].split(',') != got['entry']:
            bad.append('channels')
        want = {k: v for k, v in want.items() if k != 'channels'}
    for k, text in want.items():
        rule = FIELDS[layer].get(k, ([k], same))
        if rule is None:
            continue
        names, compare = rule
        if compare is None:     # a capability or a parameter
            compare = same if name == 'QUERY_DONE' or text.isdigit() else \
                switch
        values = [got[n][0] for n in names if n in got]
        if not values or not compare(text, values[0]):
            bad.append(f'{k}={text}, not {values[:1]}')
    return f'{name}: {", ".join(bad)}' if bad else None

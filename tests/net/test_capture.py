# SPDX-License-Identifier: BSD-2-Clause
"""Captures: what tshark decodes with our dissector is what the transcript of
the same session says, field by field, and the frames that went through."""
import pathlib
import re
import resource
import struct
import sys

import pytest

import wireshark
from lab import TOP
from wireshark import tshark

sys.path.insert(0, str(TOP / 'tests/hostile'))
from peer import Guest      # noqa: E402

pytestmark = pytest.mark.skipif(wireshark.missing() is not None,
                                reason=str(wireshark.missing()))


def pair(lab, options='', nic=None, **kw):
    """A host that captures, and a guest; the paths of both files."""
    cap, text = f'{lab.dir}/cap.pcapng', f'{lab.dir}/host.txt'
    lab.pair(host_args=['--capture', cap + options, '--transcript',
                        text + ',gpadl=full'],
             **kw)
    lab.run('g', 'ping -c3 -i0.2 10.7.0.2')
    return cap, text


def end(lab):
    """Guest, then host: all is in the files then."""
    for p in list(reversed(lab.procs)):
        assert lab.end(p) == 0
    return lab.log(lab.hostp)


def test_fields_as_the_transcript(lab):
    cap, text = pair(lab)
    lab.set('hvhost0', 'link=down')
    lab.set('hvhost0', 'link=up', 'tso=off')
    end(lab)
    lines, rows = wireshark.transcript(text), wireshark.rows(cap)
    for layer in ('vmbus', 'nvsp', 'rndis'):
        said = [x for x in lines if x[0] == layer]
        seen = [x for x in rows if x[0] == layer]
        assert [x[1:3] for x in said] == [x[1:3] for x in seen]
        assert [d for d in map(wireshark.differ, said, seen) if d] == []
        assert len(said) > 10
    # An answer names its request, and how long it took.
    out = tshark(cap, '-Y', 'hvnet.rndis.type == 0x80000004', '-T', 'fields',
                 '-e', 'hvnet.response_to', '-e', 'hvnet.response_time',
                 '-e', 'hvnet.rndis.oid_of_request')
    assert len(out.split()) == 3 * out.count('\n') > 10
    assert tshark(cap, '-Y', '_ws.malformed || hvnet.malformed') == ''
    # And the fuzz targets' seeds are made of the same records.
    out = lab.run(None, [sys.executable, TOP / 'scripts/seeds.py', '--to',
                         lab.dir, 'x', cap]).stdout
    assert re.findall(r'fuzz_(\w+): [1-9]', out) == ['vms', 'vmc', 'vsp',
                                                     'vsc']


def test_frames_inside(lab):
    """Frames have an interface of their own; with the option they are decoded
    in the ring packets as well."""
    cap, _ = pair(lab)
    lab.copy('g', 'h', '10.7.0.2', 4)
    lab.copy('h', 'g', '10.7.0.1', 4)
    end(lab)
    pings = 'icmp.type == 8 || icmp.type == 0'
    out = tshark(cap, '-Y', pings, '-T', 'fields', '-e',
                 'frame.interface_name', '-e', 'icmp.type', '-e',
                 'frame.len')
    # Those of ping, and before them that of ready().
    assert out.count('\n') >= 8
    assert out == out.count('\t8\t') * 'hvhost0\t8\t98\nhvhost0\t0\t98\n'
    out = tshark(cap, '-o', 'hvnet.frames:TRUE', '-Y', f'hvnet && ({pings})',
                 '-T', 'fields', '-e', 'icmp.type', '-e', 'hvnet.ring.type')
    assert out.count('8\t6\n') == out.count('0\t7\n') >= 4
    # Both ways, every byte of both copies.
    out = tshark(cap, '-o', 'tcp.relative_sequence_numbers:FALSE', '-Y',
                 'tcp.len > 0', '-T', 'fields', '-e', 'ip.src', '-e',
                 'tcp.seq', '-e', 'tcp.len')
    bytes_of = {}
    for line in out.splitlines():
        src, seq, length = line.split('\t')
        seen = bytes_of.setdefault(src, {})
        seen[int(seq)] = max(int(length), seen.get(int(seq), 0))
    for src in ('10.7.0.1', '10.7.0.2'):
        assert sum(bytes_of[src].values()) >= 4 << 20


def test_segments(lab):
    """gso=cut: no frame is longer than the MTU, and none of TCP's bytes is
    missing, both ways."""
    cap, _ = pair(lab, ',snap=65535,gso=cut')
    lab.copy('g', 'h', '10.7.0.2', 4)
    lab.copy('h', 'g', '10.7.0.1', 4)
    end(lab)
    out = tshark(cap, '-o', 'tcp.relative_sequence_numbers:FALSE', '-Y',
                 'tcp.len > 0', '-T', 'fields', '-e', 'ip.src', '-e',
                 'tcp.seq', '-e', 'tcp.len', '-e', 'frame.len')
    bytes_of = {}
    for line in out.splitlines():
        src, seq, length, frame = line.split('\t')
        assert int(frame) <= 1514
        bytes_of.setdefault(src, {})[int(seq)] = int(length)
    for src in ('10.7.0.1', '10.7.0.2'):
        assert sum(bytes_of[src].values()) >= 4 << 20
    assert tshark(cap, '-Y', '_ws.malformed || hvnet.malformed') == ''


def test_set_at_run_time(lab):
    """capture=FILE on a running NIC, then off: the file is whole at once."""
    lab.pair()
    cap = pathlib.Path(lab.dir, 'nic.pcapng')
    r = lab.set('hvhost0', 'capture=/no/such/folder/x', check=False)
    assert r.returncode != 0
    assert 'capture /no/such/folder/x: No such file or directory' in r.stderr
    lab.set('hvhost0', f'capture={cap}')
    lab.run('g', 'ping -c2 -i0.2 10.7.0.2')
    lab.set('hvhost0', 'capture=off')
    size = cap.stat().st_size
    lab.run('g', 'ping -c2 -i0.2 10.7.0.2')
    assert cap.stat().st_size == size
    out = tshark(str(cap), '-Y', 'icmp', '-T', 'fields', '-e', 'icmp.type')
    assert out.split() == ['8', '0'] * 2
    assert 'ring packet' in tshark(str(cap), '-Y', 'hvnet', '-V')


def interface_frames(cap):
    """Packets of each interface, all of the file having been read."""
    out = tshark(cap, '-T', 'fields', '-e', 'frame.interface_name')
    return {n: out.split().count(n) for n in set(out.split())}


def test_rotation(lab):
    """Files of one MiB, three of them, each with its own interfaces."""
    cap, _ = pair(lab, ',snap=65535,size=1,files=3')
    lab.copy('g', 'h', '10.7.0.2', 3)
    end(lab)
    files = sorted(pathlib.Path(lab.dir).glob('cap.pcapng*'))
    assert [f.name for f in files] == ['cap.pcapng', 'cap.pcapng.1',
                                       'cap.pcapng.2']
    for f in files:
        assert set(interface_frames(str(f))) == {'vmbus', 'hvhost0'}
        assert f.stat().st_size < (1 << 20) + (1 << 18)


def test_full_disk(lab):
    """A file that cannot grow: one sentence, traffic goes on."""
    cap, _ = pair(lab)
    resource.prlimit(lab.hostp.pid, resource.RLIMIT_FSIZE, (300000, 300000))
    assert lab.copy('g', 'h', '10.7.0.2', 16)
    assert lab.copy('h', 'g', '10.7.0.1', 16)
    assert lab.end(lab.guestp) == 0
    assert lab.end(lab.hostp) == 1      # not all that was wanted is there
    said = re.findall(r'cap\.pcapng: (.*); nothing more', lab.log(lab.hostp))
    assert said == ['File too large']
    assert interface_frames(cap)['hvhost0'] > 10


def test_a_fault(lab):
    """A guest sends a type that NVSP has not: both files say so, behind the
    message, and Wireshark has it as an expert info."""
    cap, text = f'{lab.dir}/cap.pcapng', f'{lab.dir}/host.txt'
    lab.hostp = lab.host(lab.tap_spec(), args=['--capture', cap,
                                               '--transcript', text])
    g = Guest(lab.sock).machine('hvhost0')
    g.contact()
    g.open()
    g.ring_put(struct.pack('<III', 1, 0x60001, 0x60001).ljust(40, b'\0'))
    g.ring_put(struct.pack('<I', 77).ljust(40, b'\0'), xact=9)
    g.signal()
    lab.wait('the fault', lambda: 'stopped' in lab.log(lab.hostp), 10)
    g.close()
    assert lab.end(lab.hostp) == 0
    lines = pathlib.Path(text).read_text().splitlines()
    at, = [i for i, x in enumerate(lines) if 'fault NVS_TYPE: ' in x]
    assert 'hvhost0 guest 1 queue 0: ' in lines[at]
    assert 'malformed: NVS_TYPE type=0x4d' in lines[at - 1]
    out = tshark(cap, '-Y', 'hvnet.noted || hvnet.malformed', '-T', 'fields',
                 '-e', 'hvnet.kind', '-e', 'hvnet.xact', '-e', 'hvnet.note',
                 '-e', 'frame.comment')
    packet, note = [x.split('\t') for x in out.splitlines()]
    assert packet[:2] == ['2', '0x0000000000000009']
    assert note[0] == '3' and note[2] == note[3]
    assert note[2].startswith('fault NVS_TYPE: NVSP message of unknown')


def test_a_rescind(lab):
    """RELID_RELEASED answers RESCIND_OFFER, with the time it took; the names
    of a NIC that leaves stay in the lines."""
    cap, text = pair(lab)
    lab.set('hvhost0', '--remove')
    lab.wait('the guest lets go', lambda: next(
        x for x in lab.stat() if x['kind'] == 'host')['nics_leaving'] == 0,
        10)
    end(lab)
    out = tshark(cap, '-Y', 'hvnet.vmbus.type == 13', '-T', 'fields', '-e',
                 'hvnet.vmbus.relid', '-e', 'hvnet.response_time')
    assert sorted(x.split('\t')[0] for x in out.splitlines()) == ['1', '2']
    assert all(0 < float(x.split('\t')[1]) < 10 for x in out.splitlines())
    asked = [x for x in pathlib.Path(text).read_text().splitlines()
             if 'RESCIND_OFFER' in x or 'RELID_RELEASED' in x]
    assert len(asked) == 4
    assert all(' hvhost0 guest 1 guest ' in x for x in asked)

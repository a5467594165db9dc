# SPDX-License-Identifier: BSD-2-Clause
"""Captures: what tshark decodes with our dissector is what the transcript of
the same session says, field by field, and the frames that went through."""
import pathlib
import re
import resource
import sys

import pytest

import wireshark
from lab import TOP
from wireshark import tshark

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

# SPDX-License-Identifier: BSD-2-Clause
"""Transcripts: what stands in their lines, and that both ends write the same
of one message; and the capture of a guest."""
import collections
import datetime
import json
import pathlib
import re

import pytest

import wireshark


def session(lab, *options, **kw):
    """Both ends with a transcript, from the first to the last message; the
    lines of the host and of the guest."""
    paths = [f'{lab.dir}/{end}.txt' for end in ('host', 'guest')]
    words = [['--transcript', ','.join([p, *options])] for p in paths]
    lab.pair(host_args=words[0], guest_args=words[1], **kw)
    lab.set('hvhost0', 'link=down')
    lab.set('hvhost0', 'link=up')
    assert lab.end(lab.guestp) == 0
    assert lab.end(lab.hostp) == 0
    return [pathlib.Path(p).read_text().splitlines() for p in paths]


def flows(messages):
    """Messages of each direction and layer, in their order."""
    out = collections.defaultdict(list)
    for to, layer, *what in messages:
        out[to, layer].append(what)
    return out


def text_message(line):
    m = re.fullmatch(r' *\d+\.\d{6} (?:\S+) guest (?:\d+|-) '
                     r'guest (->|<-) host (VMBus|NVSP|RNDIS) +(.*)', line)
    assert m, line
    return m.groups()


def test_both_ends_are_alike(lab):
    """From the direction on, host and guest write the same of each message."""
    host, guest = session(lab)
    host, guest = (flows(map(text_message, x)) for x in (host, guest))
    assert len(host) == 6 and all(host.values())
    assert host == guest


def test_json(lab):
    """Every line is one object, with the fields of the text, at both ends."""
    host, guest = ([json.loads(x) for x in lines]
                   for lines in session(lab, 'json'))
    keys = {'time', 'nic', 'guest', 'relid', 'queue', 'to', 'layer', 'type',
            'completion', 'fields'}
    for x in host + guest:
        assert set(x) == keys, x
        assert re.fullmatch(r'\d+\.\d{6}', x['time']), x
        assert x['to'] in ('guest', 'host')
    assert {x['nic'] for x in host if x['layer'] != 'vmbus'} == {'hvhost0'}
    assert {x['nic'] for x in guest if x['layer'] != 'vmbus'} == {'hn0'}
    assert {x['guest'] for x in host} == {1}

    def what(x):
        return x['to'], x['layer'], x['type'], x['completion'], x['fields']
    assert flows(map(what, host)) == flows(map(what, guest))
    # Values are those of the protocol, each under its own name.
    first = host[0]
    assert what(first)[:4] == ('host', 'vmbus', 'INITIATE_CONTACT', False)
    assert first['fields']['version'] == '6.0'
    asked = [x for x in host if x['type'] == 'QUERY']
    done = [x for x in host if x['type'] == 'QUERY_DONE']
    assert [x['fields']['oid'] for x in asked] == \
        [x['fields']['oid'] for x in done]
    assert {x['to'] for x in asked} == {'host'}
    assert {x['to'] for x in done} == {'guest'}
    assert any(x['completion'] for x in host if x['layer'] == 'nvsp')


def test_wall_clock(lab):
    """Dates and times of day in UTC, in order, of the time of the run."""
    def now():
        return datetime.datetime.now(datetime.timezone.utc)
    before = now()
    ends = session(lab, 'time=wall', 'only=rndis')
    after = now()
    for lines in ends:
        assert len(lines) > 10
        times = []
        for line in lines:
            m = re.match(r'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})Z \S+ guest '
                         r'\S+ guest (?:->|<-) host RNDIS ', line)
            assert m, line
            times.append(datetime.datetime.fromisoformat(m[1] + '+00:00'))
        assert before <= times[0] and times[-1] <= after
        # Each time is taken from two clocks, read one after the other.
        slack = datetime.timedelta(milliseconds=1)
        assert all(b >= a - slack for a, b in zip(times, times[1:]))


@pytest.mark.skipif(wireshark.missing() is not None,
                    reason=str(wireshark.missing()))
def test_capture_of_a_guest(lab):
    """A guest's capture has what its transcript has, and its frames."""
    cap, text = f'{lab.dir}/guest.pcapng', f'{lab.dir}/guest.txt'
    lab.pair(guest_args=['--capture', cap, '--transcript',
                         text + ',gpadl=full'])
    lab.run('g', 'ping -c3 -i0.2 10.7.0.2')
    assert lab.end(lab.guestp) == 0
    assert lab.end(lab.hostp) == 0
    lines, rows = wireshark.transcript(text), wireshark.rows(cap)
    for layer in ('vmbus', 'nvsp', 'rndis'):
        said = [x for x in lines if x[0] == layer]
        seen = [x for x in rows if x[0] == layer]
        assert [x[1:3] for x in said] == [x[1:3] for x in seen]
        assert [d for d in map(wireshark.differ, said, seen) if d] == []
        assert len(said) > 10
    # Captured by the end of the guest, of this interface; pings are frames.
    out = wireshark.tshark(cap, '-Y', 'hvnet', '-T', 'fields', '-e',
                           'hvnet.end', '-e', 'hvnet.nic')
    ends, nics = zip(*(x.split('\t') for x in out.splitlines()))
    assert set(ends) == {'1'} and set(nics) <= {'', 'hn0'}
    out = wireshark.tshark(cap, '-Y', 'icmp', '-T', 'fields', '-e',
                           'frame.interface_name', '-e', 'icmp.type')
    assert out.count('hn0\t8\n') == out.count('hn0\t0\n') >= 4

# SPDX-License-Identifier: BSD-2-Clause
"""Traces and histograms of both ends, of real traffic and of a stall."""
import collections
import json

import pytest


def trace(lab, *words):
    path = f'{lab.dir}/trace'
    lab.run(None, [lab.hvnet, 'trace', *words, '-o', path])
    return open(path).read()


def check(events):
    """As chrome://tracing wants it: fields, pairs, and time in order."""
    last, open_ = {}, collections.Counter()
    for e in events:
        assert e['ph'] in 'MiBEbe' and isinstance(e['pid'], int), e
        assert isinstance(e['tid'], int), e
        if e['ph'] == 'M':
            assert e['args']['name'], e
            continue
        thread = e['pid'], e['tid']
        assert e['ts'] >= last.get(thread, 0), e
        last[thread] = e['ts']
        key = (*thread, e['name']) if e['ph'] in 'BE' else \
            (e['pid'], e.get('id'), e['name'])
        if e['ph'] in 'Bb':
            assert open_[key] == 0, e
            open_[key] = 1
        elif e['ph'] in 'Ee':
            assert open_[key] == 1, e
            open_[key] = 0
    assert not +open_


def test_both_ends_in_one_file(lab):
    lab.pair()
    flood = lab.start('g', 'ping -i0.01 10.7.0.2')
    events = json.loads(trace(lab, 'hvhost0', 'hn0'))['traceEvents']
    lab.end(flood)
    check(events)
    names = collections.defaultdict(set)
    for e in events:
        names[e['pid']].add((e['name'], e['ph']))
    for pid in lab.hostp.pid, lab.guestp.pid:
        assert {('signal', 'i'), ('batch in', 'i'), ('batch out', 'i'),
                ('unmask', 'i'), ('sleep', 'B')} <= names[pid]
    assert {('interrupt', 'i'), ('signalled', 'i')} <= names[lab.hostp.pid]
    # One clock: the host is not told before the guest signals.
    sent = sorted(e['ts'] for e in events if e['pid'] == lab.guestp.pid and
                  e['name'] == 'signal' and e['args']['why'] == 'sent')
    came = sorted(e['ts'] for e in events if e['name'] == 'signalled' and
                  e['ts'] > sent[0])
    assert len(sent) > 20 and len(came) > 10
    for i, at in enumerate(came):
        assert i < sum(s <= at for s in sent) + 3
    # Off again: the next one begins anew, and no channel is watched.
    assert lab.run(None, [lab.hvnet, 'trace', 'hn0', '--lines']).returncode \
        == 0


def test_a_stall(lab):
    """A guest may have only so much under way; a slow host lets it wait."""
    lab.pair(guest_args=['-o', 'tx_inflight_kb=64'])
    copy = lab.start('h', 'iperf3 -s -1')
    lab.wait('iperf3', lambda: ':5201 ' in lab.run('h', 'ss -Hltn').stdout, 5,
             [copy])
    flow = lab.start('g', 'iperf3 -c 10.7.0.2 -t 4')
    lines = [json.loads(x) for x in
             trace(lab, 'hn0', '--lines').splitlines()]
    lab.end(flow)
    check(lines)
    waits = [x for x in lines if x['name'] == 'shortage' and x['ph'] == 'b']
    assert any('tx_inflight_kb' in x['args']['why'] for x in waits), waits[:3]


def test_histograms(lab):
    lab.pair()
    flood = lab.start('g', 'ping -i0.01 10.7.0.2')
    r = lab.run(None, [lab.hvnet, 'stat', '--hist', 'hvhost0', '--json'])
    text = lab.run(None, [lab.hvnet, 'stat', '--hist', 'hn0']).stdout
    g = lab.run(None, [lab.hvnet, 'stat', '--hist', 'hn0', '--json'])
    lab.end(flood)
    for queues in json.loads(r.stdout), json.loads(g.stdout):
        assert len(queues) == 2
        for name in 'batch_in', 'batch_out', 'signal_gap', 'first_packet':
            assert sum(sum(q[name]) for q in queues) > 20, name
        # A ping is a packet, at the guest often beside a completion.
        assert sum(sum(q['batch_in'][1:3]) for q in queues) > 20
        # No packet is the first one twice, nor after an interrupt before.
        assert all(sum(q['first_packet']) <= sum(
            n << k for k, n in enumerate(q['batch_in'])) for q in queues)
        assert sum(sum(q['first_packet'][31:]) for q in queues) == 0
    assert 'guest hn0, queue 1, in 1 s:\n' in text
    assert '#####' in text


@pytest.mark.parametrize('words, want', [
    (['fish0'], "a NIC or interface 'fish0'"),
    (['hn0', '-o', '/no/such/x'], '/no/such/x: No such file'),
])
def test_what_cannot_be(lab, words, want):
    lab.pair(wait=False)
    r = lab.run(None, [lab.hvnet, 'trace', *words], check=False)
    assert r.returncode != 0
    assert want in r.stderr

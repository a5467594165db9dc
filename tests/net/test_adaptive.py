# SPDX-License-Identifier: BSD-2-Clause
"""Adaptive polling at both ends: switched at run time, seen in `hvnet stat`."""
from lab import find, total

HOST, GUEST = '10.7.0.2', '10.7.0.1'


def poll(lab, nic):
    return list(find(lab.stat(nic), 'poll'))


def test_both_ends_switch(lab):
    """It has a state only while it is on, carries traffic each way, and goes
    back to sleep."""
    lab.pair()
    assert not any('gap_ns' in p for n in ('hn0', 'hvhost0')
                   for p in poll(lab, n) if isinstance(p, dict))
    lab.set('hn0', 'poll=adaptive')
    lab.set('hvhost0', 'poll=adaptive')
    assert lab.copy('g', 'h', HOST, 64) and lab.copy('h', 'g', GUEST, 64)
    for nic in ('hn0', 'hvhost0'):
        states = [p for p in poll(lab, nic) if isinstance(p, dict)]
        assert len(states) == 2
        tried = sum(s['hits'] + s['misses'] + s['sleeps'] for s in states)
        assert tried > 0, (nic, states)
        assert max(s['gap_ns'] for s in states) > 0
    lab.set('hn0', 'poll=off')
    lab.set('hvhost0', 'poll=off')
    lab.ready()
    before = total(lab.stat(), 'spins')
    assert lab.copy('g', 'h', HOST, 4)
    assert total(lab.stat(), 'spins') == before


def test_from_the_start(lab):
    """And it signals like any other when nothing comes for long."""
    lab.pair(host_args=['--poll', 'adaptive'],
             guest_args=['--poll', 'adaptive'])
    lab.echoes('g', HOST, 20, 0.02)
    s = [p for p in poll(lab, 'hn0') if isinstance(p, dict)]
    assert sum(p['sleeps'] + p['misses'] for p in s) > 0
    assert total(lab.stat('hn0'), 'signals_data') > 0

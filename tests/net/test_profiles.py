# SPDX-License-Identifier: BSD-2-Clause
"""`--profile`: what it sets, what stands behind it wins, and traffic passes."""
import pytest
from conftest import full
from lab import total

HOST, GUEST = '10.7.0.2', '10.7.0.1'


@pytest.mark.parametrize('name', ['latency'] + [
    pytest.param(name, marks=full)
    for name in ('throughput', 'many-flows', 'low-cpu')])
def test_profile(lab, name):
    lab.pair(host_args=['--profile', name], guest_args=['--profile', name])
    assert lab.copy('g', 'h', HOST, 4) and lab.copy('h', 'g', GUEST, 4)
    g = [s for s in lab.stat('hn0') if s['kind'] == 'guest'][0]
    host = [s for s in lab.stat() if s['kind'] == 'host'][0]
    adaptive = name == 'latency'
    for q in g['queues'] + host['nics'][0]['queues']:
        assert ('poll' in q) == adaptive, q
    assert (g['device']['tso_maxlen'] == 16384) == adaptive
    assert total(g['queues'], 'acks') > 0


def test_options_behind_it_win(lab):
    lab.pair(guest_args=['--profile', 'latency', '--poll', 'off', '-o',
                         'tso_maxlen=9000'])
    g = [s for s in lab.stat('hn0') if s['kind'] == 'guest'][0]
    assert g['device']['tso_maxlen'] == 9000
    assert 'poll' not in g['queues'][0]

# SPDX-License-Identifier: BSD-2-Clause
"""hvnet bench vm: what it counts is true, and the whole of it runs."""
import json
import sys

import pytest

from conftest import full
from freebsd_guest import IMAGE
from kit import TOP

sys.path.insert(0, str(TOP / 'bench'))
from vm import Case, digest, measure    # noqa: E402
from vm_linux import LinuxGuest         # noqa: E402


def rise(guest, cmd):
    """How far each count went up while the guest ran that."""
    before = guest.counts()
    guest.vm.run(cmd)
    after = guest.counts()
    return {k: [b - a for a, b in zip(before[k], after[k])] for k in after}


def test_counts(lab):
    g = LinuxGuest(lab, 2, counted=True)
    spin = "awk 'BEGIN { for (i = 0; i < 300000; i++) x += i }'"
    for cpu in (0, 1):
        n = rise(g, f'taskset {1 << cpu} {spin}')['instructions']
        # Tens of instructions a turn at the very least.
        assert n[cpu] > 300000 * 20, n
        assert n[cpu] > 2 * n[1 - cpu], n
    # One after the other; a host that is still awake needs no signal.
    n = rise(g, 'for i in $(seq 20); do ping -q -c1 10.7.0.2; done')
    assert n['signals'][0] >= 5, n
    assert sum(n['interrupts']) >= 5, n
    assert len(n['softirq_ticks']) == 2
    # Flows that are to fall on one channel each do.
    g.channels(2)
    row = measure(g, Case('2', 2, 'rsc', 2), 'in', 4, 1)
    assert g.flows == row['flows'] == [2, 2]
    assert min(row['frames']) > 20 and min(row['payload']) > 0, row
    assert row['mbits'] > 0 and min(row['instructions']) > 0
    # Held to 2 Mbit/s each: 8, were it not for blocks begun and not ended.
    row = measure(g, Case('2', 2, 'rsc', 2, pace=2), 'in', 4, 2)
    assert 4 < row['mbits'] < 16, row
    g.j.check()


def test_parts_are_of_all_rounds():
    """A round with little in it says little."""
    rows = [{'payload': [8, 2], 'mbits': 1, 'flows': [], 'interrupts': [1, 3]},
            {'payload': [20, 70], 'mbits': 3, 'flows': [],
             'interrupts': [60, 36]}]
    d = digest(rows, 2)
    assert d['parts'] == {'payload': [28, 72], 'interrupts': [61, 39]}
    assert d['runs_parts']['interrupts'] == [[25, 75], [62, 38]]
    assert d['mbits'] == 2


@full
@pytest.mark.skipif(not IMAGE, reason='HVNET_FREEBSD_IMAGE names no disk')
def test_freebsd(lab):
    from vm_freebsd import FreebsdGuest
    g = FreebsdGuest(lab, 2, True, 2)
    for way, step in (('out', 'none'), ('out', 'tso'), ('in', 'rsc')):
        g.offloads(step)
        row = measure(g, Case(step, 2, step, 2), way, 4, 2)
        for k in ('interrupts', 'kernel_ticks', 'instructions'):
            assert len(row[k]) == 2 and sum(row[k]) > 0, row
        assert (sum(row['bytes']) > 4000 * sum(row['frames'])) == \
            (step != 'none'), row
    assert row['flows'] == [2, 2]
    assert min(row['frames']) > 20 and min(row['payload']) > 0, row
    assert g.complaints() == []


@full
def test_quick(lab):
    out = f'{lab.dir}/vm.json'
    r = lab.run(None, [lab.hvnet, 'bench', 'vm', '--quick', '--guests',
                       'linux', '--json', out], timeout=600)
    with open(out, encoding='utf-8') as f:
        result = json.load(f)['results'][0]
    assert result['guest'] == 'linux' and result['complaints'] == []
    for part, text in (('offloads', 'TSO to no offload'),
                       ('channels', 'the busiest processor')):
        busy = result[part]['quiet']['no_verdict']
        assert (text in r.stdout) == (busy == '')
        assert f'no ratios and goals: {busy}' in r.stdout or not busy
    cells = result['offloads']['cells'] + result['channels']['cells']
    assert len(cells) == 2 * 5 + 2 * 3 + 2
    for c in cells:
        assert c['mbits'] > 0 and min(c['instructions']) > 0, c
        assert len(c['interrupts']) == max(c['channels'], 2), c
        assert c['signals'][0] > 0, c
        if c['way'] == 'in' and c['channels'] > 1:
            n = c['channels']
            assert c['flows'] == [8 // n] * n
            assert min(c['parts']['payload']) > 0

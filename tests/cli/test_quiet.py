# SPDX-License-Identifier: BSD-2-Clause
"""When benches and demo give a verdict (scripts/quiet.py): made-up numbers."""
import pathlib
import subprocess
import sys
import types

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / 'scripts'), str(TOP / 'bench')]
import ladder           # noqa: E402
import ladder_page      # noqa: E402
import ladder_rows      # noqa: E402
import pps              # noqa: E402
import pps_show         # noqa: E402
import quiet            # noqa: E402
import tcp              # noqa: E402
import vm               # noqa: E402
from quiet import Times, judge, processors_of_others, spread    # noqa: E402


def test_time_of_all():
    """User, nice, system and stolen; not idle, waits and interrupts."""
    assert quiet.all_seconds('cpu  100 20 300 9999 9999 9999 9999 5 7 7\n'
                             'cpu0 1 1 1\n', 100) == 4.25


def test_time_of_our_own():
    seconds = {1: (0, 100.0), 7: (1, 1.0), 8: (7, 2.0), 9: (8, 4.0),
               10: (1, 50.0), 11: (10, 8.0)}
    assert quiet.tree_seconds(seconds, 7) == 7
    assert quiet.tree_seconds(seconds, 99) == 0


@pytest.mark.parametrize('a,b,others', [
    (Times(0, 0, 0), Times(10, 0, 0), 0), (Times(0, 0, 0), Times(10, 5, 5), 0),
    (Times(5, 7, 1), Times(15, 27, 6), 1.5),
    (Times(0, 0, 0), Times(10, 5, 6), 0),       # ticks are coarse
    (Times(0, 0, 0), Times(0, 0, 0), 0)])
def test_others(a, b, others):
    assert processors_of_others(a, b) == others


@pytest.mark.parametrize('values,of_median', [
    ([], None), ([1], None), ([0, 0], None), ([1, None], None), ([2, 2], 0),
    ([8, 10, 12], 0.4), ([1, 10, 10, 10, 21], 2)])
def test_spread(values, of_median):
    assert spread(values) == of_median


@pytest.mark.parametrize('args,why', [
    ((2, 0, 0, []), ''), ((2, 0.2, 0.2, [0.5, None]), ''),
    ((2, 0.21, 0, []), 'others took 0.21 of 2 processors before it'),
    ((2, 0, 1.5, []), 'others took 1.5 of 2 processors meanwhile'),
    ((64, 0, 6, [0.1, 0.1]), ''),
    ((2, 0, 0, [None, 0.1, 0.72]), 'repeats differ by 72 %'),
    ((2, 1, 0, [1.5]), 'others took 1 of 2 processors before it, repeats '
     'differ by 150 %')])
def test_judge(args, why):
    assert judge(*args) == (why and 'the machine was busy: ' + why)


def test_real_times_rise():
    """Of a child that has ended, and of one that runs."""
    a = quiet.read_times()
    spin = [sys.executable, '-c', 'import time\nwhile time.process_time() < '
            '0.3: pass\nprint(flush=True)\nwhile True: pass']
    child = subprocess.Popen(spin, stdout=subprocess.PIPE)
    child.stdout.readline()
    b = quiet.read_times()
    child.kill()
    child.communicate()
    c = quiet.read_times()
    assert a.own + 0.2 < b.own < c.own + 0.001     # sums of floats
    assert a.all < b.all


BUSY = 'the machine was busy: others took 7 of 2 processors meanwhile'


def ladder_out(busy):
    """What ladder.report() has, of two rows that are alike."""
    way = {'gbps': 2.0, 'gbps_min': 1.0, 'gbps_max': 3.0, 'runs_gbps': [2.0],
           'cpu_guest': 1.0, 'cpu_host': 1.0, 'signals': 4e5,
           'signals_back': 1.0, 'interrupts': 0.0, 'packets_an_interrupt': 0.0,
           'pps': 1e5, 'lost': 0.0, 'load_p50_us': None, 'load_p99_us': None}
    rows = [{'row': r.name, 'text': '<b>', 'step': True, 'commands': ['x'],
             'idle_p50_us': 1.0, 'idle_p99_us': 2.0, 'out': way, 'in': way}
            for r in ladder_rows.rows(2, ['baseline', 'TSO'])]
    fake = types.SimpleNamespace(
        rows=rows, summary=lambda row: row, spreads=list, streams=4,
        seconds=1, troubles=[])
    return ladder.report(fake, types.SimpleNamespace(
        look=lambda *x: {'no_verdict': busy}), rounds=1, command='x')


@pytest.mark.parametrize('busy', ['', BUSY])
def test_ladder_gives_no_factors(busy):
    out = ladder_out(busy)
    text = '\n'.join(ladder.words_of(out))
    page = ladder_page.page(out)
    assert ('+ TSO                    x1.0 out, x1.0 in' in text) == (not busy)
    assert ('1.0 times the speed' in text) == (not busy)
    assert ('×1.00' in page) == (not busy)
    assert busy in text and busy in page
    assert 'both ends: 400,001 became 400,001 out' in text


def test_ladder_page_is_one_file():
    """Nothing is fetched, and texts of ours do not become markup."""
    page = ladder_page.page(ladder_out(''))
    assert '&lt;b&gt;' in page and '<b>' in page
    for word in ('src=', 'href=', 'url(', '@import', '<script'):
        assert word not in page, word
    assert 'prefers-color-scheme: dark' in page and 'width=device-width' in page


@pytest.mark.parametrize('busy', ['', BUSY])
def test_tcp_gives_no_ratio(busy, capsys):
    results = [{}]
    tcp.verdict(results, {'no_verdict': busy}, 1.5, 'tso')
    assert results[0]['ratio'] == (None if busy else 1.5)
    assert capsys.readouterr().err == (
        f'tso  no ratio: {busy}\n' if busy else 'tso  ratio  1.50\n')


@pytest.mark.parametrize('busy,met', [('', False), (BUSY, None)])
def test_pps_meets_no_goal(busy, met):
    side = {'mpps': 1, 'lost': 0, 'frames': 1}
    cell = {'mode': 'tx', 'bytes': 64, 'queues': 1, 'ours': side, 'pmd': side,
            'quiet': {'no_verdict': busy}, 'place': 'near'}
    cell['ratio'] = pps.ratio(side, side, cell['quiet'])
    report = types.SimpleNamespace(cells=[cell], extras=[])
    goals = pps_show.goals(report)
    assert [g['met'] for g in goals] == [met, met]
    assert ('ratio 1.0 NOT MET' in pps_show.progress(cell)) == (not busy)
    assert busy in pps_show.progress(cell)


@pytest.mark.parametrize('busy', ['', BUSY])
def test_vm_judges_no_channels(busy, capsys):
    part = {'mbits': 3, 'parts': {'interrupts': [40, 60]}}
    bench = types.SimpleNamespace(
        make=types.SimpleNamespace(steps=['a']),
        opts=types.SimpleNamespace(channels=[1, 2]),
        cells=lambda cases, streams: (
            {(c.name, 'in'): part for c in cases}, {'no_verdict': busy}))
    assert len(vm.channels(bench)[1]) == (1 if busy else 4)
    assert ('goal' in capsys.readouterr().out) == (not busy)


@pytest.mark.parametrize('busy', ['', BUSY])
def test_vm_gives_no_ratio(busy, capsys):
    cells = {(s, 'out'): {'mbits': 2} for s in ('a', 'b')}
    bench = types.SimpleNamespace(
        make=types.SimpleNamespace(steps=['a', 'b'],
                                   ratios={'b to a': ('b', 'a', 'out')}),
        cells=lambda cases, streams: (cells, {'no_verdict': busy}))
    found = vm.offloads(bench)[1]
    assert found == {'quiet': {'no_verdict': busy},
                     **({} if busy else {'b to a': 1})}
    assert ('b to a: 1' in capsys.readouterr().out) == (not busy)

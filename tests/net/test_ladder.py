# SPDX-License-Identifier: BSD-2-Clause
"""`hvnet bench ladder`: two rows of it, and what it writes."""
import csv
import json


def test_signals_of_two_rows(lab):
    """Without offloads and with one signal a packet against tuned signals."""
    files = {k: f'{lab.dir}/ladder.{k}' for k in ('json', 'csv', 'html')}
    r = lab.run(None, [lab.hvnet, 'bench', 'ladder', '--quick', '--rows',
                       'baseline,tuned signals', '--json', files['json'],
                       '--csv', files['csv'], '--html', files['html']])
    with open(files['json'], encoding='utf-8') as f:
        out = json.load(f)
    rows = {x['row']: x for x in out['rows']}
    assert list(rows) == ['baseline', '+ tuned signals'], r.stderr
    assert out['troubles'] == []
    for row in rows.values():
        for way in ('out', 'in'):
            cell = row[way]
            assert cell['gbps_min'] <= cell['gbps'] <= cell['gbps_max']
            for k in ('gbps', 'signals', 'interrupts', 'pps', 'cpu_host'):
                assert cell[k] > 0, (row['row'], way, k)
        assert 0 < row['idle_p50_us'] <= row['idle_p99_us']
        assert row['row'] in r.stdout
    old, new = rows['baseline']['out'], rows['+ tuned signals']['out']
    assert new['signals'] < old['signals'] / 10
    with open(files['csv'], encoding='utf-8') as f:
        table = list(csv.DictReader(f))
    assert [(t['row'], t['way']) for t in table] == [
        (name, way) for name in rows for way in ('out', 'in')]
    assert float(table[0]['gbps']) == rows['baseline']['out']['gbps']
    with open(files['html'], encoding='utf-8') as f:
        page = f.read()
    assert '+ tuned signals' in page and '--signal packet' in page

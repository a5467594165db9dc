# SPDX-License-Identifier: BSD-2-Clause
"""`hvnet bench ladder`: a row of it, in full two, and what it writes."""
import csv
import json
import os

SHORT = ['baseline', 'tuned signals'][:2 if os.environ.get('HVNET_FULL') else 1]


def test_rows(lab):
    """In full, one signal a packet without offloads against tuned signals."""
    files = {k: f'{lab.dir}/ladder.{k}' for k in ('json', 'csv', 'html')}
    r = lab.run(None, [lab.hvnet, 'bench', 'ladder', '--quick', '--rows',
                       ','.join(SHORT), '--json', files['json'],
                       '--csv', files['csv'], '--html', files['html']])
    with open(files['json'], encoding='utf-8') as f:
        out = json.load(f)
    rows = {x['row']: x for x in out['rows']}
    names = ['baseline', '+ tuned signals'][:len(SHORT)]
    assert list(rows) == names, r.stderr
    assert out['troubles'] == []
    for row in rows.values():
        for way in ('out', 'in'):
            cell = row[way]
            assert cell['gbps_min'] <= cell['gbps'] <= cell['gbps_max']
            for k in ('gbps', 'signals', 'interrupts', 'pps', 'cpu_host'):
                assert cell[k] > 0, (row['row'], way, k)
        assert 0 < row['idle_p50_us'] <= row['idle_p99_us']
        assert row['row'] in r.stdout
    if len(SHORT) == 2:
        new, old = (rows[name]['out']['signals'] for name in names[::-1])
        assert new < old / 10
    with open(files['csv'], encoding='utf-8') as f:
        table = list(csv.DictReader(f))
    assert [(t['row'], t['way']) for t in table] == [
        (name, way) for name in rows for way in ('out', 'in')]
    assert float(table[0]['gbps']) == rows['baseline']['out']['gbps']
    with open(files['html'], encoding='utf-8') as f:
        page = f.read()
    assert names[-1] in page and '--signal packet' in page

# SPDX-License-Identifier: BSD-2-Clause
"""`hvnet list`, `hvnet top` and `hvnet metrics`, with traffic."""
import re
import shutil
import subprocess
import urllib.request

from lab import total

SAMPLE = re.compile(r'(hvnet_\w+)\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*)\} '
                    r'(-?[\d.e+]+)')


def read(text, openmetrics):
    """Samples of an exposition by (name, labels), after a check of its form:
    each family once, with HELP and TYPE before its samples, no sample twice."""
    lines = text.splitlines()
    if openmetrics:
        assert lines.pop() == '# EOF'
    families, samples, name = {}, {}, None
    for line in lines:
        word = line.split(' ', 3)
        if word[0] == '#' and word[1] == 'HELP':
            name = word[2]
            assert name not in families and word[3].endswith('.')
            families[name] = None
        elif word[0] == '#' and word[1] == 'TYPE':
            assert word[2] == name and word[3] in ('counter', 'gauge')
            families[name] = word[3]
        elif word[0] == '#':
            assert openmetrics and word[1] == 'UNIT' and word[2] == name
            assert name.endswith(f'_{word[3]}')
        else:
            m = SAMPLE.fullmatch(line)
            assert m, line
            end = '_total' if openmetrics and \
                families[name] == 'counter' else ''
            assert m[1] == name + end
            assert families[name] != 'counter' or m[1].endswith('_total')
            assert (m[1], m[2]) not in samples, line
            samples[m[1], m[2]] = float(m[3])
    return samples


def hvnet(lab, *args):
    return lab.run(None, [lab.hvnet, *args]).stdout


def test_list_top_and_metrics(lab):
    lab.pair()
    lab.echoes('g', '10.7.0.2')
    rows = {r.split()[0]: r.split() for r in hvnet(lab, 'list').splitlines()}
    assert rows['hvhost0'][1:] == [
        'host', str(lab.hostp.pid), 'tap', 'up', f'-:{lab.guestp.pid}',
        '1500', '2']
    assert rows['hn0'][1:5] == ['guest', str(lab.guestp.pid), '-', 'up']

    ping = lab.start('g', 'ping -i0.01 10.7.0.2')
    lines = [r.split() for r in
             hvnet(lab, 'top', 'hvhost0', '--times', '2').splitlines()]
    lab.end(ping, quiet=True)
    assert [r[0] for r in lines] == ['NIC', 'hvhost0'] * 2
    for row in lines[1::2]:
        out, into, dropped, signals, interrupts = (
            float(row[i]) for i in (2, 4, 6, 7, 8))
        assert out > 0 and into > 0 and dropped == 0
        assert signals > 0 and interrupts > 0

    host, = [s for s in lab.stat() if s['kind'] == 'host']
    now = read(hvnet(lab, 'metrics'), True)
    assert read(hvnet(lab, 'metrics', '--format', 'text'), False).keys() == \
        now.keys()
    frames = sum(v for (name, labels), v in now.items()
                 if name == 'hvnet_from_guest_frames_total' and
                 'nic="hvhost0"' in labels and f'"{lab.sock}"' in labels)
    assert frames >= total(host['nics'][0]['queues'][0]['from_guest'],
                           'frames') > 0
    guest = f'end="guest",pid="{lab.guestp.pid}",nic="hn0"'
    assert now['hvnet_transmit_frames_total', guest + ',queue="0"'] + \
        now['hvnet_transmit_frames_total', guest + ',queue="1"'] > 0
    assert now['hvnet_nic_attached',
               f'end="host",listen="{lab.sock}",nic="hvhost0"'] == 1
    promtool = shutil.which('promtool')
    if promtool:
        r = subprocess.run([promtool, 'check', 'metrics'], text=True,
                           input=hvnet(lab, 'metrics', '--format', 'text'),
                           capture_output=True)
        assert (r.returncode, r.stdout + r.stderr) == (0, '')

    path = f'{lab.dir}/hvnet.prom'
    hvnet(lab, 'metrics', '--textfile', path)
    with open(path) as f:
        assert read(f.read(), False).keys() == now.keys()

    server = lab.start(None, [lab.hvnet, 'metrics', '--listen', '0.0.0.0:0'])
    assert server.wait(20) == 2
    server = lab.start(None, [lab.hvnet, 'metrics', '--listen', '39464'])
    lab.wait('server', lambda: 'serving http://127.0.0.1:39464/metrics' in
             lab.log(server), procs=[server])
    for accept, openmetrics in (('application/openmetrics-text', True),
                                ('*/*', False)):
        r = urllib.request.urlopen(urllib.request.Request(
            'http://127.0.0.1:39464/metrics', headers={'Accept': accept}),
            timeout=20)
        assert r.headers['Content-Type'].startswith(
            accept if openmetrics else 'text/plain; version=0.0.4')
        assert read(r.read().decode(), openmetrics).keys() == now.keys()
    lab.procs.remove(server)
    server.terminate()
    assert server.wait(20) == 0

# SPDX-License-Identifier: BSD-2-Clause
"""The frames API over uio_hv_generic's files, as `hvnet uio` makes them."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / 'scripts'))
from hugepages import Missing, Pages    # noqa: E402
from lab import Lab, total              # noqa: E402

BUILD = pathlib.Path(os.environ.get('HVNET', TOP / 'build/cli/hvnet')
                     ).parents[1]
FCHECK = BUILD / 'tests/frames/fcheck'
FDEAF = BUILD / 'tests/frames/fdeaf'

pytestmark = [
    pytest.mark.skipif(not FCHECK.exists(), reason=f'no {FCHECK}'),
    pytest.mark.skipif(os.geteuid() != 0,
                       reason='needs root: namespaces, fanotify')]


@pytest.fixture
def lab():
    with Lab() as made:
        yield made
        made.check_processes()


@pytest.fixture
def pages():
    p = Pages(200)
    try:
        p.take()
    except Missing as e:
        pytest.skip(str(e))
    yield
    p.give_back()


def uio(lab, nic, program):
    # The last word keeps the stand-in from requesting huge pages.
    no_huge = ['--no-huge'] if ',no-huge' in ' '.join(program) else []
    return [lab.hvnet, 'uio', '--connect', lab.sock, '--nic', nic, '--', 'sh',
            '-c', ' '.join(program), *no_huge]


def fcheck(lab, nic, target, queues, threads, count, how):
    p = subprocess.Popen(
        uio(lab, nic, [str(FCHECK), target, "''", str(queues), str(threads),
                       str(count), how]),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=lab.env)
    line = p.stdout.readline()
    assert line == f'up {queues}\n', line
    return p


@pytest.mark.parametrize('target', ['uio:0', 'uio:0,no-huge'])
@pytest.mark.parametrize('how', ['copy', 'room', 'vlan', 'ref'])
def test_exchange(lab, request, target, how):
    """Both ends through the files: all of it, whole, in order."""
    if target == 'uio:0':
        request.getfixturevalue('pages')
    lab.host('backend=pair,name=a,peer=b,spoof=on',
             'backend=pair,name=b,peer=a,spoof=on')
    both = [fcheck(lab, n, target, 1, 1, 5000, how) for n in 'ab']
    for p in both:
        p.stdin.write('\n')
        p.stdin.flush()
    for p in both:
        r = json.loads(p.communicate(timeout=60)[0])
        assert r['ok'] and r['got'] == r['sent'] == 5000, r
        assert r['rx_dropped'] == r['tx_invalid'] == 0
        assert p.returncode == 0


@pytest.mark.parametrize('queues', [1, 2, 4])
def test_queues(lab, queues):
    """Sub-channels come; the host sees frames on each; a clean good-bye."""
    lab.host(f'backend=null,name=n0,queues={queues}')
    pps = BUILD / 'bench/pps_hvnet'
    r = lab.run(None, uio(lab, 'n0', [
        str(pps), 'uio:0,no-huge', "''", str(queues), 'tx', '64', '0',
        'frames=20000']))
    got = json.loads(r.stdout.split('pps: ')[1])
    assert got['ok'] and got['total'] >= 20000
    host = next(x for x in lab.stat('n0') if x['kind'] == 'host')
    written = [q['backend']['written'] for q in host['nics'][0]['queues']]
    assert sum(written) == got['total'] and min(written) > 0
    assert '"total"' in json.dumps(host) and total(host, 'total') == 0
    lab.wait('the host lets go', lambda: next(
        x for x in lab.stat('n0') if x['kind'] == 'host')['guests'] == 0, 5)


@pytest.mark.parametrize('recv', [1, 31])
def test_sends_only(lab, recv):
    """The host puts a frame into every section: completions come behind them
    all, to a program that receives nothing, and none of them is lost."""
    lab.host('backend=generator,name=n0,size=64')
    # All but the few that are for control, see core/vsp/vsp_rxbuf.c.
    sections = (recv << 20) // 1792 * 97 // 100
    cmd = uio(lab, 'n0', [str(FDEAF), 'uio:0,no-huge', "''", '20000',
                          str(sections)])
    cmd[2:2] = ['--recv-buffer', str(recv)]
    got = json.loads(lab.run(None, cmd, check=False).stdout)
    assert got['ok'] and got['completed'] == got['packets'], got
    assert got['got'] == got['kept'] >= sections, got
    assert got['rx_dropped'] == 0, got


@pytest.mark.parametrize('target,words', [
    ('uio:x', 'not uio:N'), ('uio:0,huge', 'not uio:N'), ('uio:', 'not uio'),
    ('uio:7', 'no device')])
def test_wrong(target, words):
    r = subprocess.run([FCHECK, target, '', '1', '1', '1', 'copy'],
                       capture_output=True, text=True, timeout=30)
    assert r.returncode == 1
    assert words in json.loads(r.stdout)['error']

# SPDX-License-Identifier: BSD-2-Clause
"""`hvnet bench pps`: its form, what it leaves behind, and wrong use.  No test
looks at how fast anything was."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from conftest import PAGES, TOP, missing
from hugepages import NR

sys.path.insert(0, str(TOP / 'bench'))
import pps_run      # noqa: E402

HVNET = os.environ.get('HVNET', str(TOP / 'build/cli/hvnet'))
BUILD = pathlib.Path(HVNET).resolve().parents[1]
TINY = ['--quick', '--seconds', '0.1', '--sizes', '64', '--queues', '1']
CELL = {'mode', 'bytes', 'queues', 'ours', 'pmd', 'ratio', 'virtio_mpps',
        'pmd_settings_tried', 'place', 'quiet'}
SIDE = {'mpps', 'runs', 'lost', 'imissed', 'setting', 'limit', 'guest_busy',
        'host_busy', 'host_idle_polls', 'apart_ns', 'all_runs'}


def bench(*args, hvnet=HVNET, **kw):
    return subprocess.run([hvnet, 'bench', 'pps', *args], text=True,
                          capture_output=True, timeout=300, **kw)


def processes():
    """Pids of what a bench starts."""
    out = set()
    for p in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
        try:
            text = p.read_bytes()
        except OSError:
            continue
        if b'hvnet-lab-' in text or b'pps_' in text:
            out.add(p.parent.name)
    return out


@pytest.fixture
def clean():
    why = missing()
    if why:
        pytest.skip(why)
    if not (BUILD / 'bench/pps_dpdk').exists():
        pytest.skip('no pps_dpdk')
    yield


def test_form(clean, tmp_path):
    before = int(NR.read_text())
    out = tmp_path / 'pps.json'
    for seconds in '0.1', '1', '5':     # a busy machine may do nothing in 0.1
        r = bench(*TINY, '--modes', 'tx,rx', '--no-virtio', '--no-yardsticks',
                  '--json', str(out), '--seconds', seconds)
        assert r.returncode == 0, r.stderr
        j = json.loads(out.read_text())
        if all(c[side]['mpps'] > 0 for c in j['cells']
               for side in ('ours', 'pmd')):
            break
    assert j['bench'] == 'pps' and j['rounds'] == 1 and j['troubles'] == []
    assert {'cpu', 'cpus', 'kernel', 'load', 'cores'} <= set(j['machine'])
    assert j['versions']['dpdk']
    assert 'pps_dpdk' in j['commands']['pmd tx']
    assert 'host' in j['commands']['host rx']
    assert [c['mode'] for c in j['cells']] == ['tx', 'rx']
    for c in j['cells']:
        assert set(c) == CELL
        for side in 'ours', 'pmd':
            assert SIDE <= set(c[side]) and c[side]['mpps'] > 0
        assert c['ours']['lost'] == 0
        assert (c['ratio'] is None) == (c['quiet']['no_verdict'] != '')
        assert c['place'] in ('near', 'far', 'mixed')
        for mpps, before, after in c['ours']['all_runs']:
            assert mpps > 0 and before > 0 and after > 0
    assert {'goal', 'value', 'met'} == set(j['goals'][0])
    assert re.search(r'^tx +64 +1 ', r.stdout, re.M)
    assert 'Goals: ' in r.stdout
    # Where others reserve pages meanwhile, this cannot be told.
    if before == 0 and int(NR.read_text()) not in (0, PAGES):
        pytest.fail(f'{NR.read_text()} huge pages are left')


def test_interrupt(clean, tmp_path):
    """Ctrl-C: nothing of it is left, and the exit code says so."""
    before = processes()
    p = subprocess.Popen([HVNET, 'bench', 'pps', *TINY, '--seconds', '30',
                          '--no-virtio'], start_new_session=True,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    end = time.monotonic() + 60
    while not any(b'pps_hvnet' in pathlib.Path(f'/proc/{x}/cmdline')
                  .read_bytes() for x in processes() - before
                  if os.path.exists(f'/proc/{x}/cmdline')):
        assert p.poll() is None and time.monotonic() < end
        time.sleep(0.1)
    os.killpg(p.pid, signal.SIGINT)
    assert p.wait(60) == 128 + signal.SIGINT
    left = [x for x in processes() - before
            if os.path.exists(f'/proc/{x}') and os.getsid(int(x)) == p.pid]
    assert left == []


def test_no_result(monkeypatch):
    """A guest that does not get on: what both ends say of it is told."""
    sample, stuck = pps_run.sample, pps_run.stuck

    def kill(lab, number):
        for p in lab.procs[1:]:     # all but the host end
            os.kill(p.pid, number)

    def stop(lab, host):
        kill(lab, signal.SIGSTOP)
        return sample(lab, host)

    def go_on(lab):
        said = stuck(lab)
        kill(lab, signal.SIGCONT)
        return said
    monkeypatch.setattr(pps_run, 'START', 5)
    monkeypatch.setattr(pps_run, 'sample', stop)
    monkeypatch.setattr(pps_run, 'stuck', go_on)
    b = pps_run.Bench(HVNET)
    with pytest.raises(pps_run.LabError) as e:
        b.once('ours', 'rx', 64, 1, 0.3, pps_run.Setting())
    text = str(e.value).splitlines()
    assert 'ours result: not within 5 s' in text[0]
    assert text[-2:] == ['begin', 'in 0.2 s the host end read 0 frames for '
                         'the guest and wrote 0 of it']


def test_without_dpdk(tmp_path):
    """One sentence, and our side is measured."""
    for name in 'cli/hvnet', 'bench/pps_hvnet':
        to = tmp_path / name
        to.parent.mkdir()
        shutil.copy2(BUILD / name, to)
    r = bench(*TINY, '--modes', 'tx', '--no-yardsticks',
              hvnet=str(tmp_path / 'cli/hvnet'))
    assert r.returncode == 0, r.stderr
    said = [x for x in r.stdout.splitlines() if 'DPDK is left out' in x]
    assert len(said) == 1 and ('libdpdk-dev' in said[0] or 'root' in said[0])
    assert re.search(r'^tx +64 +1 +\d', r.stdout, re.M)


@pytest.mark.parametrize('args,words', [
    (['--modes', 'up'], '--modes'), (['--sizes', '20'], '46 to 1514'),
    (['--queues', '0'], '1 to 64'), (['--rounds', '0'], '--rounds'),
    (['--seconds', '-1'], '--seconds'), (['--bogus'], '--bogus'),
    (['--json', '/nowhere/x'], '/nowhere/x')])
def test_wrong(args, words):
    r = bench(*args)
    assert r.returncode in (1, 2) and words in r.stderr
    assert r.stderr.startswith('hvnet bench pps: ')
    assert r.stderr.count('\n') == 1


def test_instructions_by_layer():
    """bench/instructions.py, as `make bench` runs it: both ends, each layer."""
    if shutil.which('valgrind') is None:
        pytest.skip('no valgrind (scripts/deps.sh check)')
    r = subprocess.run(
        [sys.executable, TOP / 'bench/instructions.py', '--hvnet', HVNET,
         '--modes', 'rx', '--sizes', '64'], text=True, capture_output=True,
        timeout=120)
    assert r.returncode == 0, r.stderr
    cell, = json.loads(r.stdout)['results']
    assert (cell['mode'], cell['bytes']) == ('rx', 64)
    for end, layers in (('driver', {'core/vsc', 'core/ring', 'core/wire'}),
                        ('host', {'core/vsp', 'core/ring', 'linux/host'})):
        assert layers <= set(cell[end]['layers'])
        total = sum(cell[end]['layers'].values())
        assert 100 < cell[end]['total'] < 5000
        assert abs(total - cell[end]['total']) < 2

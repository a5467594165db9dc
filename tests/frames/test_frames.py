# SPDX-License-Identifier: BSD-2-Clause
"""The frames API (include/hvnet.h): programs of ours on `hvnet host`."""
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / 'scripts'))
from lab import Lab     # noqa: E402

BUILD = pathlib.Path(os.environ.get('HVNET', TOP / 'build/cli/hvnet')
                     ).parents[1]
FCHECK = BUILD / 'tests/frames/fcheck'

pytestmark = pytest.mark.skipif(not FCHECK.exists(), reason=f'no {FCHECK}')


@pytest.fixture
def lab():
    with Lab() as made:
        yield made
        made.check_processes()


def fcheck(lab, nic, queues, threads, count, how):
    p = subprocess.Popen(
        [FCHECK, lab.sock, nic, str(queues), str(threads), str(count), how],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=lab.env)
    line = p.stdout.readline()
    assert line == f'up {queues}\n', line
    return p


# Frames without a hash go to queue 0, so all of the other queue's are handed
# over: what finds no room there holds its sender back.
@pytest.mark.parametrize('queues,threads,how', [
    (1, 1, 'copy'), (1, 1, 'room'), (1, 1, 'vlan'), (2, 1, 'copy'),
    (2, 2, 'copy'), (4, 4, 'room'), (1, 1, 'ref'), (2, 2, 'ref'),
    (2, 2, 'refs'), (1, 1, 'hold'), (2, 2, 'hold')])
def test_exchange(lab, queues, threads, how):
    """Both ways at once: all of it, whole, in order; nothing lost."""
    lab.host(f'backend=pair,name=a,peer=b,spoof=on,queues={queues}',
             f'backend=pair,name=b,peer=a,spoof=on,queues={queues}')
    count = 5000
    both = [fcheck(lab, n, queues, threads, count, how) for n in 'ab']
    for p in both:
        p.stdin.write('\n')
        p.stdin.flush()
    for p in both:
        out = p.communicate(timeout=60)[0]
        r = json.loads(out)
        assert r['ok'], r
        assert r['got'] == r['sent'] == r['tx_frames'] == queues * count
        assert r['rx_dropped'] == r['tx_invalid'] == 0
        assert (r['holds'] > 0 and r['refused'] > 0) == (how == 'hold'), r
        assert p.returncode == 0


def test_no_such_nic(lab):
    lab.host('backend=null,name=n0')
    r = subprocess.run([FCHECK, lab.sock, 'nix', '1', '1', '1', 'copy'],
                       capture_output=True, text=True, timeout=30)
    assert r.returncode == 1 and 'nix' in json.loads(r.stdout)['error']


def test_host_goes(lab):
    """A host that is killed breaks the connection; close returns."""
    host = lab.host('backend=null,name=n0')
    p = fcheck(lab, 'n0', 1, 1, 100, 'copy')
    p.stdin.write('\n')
    p.stdin.flush()
    lab.end(host, signal.SIGKILL)
    r = json.loads(p.communicate(timeout=40)[0])
    assert r['why'] == 'the host is gone', r
    assert p.returncode == 1

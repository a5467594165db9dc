# SPDX-License-Identifier: BSD-2-Clause
"""Sleeping until a queue has something: hvnet_wait() and hvnet_fd()."""
import json
import signal
import subprocess
import time

import pytest

from test_frames import BUILD, lab      # noqa: F401

FSLEEP = BUILD / 'tests/frames/fsleep'

pytestmark = pytest.mark.skipif(not FSLEEP.exists(), reason=f'no {FSLEEP}')


def fsleep(lab, nic, queues, role, rounds, how):
    p = subprocess.Popen(
        [FSLEEP, lab.sock, nic, str(queues), role, str(rounds), how],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=lab.env)
    assert p.stdout.readline() == f'up {queues}\n'
    return p


def result(p, go='\n'):
    out = p.communicate(go, timeout=40)[0]
    return json.loads(out)


def pair(lab, queues):
    lab.host(f'backend=pair,name=a,peer=b,spoof=on,queues={queues}',
             f'backend=pair,name=b,peer=a,spoof=on,queues={queues}')


@pytest.mark.parametrize('queues,how', [
    (1, 'wait'), (1, 'poll'), (1, 'slow'), (2, 'wait'), (2, '1fd')])
def test_no_wake_up_is_lost(lab, queues, how):
    """An answer comes at any point of arming, and always wakes."""
    pair(lab, queues)
    rounds = 3000 if how != 'slow' else 200
    echo = fsleep(lab, 'b', queues, 'echo', rounds, how)
    ask = fsleep(lab, 'a', queues, 'ask', rounds, how)
    for p in (ask, echo):
        r = result(p)
        assert r['lost'] == 0 and r['got'] == queues * rounds, r
        assert r['why'] == '' and p.returncode == 0
        # It did sleep, and was not woken for nothing each time.
        assert queues * rounds / 10 < r['sleeps'] < queues * rounds * 3, r


def test_sleeps_until_there_is_room(lab):
    pair(lab, 1)
    sink = fsleep(lab, 'b', 1, 'sink', 3000, 'wait')
    flood = fsleep(lab, 'a', 1, 'flood', 3000, 'wait')
    sink.stdin.write('\n')
    sink.stdin.flush()
    r = result(flood)
    assert r['lost'] == 0 and r['full'] > 10, r
    assert result(sink)['lost'] == 0


def test_idle_sleeps_and_the_end_wakes(lab, queues=2):
    """Nothing to do costs nothing; a host that goes wakes every queue."""
    host = lab.host(f'backend=null,name=n0,queues={queues}')
    p = fsleep(lab, 'n0', queues, 'idle', 1, 'wait')
    p.stdin.write('\n')
    p.stdin.flush()
    time.sleep(1)
    lab.end(host, signal.SIGKILL)
    r = result(p, '')
    assert r['why'] == 'the host is gone' and r['lost'] == 0
    # A thousand, were it polling each millisecond.
    assert r['switches'] < 200, r

# SPDX-License-Identifier: BSD-2-Clause
"""Nobody waits longer than its user set, whatever the host does."""
import signal
import socket
import time

import pytest

# What an answer may take on a busy machine; without bounds it was 10 s and
# more, or for ever.
PROMPT = 5


@pytest.fixture
def silent(lab):
    """A host that listens and never answers: one of ours, stopped."""
    lab.netns('g')
    host = lab.host(lab.tap_spec())
    host.send_signal(signal.SIGSTOP)
    yield host
    host.send_signal(signal.SIGCONT)


def timed(call):
    start = time.monotonic()
    result = call()
    return result, time.monotonic() - start


def command(lab, *args):
    return [lab.hvnet, 'guest', '--connect', lab.sock, '--ifname', 'hn0',
            '--netns', lab.netns('g'), *args]


def test_wait_up_is_kept(lab, silent):
    r, took = timed(lambda: lab.run(None, command(lab, '--wait-up', '1'),
                                    check=False))
    assert r.returncode == 4
    assert 'within 1 s' in r.stderr and 'does not answer' in r.stderr
    assert 1 <= took < PROMPT


def test_nobody_accepts(lab):
    """The socket's queue is full: connect() itself waits."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.bind(lab.sock)
        s.listen(0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as c:
            c.connect(lab.sock)
            r, took = timed(lambda: lab.run(
                None, command(lab, '--wait-up', '1'), check=False))
    assert r.returncode == 4 and 'does not answer' in r.stderr
    assert took < PROMPT


def test_stat_and_sigint_meanwhile(lab, silent):
    guest = lab.start(None, command(lab), 'guest')
    lab.wait('a word', lambda: 'does not answer' in lab.log(guest), 15,
             [guest])
    states, took = timed(lambda: [s for s in lab.stat('hn0')
                                  if s['kind'] == 'guest'])
    assert states and states[0]['state'] == 'waiting for the host'
    assert took < PROMPT
    code, took = timed(lambda: lab.end(guest, signal.SIGINT))
    assert code == 0 and took < PROMPT


def test_sigint_with_a_host_that_stopped(lab):
    """Up, then the host is silent: the detach also has a bound."""
    lab.pair()
    lab.hostp.send_signal(signal.SIGSTOP)
    code, took = timed(lambda: lab.end(lab.guestp, signal.SIGINT))
    lab.hostp.send_signal(signal.SIGCONT)
    assert code == 0 and took < PROMPT
    # The host notices, and serves the next guest.
    lab.guestp = lab.guest()
    lab.address('g', 'hn0', 1)
    lab.ready()

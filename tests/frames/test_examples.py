# SPDX-License-Identifier: BSD-2-Clause
"""The example programs, against `hvnet host` with TAP devices."""
import re
import sys
import time

from test_frames import BUILD, lab      # noqa: F401

ASK = BUILD / 'examples/ask'
ECHO = BUILD / 'examples/echo'
FORWARD = BUILD / 'examples/forward'
SINK = """
import socket
s = socket.create_server(("10.8.0.2", 99))
c = s.accept()[0]
n = 0
while b := c.recv(65536): n += len(b)
print(n)
"""
SOURCE = """
import socket
s = socket.create_connection(("10.8.0.2", 99), 5)
s.sendall(b"x" * %d)
"""
# Datagrams of any length, from a port each, come back as they went.
DATAGRAMS = """
import os, socket
for n in [0, 1, 2, 100, 1471, 1472]:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.connect(("10.8.0.9", 7 + n))
    sent = os.urandom(n)
    s.send(sent)
    assert s.recv(2000) == sent, n
print("same")
"""


def switches(p):
    """Times that the program's main thread went to sleep."""
    text = open(f'/proc/{p.pid}/task/{p.pid}/status').read()
    return int(re.search(r'\nvoluntary_ctxt_switches:\s*(\d+)', text)[1])


def sleeps(p):
    """Idle, it is woken a few times a second, by its own time-outs."""
    before = switches(p)
    time.sleep(0.5)
    return switches(p) - before < 30


def test_echo(lab):     # noqa: F811
    lab.host(f'backend=tap,name=n0,netns={lab.netns("h")}')
    p = lab.start(None, [ECHO, lab.sock, 'n0', '10.8.0.9'], 'echo')
    lab.wait('echo', lambda: 'answers on' in lab.log(p), 15, [p])
    lab.run('h', 'ip addr add 10.8.0.1/24 dev n0')
    lab.run('h', 'ip link set n0 up')
    lab.run('h', 'ping -c 20 -i 0.01 -W 2 10.8.0.9')
    lab.run('h', 'ping -c 5 -i 0.01 -s 1472 -M do -W 2 10.8.0.9')
    assert lab.run('h', [sys.executable, '-c', DATAGRAMS]).stdout == 'same\n'
    # Another address, no port unreachable, nothing for a fragment.
    assert lab.run('h', 'ping -c 1 -W 0.2 10.8.0.8', check=False).returncode
    assert lab.run('h', 'ping -c 1 -W 0.2 -s 3000 10.8.0.9',
                   check=False).returncode
    assert sleeps(p)
    assert lab.end(p) == 0
    # Pings, datagrams, and at least one ARP request.
    assert int(re.search(r'(\d+) answers\n', lab.log(p))[1]) >= 32


def test_ask(lab):     # noqa: F811
    """Datagrams from registered memory come back from echo, each as it was
    sent, and each buffer once."""
    lab.host('backend=pair,name=a,peer=b', 'backend=pair,name=b,peer=a')
    p = lab.start(None, [ECHO, lab.sock, 'b', '10.8.0.9'], 'echo')
    lab.wait('echo', lambda: 'answers on' in lab.log(p), 15, [p])
    q = lab.start(None, [ASK, lab.sock, 'a', '10.8.0.1', '10.8.0.9', '20000'],
                  'ask')
    lab.wait('ask', lambda: q.poll() is not None, 30, [p])
    assert '20000 sent, 20000 buffers back, 20000 answers, 0 wrong' in \
        lab.log(q)
    assert lab.end(p) == 0
    assert '20000 answers' in lab.log(p)


def forward(lab, program=FORWARD, args=(), count=1000000):   # noqa: F811
    """Two TAP NICs joined: ping, and TCP whose checksums the kernel leaves
    open.  Returns the frames one way."""
    lab.host(f'backend=tap,name=n0,spoof=on,netns={lab.netns("h")}',
             f'backend=tap,name=n1,spoof=on,netns={lab.netns("k")}')
    p = lab.start(None, [program, *args, lab.sock, 'n0', lab.sock, 'n1'],
                  'forward')
    lab.wait('forward ready', lambda: 'ready' in lab.log(p), 15, [p])
    for ns, nic, ip in (('h', 'n0', '10.8.0.1'), ('k', 'n1', '10.8.0.2')):
        lab.run(ns, f'ip addr add {ip}/24 dev {nic}')
        lab.run(ns, f'ip link set {nic} up')
    lab.run('h', 'ping -c 20 -i 0.01 -W 2 10.8.0.2')
    # Large enough that the kernel leaves checksums open.
    lab.run('h', 'ping -c 5 -i 0.01 -s 1400 -W 2 10.8.0.2')
    server = lab.start('k', [sys.executable, '-c', SINK], 'server')
    lab.wait('server', lambda: lab.run(
        'k', 'ss -Hltn sport = 99').stdout != '', 10, [server])
    lab.run('h', [sys.executable, '-c', SOURCE % count])
    server.wait(30)
    assert lab.log(server).strip() == str(count)
    if program == FORWARD:
        assert sleeps(p)
    assert lab.end(p) == 0
    return int(re.search(r'(\d+) one way', lab.log(p))[1])


def test_forward(lab):      # noqa: F811
    assert forward(lab) > 1000000 / 1460


def test_forward_large(lab):        # noqa: F811
    """RSC frames come as GSO frames, and go on as such."""
    assert forward(lab, args=['-l'], count=8000000) < 8000000 / 1460 / 2

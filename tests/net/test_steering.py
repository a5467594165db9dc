# SPDX-License-Identifier: BSD-2-Clause
"""Each flow to the guest lands on the channel that Toeplitz says."""
import socket

import pytest

HOST, GUEST = '10.7.0.2', '10.7.0.1'


def toeplitz(key, data):
    """Bit by bit, as Microsoft's RSS documentation defines it."""
    bits = int.from_bytes(key, 'big')
    width = len(key) * 8
    out = 0
    for i, byte in enumerate(data):
        for b in range(8):
            if byte & (0x80 >> b):
                out ^= (bits >> (width - 32 - (i * 8 + b))) & 0xffffffff
    return out


def tuple4(src, sport, dst, dport):
    family = socket.AF_INET6 if ':' in src else socket.AF_INET
    return (socket.inet_pton(family, src) + socket.inet_pton(family, dst) +
            sport.to_bytes(2, 'big') + dport.to_bytes(2, 'big'))


MS_KEY = bytes.fromhex('6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b4'
                       '77cb2da38030f20c6a42b73bbeac01fa')


def test_microsoft_vectors():
    """The verification suite's first and last IPv4 rows, and one IPv6."""
    assert toeplitz(MS_KEY, tuple4('66.9.149.187', 2794, '161.142.100.80',
                                   1766)) == 0x51ccc178
    assert toeplitz(MS_KEY, tuple4('153.39.163.191', 44251, '202.188.127.2',
                                   1303)) == 0x10e828a2
    assert toeplitz(MS_KEY, tuple4('3ffe:2501:200:1fff::7', 2794,
                                   '3ffe:2501:200:3::1', 1766)) == 0x40207d3d


def rx_frames(lab):
    guest = [s for s in lab.stat('hn0') if s['kind'] == 'guest'][0]
    return [q['receive']['frames'] for q in guest['queues']], guest['rss']


# One frame a round, as each waits for an answer.
SEND = '''
import socket, sys
s = socket.create_connection((sys.argv[1], 5500),
                             source_address=(sys.argv[2], int(sys.argv[3])))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for i in range(30):
    s.sendall(b"x" * 100)
    s.recv(1)
'''
SINK = '''
import socket, threading
srv = socket.create_server(("::", 5500), family=socket.AF_INET6,
                           dualstack_ipv6=True, backlog=128)
def drain(c):
    while c.recv(65536):
        c.sendall(b"y")
while True:
    threading.Thread(target=drain, args=(srv.accept()[0],)).start()
'''


@pytest.mark.parametrize('queues', [2, 4])
def test_flows_land_where_toeplitz_says(lab, queues):
    lab.pair(queues=queues, vps=queues)
    sink = lab.start('g', ['python3', '-c', SINK], 'sink')
    lab.wait('sink', lambda: ':5500 ' in lab.run('g', 'ss -Hltn').stdout, 5,
             [sink])
    before, rss = rx_frames(lab)
    key = bytes.fromhex(rss['key'])
    used = set()
    for n in range(32):
        src, dst = (HOST, GUEST) if n % 2 == 0 else ('fd07::2', 'fd07::1')
        port = 40000 + 37 * n
        lab.run('h', ['python3', '-c', SEND, dst, src, str(port)])
        after, _ = rx_frames(lab)
        delta = [b - a for a, b in zip(before, after)]
        want = rss['table'][toeplitz(key, tuple4(src, port, dst, 5500)) %
                            len(rss['table'])]
        assert delta[want] == max(delta) and delta[want] >= 20, \
            f'{src}:{port}: queue {want} expected, frames by queue {delta}'
        used.add(want)
        before = after
    assert used == set(range(queues)), 'some queue was never used'


def test_a_new_key_steers_what_leaves(lab):
    """The guest sends on the channel of the send table, by the key of now."""
    lab.pair(queues=4, vps=4)
    sink = lab.start('h', ['python3', '-c', SINK], 'sink')
    lab.wait('sink', lambda: ':5500 ' in lab.run('h', 'ss -Hltn').stdout, 5,
             [sink])

    def tx_frames():
        guest = [s for s in lab.stat('hn0') if s['kind'] == 'guest'][0]
        return [q['transmit']['frames'] for q in guest['queues']], guest['rss']
    new = bytes(range(60, 100))
    for round in range(2):
        before, rss = tx_frames()
        key, used = bytes.fromhex(rss['key']), set()
        assert (key == new) == (round == 1)
        for n in range(16):
            port = 41000 + 1000 * round + 41 * n
            lab.run('g', ['python3', '-c', SEND, HOST, GUEST, str(port)])
            after, _ = tx_frames()
            delta = [b - a for a, b in zip(before, after)]
            # Our host's table spreads evenly; the hash is of the answers.
            want = toeplitz(key, tuple4(HOST, 5500, GUEST, port)) % 16 % 4
            assert delta[want] == max(delta) and delta[want] >= 20, \
                f'{port}: queue {want} expected, frames by queue {delta}'
            used.add(want)
            before = after
        assert used == set(range(4)), 'some queue was never used'
        lab.set('hn0', f'rss_key={new.hex()}')


def test_key_and_table_change_while_traffic_runs(lab):
    """Everything to queue 1, then another key; nothing is lost meanwhile."""
    lab.pair()
    rx = lab.start('g', 'iperf3 -s -1', 'iperf')
    lab.wait('server', lambda: ':5201 ' in lab.run('g', 'ss -Hltn').stdout, 5)
    tx = lab.start('h', f'iperf3 -c {GUEST} -t 4 -P 4', 'iperf')
    for n in range(6):
        lab.set('hn0', 'rss_table=1' if n % 2 else 'rss_table=0:1')
        lab.set('hn0', f'rss_key={bytes(range(n, n + 40)).hex()}')
    lab.set('hn0', 'rss_table=1')
    before, rss = rx_frames(lab)
    assert set(rss['table']) == {1}
    assert rss['key'] == bytes(range(5, 45)).hex()
    assert tx.wait(20) == 0 and rx.wait(20) == 0, lab.log(tx)
    after, _ = rx_frames(lab)
    assert after[1] - before[1] > 10 * (after[0] - before[0])
    bad = lab.set('hn0', 'rss_table=0:9', check=False)
    assert bad.returncode != 0 and 'below 2' in bad.stderr

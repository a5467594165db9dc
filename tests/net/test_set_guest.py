# SPDX-License-Identifier: BSD-2-Clause
"""`hvnet set` of a guest: channels that move, settings that attach again."""
import json
import os

import pytest
from lab import find, total

HOST, GUEST = '10.7.0.2', '10.7.0.1'
MOVES = 1000 if os.environ.get('HVNET_FULL') else 60


def guest(lab):
    return [s for s in lab.stat('hn0') if s['kind'] == 'guest'][0]


def vps(lab):
    return [q['vp'] for q in guest(lab)['queues']]


def wait_up(lab, attaches):
    lab.wait('attached again', lambda: guest(lab)['state'] == 'up' and
             guest(lab)['attaches'] == attaches, 15, [lab.guestp])
    lab.ready()


def quiet(lab):
    """What each end read and wrote, once no more comes."""
    def counts():
        host = [s for s in lab.stat() if s['kind'] == 'host'][0]
        queues = host['nics'][0]['queues']
        return ([total(guest(lab)['queues'], k) for k in ('read', 'written')] +
                [total([q['backend'] for q in queues], k)
                 for k in ('read', 'written')])
    last = [counts()]

    def same():
        last.append(counts())
        return last[-1] == last[-2]
    lab.wait('quiet', same, 15)
    return last[-1]


@pytest.mark.parametrize('way', ['out', 'in'])
def test_channels_move_under_traffic(lab, way):
    """8 streams; channels change their processors; no frame is lost between
    the TAPs and none overtakes another of its flow."""
    lab.pair(queues=4, vps=4, gro='off',
             guest_args=['--no-coalesce'])
    src, dst, addr = ('g', 'h', HOST) if way == 'out' else ('h', 'g', GUEST)
    server = lab.start(dst, 'iperf3 -s -1 -J', 'iperf')
    lab.wait('server', lambda: ':5201 ' in lab.run(
        dst, 'ss -Hltn', check=False).stdout, 5, [server])
    client = lab.start(src, f'iperf3 -c {addr} -u -b 4M -l 400 -P 8 -t 600',
                       'iperf')
    lab.wait('traffic', lambda: total(guest(lab)['queues'], 'read') +
             total(guest(lab)['queues'], 'written') > 1000, 15, [client])
    to = {}
    for n in range(MOVES):
        to[n % 3] = (n // 3 + n % 3) % 4
        lab.set('hn0', f'channel.{1 + n % 3}.vp={to[n % 3]}')
    want = [0, to[0], to[1], to[2]]
    lab.wait('the last moves', lambda: vps(lab) == want, 10)
    lab.end(client, sig=2)
    server.wait(20)
    read, written, host_read, host_written = quiet(lab)
    assert (host_written, written) == (read, host_read)
    report = json.loads(lab.log(server))
    assert len(report['end']['streams']) == 8
    assert sum(find(report['end']['streams'], 'out_of_order')) == 0
    assert total(guest(lab)['queues'], 'moves') > MOVES / 2
    host = [s for s in lab.stat() if s['kind'] == 'host'][0]
    assert [q['channel']['vp'] for q in host['nics'][0]['queues']] == want


def test_table_of_processors(lab):
    """At start; and a channel that is to go where none is."""
    lab.pair(queues=4, vps=3, guest_args=['--channel-vp', '0:2', '-o',
                                           'chan_cnt=4'])
    assert vps(lab) == [0, 2, 0, 2]
    r = lab.set('hn0', 'channel.1.vp=3', check=False)
    assert r.returncode != 0 and 'want a virtual processor, 0 to 2' in r.stderr
    r = lab.set('hn0', 'channel.4.vp=0', check=False)
    assert r.returncode != 0 and 'has channels 0 to 3' in r.stderr
    r = lab.set('hn0', 'channel.0.vp=1', check=False)
    assert r.returncode != 0 and 'stays on virtual processor 0' in r.stderr
    lab.set('hn0', 'channel.1.vp=1', 'channel.3.vp=1')
    lab.wait('moved', lambda: vps(lab) == [0, 1, 0, 1], 10)
    assert lab.copy('g', 'h', HOST, 4)


def test_old_vmbus_moves_nothing(lab):
    lab.pair(guest_args=['--max-vmbus', '4.0', '--channel-vp', '0:1'])
    assert vps(lab) == [0, 1]
    r = lab.set('hn0', 'channel.1.vp=0', check=False)
    assert r.returncode != 0 and 'this is 4.0' in r.stderr


def test_interrupt_page_is_of_one_processor(lab):
    lab.pair(guest_args=['--max-vmbus', '1.1', '--channel-vp', '0:1'])
    assert set(vps(lab)[:guest(lab)['device']['queues']]) == {0}
    assert lab.copy('g', 'h', HOST, 4)


def test_settings_of_a_running_guest(lab):
    """Some at once, some with another attach; all or nothing."""
    lab.pair()
    assert lab.set('hn0', 'ack_batch=1', 'signal=packet').stdout == ''
    before = total(guest(lab)['queues'], 'signals_data')
    lab.ready()
    lab.set('hn0', 'signal=edge', 'tx_agg_pkts=1')
    g = guest(lab)
    assert total(g['queues'], 'signals_data') > before
    assert g['device']['agg_packets'] == 1 and g['attaches'] == 1
    r = lab.set('hn0', 'chan_cnt=1', 'ring_pages=64', 'mtu=1400')
    assert r.stdout == 'the NIC is attached again for it\n'
    wait_up(lab, 2)
    d = guest(lab)['device']
    assert (d['queues'], d['mtu'], d['agg_packets']) == (1, 1400, 1)
    assert lab.copy('h', 'g', GUEST, 4)
    assert 'mtu 1400' in lab.run('g', 'ip link show hn0').stdout
    lab.set('hn0', 'chan_cnt=2')
    wait_up(lab, 3)
    assert guest(lab)['device']['queues'] == 2
    for setting, why in (('chan_cnt=3', 'was made with 2 queues'),
                         ('ring_pages=1', 'want a number from 2 to 2048'),
                         ('mtu=67', 'want 68 to 9000'),
                         ('signal=loud', 'want edge or packet'),
                         ('ack_batch=', 'want a number from 1 to 512'),
                         ('fish=1', 'each tunable of hvnet guest -o')):
        r = lab.set('hn0', 'ack_batch=9', setting, check=False) \
            if not setting.startswith('ack') else \
            lab.set('hn0', setting, check=False)
        assert r.returncode != 0 and why in r.stderr, r.stderr
    assert guest(lab)['attaches'] == 3

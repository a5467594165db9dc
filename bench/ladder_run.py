# SPDX-License-Identifier: BSD-2-Clause
"""One row of `hvnet bench ladder` at work: both ends, and what they count."""
import pathlib
import re
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / 'scripts'))
from lab import Lab, LabError, cpu_seconds, find, total     # noqa: E402
from pps_run import helper      # noqa: E402

WAYS = {'out': ('g', 'h', '10.7.0.2'), 'in': ('h', 'g', '10.7.0.1')}
INTERFACE = {'g': 'hn0', 'h': 'hvhost0'}
NOBODY = '02:00:00:00:00:99'
SMALL = 64              # bytes of a frame of the flood
IDLE_PINGS, IDLE_GAP = 200, 0.002
LOAD_GAP = 0.01
# What is counted for each gigabyte.
A_GB = ('cpu_guest', 'cpu_host', 'signals', 'signals_back', 'interrupts')


def times(text):
    """Round trips in microseconds, from ping's lines."""
    return [1000 * float(x) for x in re.findall(r'time=([\d.]+) ms', text)]


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


class Side:
    """The two ends with the settings of a row; stays up between rounds."""

    def __init__(self, row, hvnet, channels):
        self.row = row
        self.lab = Lab(hvnet)
        self.lab.pair(queues=row.nic['queues'], vps=max(2, channels),
                      guest_args=[*row.guest, *row.tune], host_args=row.host,
                      **{k: v for k, v in row.nic.items() if k != 'queues'})
        self.pids = {'guest': self.lab.guestp.pid, 'host': self.lab.hostp.pid}
        self.flood_cmd = helper(pathlib.Path(hvnet), 'flood')

    def close(self):
        self.lab.close()

    def commands(self):
        """What a person would type: host and guest."""
        def text(p):
            words = ' '.join(map(str, p.args))
            return words.replace(self.lab.dir, '/tmp').replace(
                self.lab.tag, '').replace(str(TOP) + '/', '')
        return [text(self.lab.hostp), text(self.lab.guestp)]

    def counts(self):
        """Counters of both ends, and their processor time."""
        s = self.lab.stat()
        guest = [x for x in s if x['kind'] == 'guest']
        host = [x for x in s if x['kind'] == 'host']
        if not guest or not host:
            raise LabError(f'{self.row.name}: an end does not answer')
        queues = host[0]['nics'][0]['queues']
        return {
            'signals': signals(guest),
            'signals_back': signals(host),
            'interrupts': sum(p['interrupts'] for p in find(host, 'partition')),
            'to_guest': sum(q['to_guest']['packets'] +
                            q['from_guest']['completions'] for q in queues),
            'frames_out': total([q['backend'] for q in queues], 'written'),
            'frames_in': total([q['interface'] for g in guest
                                for q in g['queues']], 'written'),
            'cpu_guest': cpu_seconds(self.pids['guest']),
            'cpu_host': cpu_seconds(self.pids['host']),
        }

    def tcp(self, way, streams, seconds):
        """One TCP run with a few pings meanwhile."""
        src, dst, to = WAYS[way]
        before = self.counts()
        ping = self.lab.start('g', ['ping', '-i', str(LOAD_GAP), '-w',
                                    str(max(1, int(seconds))), '10.7.0.2'],
                              'ping')
        end = self.lab.iperf(src, dst, to, seconds, ['-P', str(streams)])
        after = self.counts()
        ping.wait(30)
        got = end['sum_received']
        gb = max(got['bytes'], 1) / 1e9
        d = {k: after[k] - before[k] for k in after}
        return {'gbps': got['bits_per_second'] / 1e9,
                **{k: d[k] / gb for k in A_GB},
                'packets_an_interrupt':
                    d['to_guest'] / max(d['interrupts'], 1),
                'rtt_load_us': times(self.lab.log(ping))}

    def idle(self):
        """Round trips with nothing else under way, in microseconds."""
        return times(self.lab.run('g', [
            'ping', '-i', str(IDLE_GAP), '-c', str(IDLE_PINGS),
            '10.7.0.2']).stdout)

    def mac(self, ns):
        text = self.lab.run(ns, f'ip -o link show {INTERFACE[ns]}').stdout
        return re.search(r'ether (\S+)', text).group(1)

    def flood(self, way, seconds):
        """Frames a second of 64 bytes that get through."""
        src, dst, _ = WAYS[way]
        to = self.mac('g') if way == 'in' else NOBODY
        before, began = self.counts(), time.monotonic()
        r = self.lab.run(src, [self.flood_cmd, INTERFACE[src], to, str(SMALL),
                               str(seconds)])
        after, took = self.counts(), time.monotonic() - began
        got = after[f'frames_{way}'] - before[f'frames_{way}']
        sent = max(int(r.stdout), 1)
        return {'pps': got / took, 'lost': max(0, 1 - got / sent)}


def signals(processes):
    """That these ends sent so far, for packets and for room."""
    return total(processes, 'signals_data') + total(processes, 'signals_room')

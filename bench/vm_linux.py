# SPDX-License-Identifier: BSD-2-Clause
"""The stock Linux guest of `hvnet bench vm`: one machine, its knobs, counts.

Another kernel's guest is a class with the same public names: see vm.py and
vm_freebsd.py.
"""
import pathlib
import re

from linux_guest import GUEST, HOST, Joined, soon
from vm_counts import machine_counts, plugin_args
from vm_flows import PORT, channel, client_ports

KEY = ':'.join(['6d', '5a'] * 20)


def established(lab, ports):
    """How many connections the host's end has, by server's port."""
    text = lab.run('h', 'ss -Htn state established').stdout
    return sum(len({f':{p}' for p in ports} &
                   {':' + a.rsplit(':', 1)[1] for a in line.split()[2:4]}) > 0
               for line in text.splitlines())


class LinuxGuest:
    name = 'linux'
    # Each step adds to the one before; gso and gro are the kernel's own.
    steps = {
        'none': 'tx off rx off tso off lro off gso off gro off',
        'soft': 'tx off rx off tso off lro off gso on gro on',
        'csum': 'tx on rx on tso off lro off gso on gro on',
        'tso': 'tx on rx on tso on lro off gso on gro on',
        'rsc': 'tx on rx on tso on lro on gso on gro on',
    }
    ratios = {'TSO to no offload, to the host (goal 5)': ('tso', 'none', 'out'),
              'TSO to only checksums': ('tso', 'csum', 'out'),
              'RSC to no offload, from the host (goal 2)':
              ('rsc', 'none', 'in'),
              'RSC to all but RSC': ('rsc', 'tso', 'in')}
    any_channels = True         # one machine can have any number of them

    def __init__(self, lab, vps, counted, queues=None):
        """counted: under the plugin, which slows it down."""
        self.lab = lab
        self.vps = vps
        self.file = pathlib.Path(lab.dir) / 'instructions' if counted else None
        self.j = Joined(lab, vps=vps, mtu=1500, vm={
            'args': plugin_args(self.file) if counted else []})
        self.vm = self.j.vm
        self.now = {}
        self.runs = 0
        self.servers = []
        self.flows = []

    def kernel(self):
        return self.vm.run('uname -r')

    def offloads(self, step):
        self.set('step', step, f'ethtool -K eth0 {self.steps[step]}')

    def channels(self, n):
        # A table that was set keeps the number of channels from falling.
        if self.set('channels', n, 'ethtool -X eth0 default; '
                    f'ethtool -L eth0 combined {n}'):
            soon('channels', lambda: self.j.device()['queues'] == n)
            if n > 1:   # the driver forgets the key while it has one channel
                self.vm.run(f'ethtool -X eth0 equal {n} hkey {KEY}')
            self.j.ping()

    def set(self, key, value, cmd):
        if self.now.get(key) == value:
            return False
        self.now[key] = value
        # -L and -K complain where nothing changes.
        self.vm.run(cmd, check=False)
        return True

    # --- counts, since boot ---

    def counts(self):
        """Per-vCPU lists, and signals of the whole machine."""
        lines = self.vm.run('grep HYP /proc/interrupts; grep ^cpu[0-9] '
                            '/proc/stat').splitlines()
        return {'interrupts': [int(x) for x in
                               lines[0].split()[1:1 + self.vps]],
                'softirq_ticks': [int(x.split()[7]) for x in lines[1:]],
                **machine_counts(self.vm, self.vps, self.file)}

    # --- traffic ---

    def client_ports(self, ports):
        """Local ports such that the channels get the streams in turn, by the
        driver's own key and table."""
        text = self.vm.run('ethtool -x eth0')
        table = [int(x) for line in re.findall(r'^ +\d+: +(.*)$', text, re.M)
                 for x in line.split()]
        key = bytes.fromhex(re.search(r'((?:[0-9a-f]{2}:){39}[0-9a-f]{2})',
                                      text).group(1).replace(':', ''))

        def channel_of(port, cport):
            return channel(key, table, (HOST, port), (GUEST, cport))

        out, self.flows = client_ports(channel_of, max(table) + 1, ports,
                                       self.runs)
        return out

    def start(self, way, streams, pace=None):
        """Begin; `out` is guest to host, pace Mbit/s of each stream.  Each
        stream is a program of its own at both ends."""
        self.runs += 1
        back = ' -R' if way == 'in' else ''
        rate = f' -l 16K -b {pace}M' if pace else ''
        ports = range(PORT, PORT + streams)
        cports = self.client_ports(ports)
        self.servers = [self.j.serve(f'iperf3 -s -1 -p {p}', p) for p in ports]
        self.vm.run(''.join(
            f'iperf3 -c {HOST} -p {p} --cport {c}{back}{rate} -t 600 '
            f'>/tmp/r{p} 2>&1 & ' for p, c in zip(ports, cports)) + ':')
        # A connection of control and one of data.
        try:
            soon('streams', lambda: established(self.lab, ports) ==
                 2 * streams, 60)
        except AssertionError as e:
            raise AssertionError(f'{e}\n{self.reports()}') from e

    def reports(self):
        return self.vm.run('tail -n 3 /tmp/r*; netstat -tn') + '\n'.join(
            self.lab.log(s) for s in self.servers)

    def stop(self):
        n = len(self.servers)
        left = self.vm.run('pidof iperf3 | wc -w; killall -q iperf3; while '
                           'pidof iperf3 >/dev/null; do sleep 0.1; done')
        for s in self.servers:
            self.lab.end(s, quiet=True)
        if int(left) != n:
            raise AssertionError(f'{left} of {n} iperf3 were left:\n'
                                 f'{self.reports()}')
        self.servers = []

    def complaints(self):
        return self.vm.kernel_log()

"""The stock Linux guest of `hvnet bench vm`: one machine, its knobs, counts.

Another kernel's guest is a class with the same public names; see vm.py.
"""
import json
import pathlib
import re
import struct

from kit import qemu
from linux_guest import GUEST, HOST, Joined, soon

DEVICE = '/machine/peripheral-anon/device[0]'
PORT = 5201             # of the first stream
KEY = ':'.join(['6d', '5a'] * 20)
SLOT = 64               # bytes a vCPU has in the plugin's file


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

    def __init__(self, lab, vps, counted):
        """counted: under the plugin, which slows it down."""
        self.lab = lab
        self.vps = vps
        self.file = pathlib.Path(lab.dir) / 'instructions'
        plugin = qemu().parent / 'libhvnet-count.so'
        args = ['-plugin', f'{plugin},out={self.file}'] if counted else []
        self.counted = counted
        self.j = Joined(lab, vps=vps, mtu=1500, vm={'args': args})
        self.vm = self.j.vm
        self.now = {}
        self.runs = 0

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
        out = {'interrupts': [int(x) for x in
                              lines[0].split()[1:1 + self.vps]],
               'softirq_ticks': [int(x.split()[7]) for x in lines[1:]]}
        told = self.vm.qmp(f'qom-get {DEVICE} signals')
        found = re.search(r'signals\s*(?:\x1b\[K)?[\r\n]+(\d+)', told)
        out['signals'] = [int(found.group(1))]
        if self.counted:
            raw = self.file.read_bytes()
            out['instructions'] = [struct.unpack_from('=Q', raw, SLOT * i)[0]
                                   for i in range(self.vps)]
        return out

    # --- traffic ---

    def queue_of(self, key, table, port, cport):
        """The channel that Toeplitz gives a TCP flow towards the guest."""
        data = b''.join(bytes(map(int, a.split('.'))) for a in
                        (HOST, GUEST)) + struct.pack('!HH', port, cport)
        bits = int.from_bytes(key, 'big')
        width = 8 * len(key)
        value = 0
        for i in range(8 * len(data)):
            if data[i // 8] & 0x80 >> i % 8:
                value ^= bits >> (width - 32 - i) & 0xffffffff
        return table[value % len(table)]

    def client_ports(self, streams):
        """Local ports such that the channels get the streams in turn."""
        text = self.vm.run('ethtool -x eth0')
        table = [int(x) for line in re.findall(r'^ +\d+: +(.*)$', text, re.M)
                 for x in line.split()]
        key = bytes.fromhex(re.search(r'((?:[0-9a-f]{2}:){39}[0-9a-f]{2})',
                                      text).group(1).replace(':', ''))
        n = max(table) + 1
        out = []
        for i in range(streams):
            port = 20000 + 100 * i + self.runs % 100
            while self.queue_of(key, table, PORT + i, port) != i % n:
                port += 1
            out.append(port)
        return out

    def traffic(self, way, streams, seconds):
        """(bytes, Mbit/s).  `out` is guest to host.  Each stream is a program
        of its own at both ends."""
        self.runs += 1
        back = ' -R' if way == 'in' else ''
        cports = self.client_ports(streams)
        servers = [self.j.serve(f'iperf3 -s -1 -p {PORT + i}', PORT + i)
                   for i in range(streams)]
        cmd = ''.join(
            f'iperf3 -c {HOST} -p {PORT + i} --cport {c}{back} -J '
            f'-t {seconds} >/tmp/r{i} & ' for i, c in enumerate(cports))
        out = self.vm.run(cmd + 'wait; cat ' + ' '.join(
            f'/tmp/r{i}' for i in range(streams)), timeout=seconds + 60)
        for s in servers:
            self.lab.end(s, quiet=True)
        ends = []
        while out.strip():
            report, at = json.JSONDecoder().raw_decode(out.lstrip())
            out = out.lstrip()[at:]
            if 'error' in report:
                raise AssertionError(f'iperf3: {report["error"]}')
            ends.append(report['end']['sum_received'])
        return (sum(e['bytes'] for e in ends),
                sum(e['bits_per_second'] for e in ends) / 1e6)

    def complaints(self):
        return self.vm.kernel_log()

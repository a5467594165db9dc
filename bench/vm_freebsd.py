# SPDX-License-Identifier: BSD-2-Clause
"""A FreeBSD guest of `hvnet bench vm`, from the disk HVNET_FREEBSD_IMAGE.

The disk is what tests/vm needs (docs/vm.md): FreeBSD's base system and a root
shell on the serial port.  Traffic is nc(1) in the guest, vm_peer.py here.
hn(4) takes the number of its channels from the host, so that each number is a
machine of its own.  With HVNET_FREEBSD_HVN the machine can have our hvn(4)
instead.
"""
import pathlib
import re
import sys

from freebsd_guest import GUEST, HOST, JoinedFreeBsd
from linux_guest import soon
from vm_counts import machine_counts, plugin_args
from vm_flows import PORT, channel, client_ports

PEER = pathlib.Path(__file__).resolve().parent / 'vm_peer.py'


class FreebsdGuest:
    name = 'freebsd'
    driver = 'hn'
    # Each step adds to the one before.  tso4: `tso` is IPv6's too, which
    # hn(4) spoils.  lro is the kernel's own, in software; rsc is ours.
    steps = {
        'none': ('-txcsum -rxcsum -tso -lro', 0),
        'csum': ('txcsum rxcsum -tso -lro', 0),
        'tso': ('txcsum rxcsum tso4 -lro', 0),
        'lro': ('txcsum rxcsum tso4 lro', 0),
        'rsc': ('txcsum rxcsum tso4 -lro', 1),
    }
    ratios = {'TSO to no offload, to the host': ('tso', 'none', 'out'),
              'TSO to only checksums': ('tso', 'csum', 'out'),
              'LRO to no offload, from the host': ('lro', 'none', 'in'),
              'RSC to no offload, from the host': ('rsc', 'none', 'in')}
    any_channels = False

    def __init__(self, lab, vps, counted, queues):
        self.lab = lab
        self.vps = vps
        self.queues = queues
        self.file = pathlib.Path(lab.dir) / 'instructions' if counted else None
        self.j = JoinedFreeBsd(lab, vps=vps, queues=queues, mtu=1500, vm={
            'driver': self.driver,
            'qemu_args': plugin_args(self.file) if counted else []})
        self.vm = self.j.vm
        self.now = None
        self.runs = 0
        self.flows = []
        self.peer = None
        soon('channels', lambda: self.j.device()['queues'] == queues)

    def kernel(self):
        return self.vm.sysctl('kern.osrelease')

    def channels(self, n):
        assert n == self.queues

    def offloads(self, step):
        if self.now != step:
            self.now = step
            flags, rsc = self.steps[step]
            self.vm.run(f'ifconfig {self.vm.nic} {flags}; '
                        f'sysctl dev.{self.driver}.0.rsc_switch={rsc}')
            soon('RSC', lambda: self.j.device()['rsc4'] == bool(rsc))

    # --- counts, since boot ---

    def counts(self):
        """Per-vCPU lists, and signals of the whole machine."""
        text = self.vm.run('vmstat -i; sysctl -n kern.cp_times')
        found = re.findall(r'^cpu(\d+):hyperv +(\d+)', text, re.M)
        interrupts = [0] * self.vps
        for cpu, n in found:
            interrupts[int(cpu)] = int(n)
        # user, nice, system, interrupt, idle; hn(4) works in a kernel thread.
        times = list(map(int, text.splitlines()[-1].split()))
        return {'interrupts': interrupts,
                'kernel_ticks': [sum(times[i + 2:i + 4])
                                 for i in range(0, 5 * self.vps, 5)],
                **machine_counts(self.vm, self.vps, self.file)}

    # --- traffic ---

    def opaque(self, name):
        """A binary sysctl's bytes."""
        text = self.vm.run(f'sysctl -n -x dev.{self.driver}.0.{name}')
        return bytes.fromhex(re.search(r'0x([0-9a-f]+)', text)[1])

    def client_ports(self, ports):
        """The host's ports such that the channels get the streams in turn."""
        key, table = b'', []
        if self.queues > 1:
            key = self.opaque('rss_key')
            raw = self.opaque('rss_ind')
            # hn(4) shows more than it uses.
            size = int(self.j.sysctl('rss_ind_size')) \
                if self.driver == 'hn' else len(raw) // 4
            table = [int.from_bytes(raw[4 * i:4 * i + 4], 'little')
                     for i in range(size)]

        def channel_of(port, cport):
            return channel(key, table, (HOST, cport), (GUEST, port))

        out, self.flows = client_ports(channel_of, self.queues, ports,
                                       self.runs)
        return out

    def start(self, way, streams, pace=None):
        """Begin; `out` is guest to host, pace Mbit/s of each stream."""
        self.runs += 1
        ports = range(PORT, PORT + streams)
        if way == 'in':
            each, args = '-l $p </dev/null >/dev/null', [
                'source', GUEST, pace or 0,
                *(f'{p}:{c}' for p, c in
                  zip(ports, self.client_ports(ports)))]
        else:
            each, args = f'{HOST} $p </dev/zero >/dev/null', [
                'sink', HOST, *ports]
        peer = self.lab.start('h', [sys.executable, PEER, *args], 'peer')
        self.peer = peer
        if way == 'out':
            self.lab.wait('sink', lambda: 'listening' in self.lab.log(peer),
                          10, [peer])
        self.vm.run(f'for p in $(jot {streams} {PORT}); do nc -n {each} '
                    '2>/tmp/nc$p & echo $! >/tmp/pid$p; done')
        self.lab.wait('streams', lambda: 'ready' in self.lab.log(peer), 60,
                      [peer])

    def stop(self):
        ended = self.peer.poll() is not None
        said = self.lab.log(self.peer)
        self.vm.run('kill $(cat /tmp/pid*); rm /tmp/pid*', check=False)
        self.lab.end(self.peer, quiet=True)
        if ended:
            raise AssertionError(f'a stream ended: {said}' +
                                 self.vm.run('cat /tmp/nc*', check=False))

    def complaints(self):
        return self.vm.kernel_log()


class HvnGuest(FreebsdGuest):
    name = 'freebsd hvn'
    driver = 'hvn'
    # To hvn(4) RSC is LRO by the host.
    steps = {**FreebsdGuest.steps, 'rsc': ('txcsum rxcsum tso4 lro', 1)}

# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the DPDK tests: huge pages, a lab, and a DPDK program in it."""
import ctypes
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / 'scripts'))
from hugepages import Missing, Pages    # noqa: E402
from lab import Lab, LabError           # noqa: E402

PAPP = os.environ.get('HVNET_PAPP', str(pathlib.Path(os.environ.get(
    'HVNET', TOP / 'build/cli/hvnet')).parents[1] / 'tests/dpdk/papp'))
PAGES = 256
EAL = ['--lcores=0@0']


def missing():
    if os.geteuid() != 0:
        return 'needs root: namespaces, fanotify, huge pages'
    if shutil.which('dpdk-testpmd') is None:
        return 'no dpdk-testpmd (Debian: dpdk dpdk-dev)'
    if not os.path.exists(PAPP):
        return f'no {PAPP} (Debian: libdpdk-dev, then build)'
    return None


@pytest.fixture(scope='session')
def pages():
    """Huge pages for as long as the tests run."""
    why = missing()
    if why:
        pytest.skip(why)
    p = Pages(PAGES, least=160)
    try:
        p.take()
    except Missing as e:
        pytest.skip(str(e))
    yield
    p.give_back()


@pytest.fixture
def lab(pages):
    with Lab() as made:
        yield made
        made.check_processes()


def in_netns(name, make):
    """What make() returns, called inside the network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open('/proc/self/ns/net', os.O_RDONLY)
    there = os.open(f'/run/netns/{name}', os.O_RDONLY)
    try:
        if libc.setns(there, 0x40000000):
            raise OSError(ctypes.get_errno(), 'setns')
        return make()
    finally:
        libc.setns(home, 0x40000000)
        os.close(home)
        os.close(there)


def guid(lab, nic):
    """The name of the NIC's port in a DPDK program."""
    spec = next(n for p in lab.stat(nic) if p['kind'] == 'host'
                for n in p['nics'])
    return '656e7668-0074-4000-8000-' + spec['spec']['mac'].replace(':', '')


def uio_cmd(lab, program, nic=None, args=()):
    return [lab.hvnet, 'uio', '--connect', lab.sock,
            *(['--nic', nic] if nic else []), *args, '--', *program]


class Papp:
    """papp under `hvnet uio`: one command a line, one answer each."""

    def __init__(self, lab, eal=('--iova-mode=va',), nic=None, args=(),
                 wait=True):
        self.lab = lab
        self.log = []
        self.p = subprocess.Popen(
            uio_cmd(lab, [PAPP, *EAL, *eal], nic, args),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=lab.env)
        self.buf = b''
        lab.procs.append(self.p)
        self.p.log = os.devnull
        if wait:
            self.answer(30)

    def line(self, seconds):
        end = time.monotonic() + seconds
        while b'\n' not in self.buf:
            left = max(end - time.monotonic(), 0)
            if not select.select([self.p.stdout], [], [], left)[0]:
                raise LabError('no answer from papp:\n' + self.text())
            got = os.read(self.p.stdout.fileno(), 65536)
            if got == b'':
                raise LabError(f'papp ended with {self.p.wait()}:\n' +
                               self.text())
            self.buf += got
        line, self.buf = self.buf.split(b'\n', 1)
        self.log.append(line.decode(errors='replace'))
        return self.log[-1]

    def answer(self, seconds=30):
        end = time.monotonic() + seconds
        while True:
            line = self.line(end - time.monotonic())
            if line.startswith('papp: '):
                return json.loads(line[6:])

    def text(self):
        return '\n'.join(self.log)

    def tell(self, line):
        self.p.stdin.write(line.encode() + b'\n')
        self.p.stdin.flush()

    def do(self, line, seconds=30):
        """Command and answer, which must be ok."""
        self.tell(line)
        a = self.answer(seconds)
        assert a['ok'], (line, a, self.text())
        return a

    def up(self, queues=1, lsc=False):
        self.do(f'config {queues}{" lsc" if lsc else ""}')
        self.do('start')
        return self

    def quit(self):
        """End it by the end of its input; its exit code."""
        self.p.stdin.close()
        return self.ended()

    def ended(self, seconds=15):
        """Wait for its end: the exit code."""
        code = self.p.wait(seconds)
        self.log.append((self.buf + self.p.stdout.read()).decode(
            errors='replace'))
        self.lab.procs.remove(self.p)
        return code

    def pid(self):
        """Of the program itself."""
        s = [x for x in self.lab.stat() if x['pid'] == self.p.pid]
        return s[0]['program']

    def kill(self):
        os.kill(self.pid(), signal.SIGKILL)
        return self.ended()


def pattern(seq, n):
    """n bytes of payload of frame seq, as papp makes and checks them."""
    head = seq.to_bytes(4, 'little')
    return (head + bytes((seq * 7 + i) & 255 for i in range(4, n)))[:n]


def pattern_ok(payload):
    return payload == pattern(int.from_bytes(payload[:4], 'little'),
                              len(payload))


class Far:
    """The far end of a TAP NIC: kernel sockets in its namespace."""

    def __init__(self, lab, ifname='n0', ns='h'):
        self.lab, self.ifname, self.ns = lab, ifname, ns
        self.full = lab.netns(ns)
        lab.run(ns, f'sysctl -qw net.ipv6.conf.{ifname}.disable_ipv6=1',
                check=False)
        lab.run(ns, f'ip addr add 10.9.0.2/24 dev {ifname}')
        lab.run(ns, f'ip link set {ifname} up')

    def neighbour(self, mac, ip='10.9.0.1', dev=None):
        self.lab.run(self.ns, f'ip neigh replace {ip} lladdr {mac} nud '
                     f'permanent dev {dev or self.ifname}')

    def mac(self):
        r = self.lab.run(self.ns, f'cat /sys/class/net/{self.ifname}/address')
        return r.stdout.strip()

    def udp(self, port=0):
        def make():
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
            s.bind(('0.0.0.0', port))
            s.settimeout(2)
            return s
        return in_netns(self.full, make)

    def raw(self):
        """Whole frames, each behind its virtio_net_hdr."""
        def make():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                              socket.htons(3))
            s.setsockopt(263, 15, 1)    # SOL_PACKET, PACKET_VNET_HDR
            s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
            s.bind((self.ifname, 3))
            s.settimeout(2)
            return s
        return in_netns(self.full, make)


def backend_total(lab, nic, name):
    """A counter of the NIC's backend, all queues together."""
    return sum(q['backend'][name] for p in lab.stat(nic)
               if p['kind'] == 'host' for n in p['nics']
               for q in n['queues'])


def host_faults(lab, nic):
    """Reasons of faults that the host has seen of this NIC's guests."""
    def find(o, out):
        if isinstance(o, dict):
            for k, v in o.items():
                if k == 'by_reason':
                    out.update({r: n for r, n in v.items() if n})
                else:
                    find(v, out)
        elif isinstance(o, list):
            for v in o:
                find(v, out)
        return out
    return find([p for p in lab.stat(nic) if p['kind'] == 'host'], {})

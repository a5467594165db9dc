# SPDX-License-Identifier: BSD-2-Clause
"""A stock Linux machine on our host end, addressed and ready, and traffic."""
import json
import os
import random
import signal
import sys
import time

from kit import Vm
from lab import TOP, total

GUEST, HOST = '10.7.0.1', '10.7.0.2'


class Joined:
    """One machine (10.7.0.1) and a TAP of ours (10.7.0.2, namespace h)."""

    machine = Vm

    def __init__(self, lab, vps=2, mtu=9000, host_args=(), vm=(), queues=None,
                 **spec):
        """vm: more for the machine; spec: more for the NIC."""
        self.lab = lab
        self.vps = vps
        self.spec = lab.tap_spec(queues=queues or vps, mtu=mtu, **spec)
        self.host_args = host_args
        self.hostp = lab.host(self.spec, args=host_args)
        self.vm = self.machine(lab, **{**dict(vm), 'vps': vps})
        self.vm.connect()
        lab.address('h', 'hvhost0', 2)
        lab.run('h', 'ip link set hvhost0 mtu 1500')
        self.up()

    def up(self):
        """Address the guest's interface; after boot, reset, reload."""
        self.vm.run('for i in $(seq 50); do [ -d /sys/class/net/eth0 ] && '
                    'break; sleep 0.1; done; ip addr add 10.7.0.1/24 dev eth0;'
                    'echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad;'
                    'ip addr add fd07::1/64 dev eth0; ip link set eth0 up')
        self.ping()

    def ping(self, to=HOST, seconds=20):
        self.vm.run(f'for i in $(seq {seconds}); do ping -c1 -W1 -q {to} && '
                    'exit 0; sleep 0.2; done; exit 1',
                    timeout=3 * seconds)

    # --- what the host end sees ---

    def nic(self):
        return self.lab.stat()[0]['nics'][0]

    def device(self):
        return self.nic()['device']

    def count(self, side, name):
        return total([q[side] for q in self.nic()['queues']], name)

    def spread(self, side='to_guest'):
        return [q[side]['frames'] for q in self.nic()['queues']]

    def moved(self, run, enough, times, side='to_guest'):
        """Frames by channel that run() moved: so often, until there are enough
        of them.  A flow has one channel, and ports are random."""
        before = moved = self.spread(side)
        for _ in range(times):
            run()
            moved = [b - a for a, b in zip(before, self.spread(side))]
            if enough(moved):
                return moved
        raise AssertionError(moved)

    # --- traffic ---

    def serve(self, cmd, port):
        """A server in namespace h, listening."""
        p = self.lab.start('h', cmd, 'server')
        self.lab.wait(f'port {port}', lambda: f':{port} ' in self.lab.run(
            'h', 'ss -Hltn', check=False).stdout, 5, [p])
        return p

    def iperf(self, args='', seconds=2):
        """iperf3 run by the guest: its report's end."""
        p = self.serve('iperf3 -s -1', 5201)
        out = self.vm.run(f'iperf3 -c {HOST} -J -t {seconds} {args}',
                          timeout=seconds + 40)
        self.lab.end(p, quiet=True)
        report = json.loads(out)
        assert 'error' not in report, report['error']
        return report['end']

    def copy_out(self, mib, to=HOST):
        """Random bytes, guest to host: sha256 at both ends."""
        port = random.randint(20000, 30000)
        p = self.serve([sys.executable, TOP / 'scripts/copyfile.py',
                        'receive', str(port)], port)
        sent = self.vm.run(
            f'dd if=/dev/urandom of=/tmp/f bs=1M count={mib} 2>/dev/null; '
            f' sha256sum </tmp/f; '
            f'nc {to} {port} </tmp/f >/dev/null', timeout=120).split()[0]
        p.wait(60)
        self.lab.procs.remove(p)
        got = self.lab.log(p).split()
        assert got == [sent, str(mib << 20)]

    def copy_in(self, mib, to=GUEST):
        port = random.randint(20000, 30000)
        self.vm.run(f'(nc -l -p {port} >/tmp/g; sync; touch /tmp/done) '
                    '>/dev/null 2>&1 & rm -f /tmp/done; sleep 0.3')
        r = self.lab.run('h', [sys.executable, TOP / 'scripts/copyfile.py',
                               'send', to, str(port), str(mib)])
        sent, size = r.stdout.split()
        got = self.vm.run('while [ ! -e /tmp/done ]; do sleep 0.1; done; '
                          'sha256sum </tmp/g; stat -c %s /tmp/g').split()
        assert [got[0], got[2]] == [sent, size]

    def outlive_host(self):
        """The host is killed and comes back, and by a reset the network."""
        os.kill(self.hostp.pid, signal.SIGKILL)
        self.hostp.wait()
        self.lab.procs.remove(self.hostp)
        os.unlink(self.lab.sock)
        assert self.vm.run('echo alive') == 'alive'
        self.hostp = self.lab.host(self.spec)
        self.lab.address('h', 'hvhost0', 2)
        soon('connected again', lambda: self.lab.stat()[0]['guests'] == 1)
        assert self.vm.run('echo alive') == 'alive'
        self.vm.qmp('system_reset')
        self.vm.wait_ready()
        self.up()
        self.copy_in(4)
        self.check()

    def check(self):
        """The machine still works, and neither end has complained."""
        self.ping()
        assert self.vm.kernel_log() == []
        host = self.lab.stat()[0]
        assert total(host, 'faults_of_gone_guests') == 0
        for nic in host['nics']:
            assert nic['faults']['total'] == 0, nic['faults']
        assert self.hostp.poll() is None


def soon(what, test, seconds=10):
    end = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < end, f'{what}: not within {seconds} s'
        time.sleep(0.1)

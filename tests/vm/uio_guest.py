# SPDX-License-Identifier: BSD-2-Clause
"""A stock Linux machine whose NIC has the kernel's real uio_hv_generic, and
programs on it: DPDK's testpmd, our own driver."""
import os
import pathlib
import re
import shutil

import kernels
from debian_apt import sh
from kit import Vm
from linux_guest import Joined, soon

BUILD = pathlib.Path(os.environ.get('HVNET', 'build/cli/hvnet')).parents[1]
PROGRAMS = ['cli/hvnet', 'tests/frames/fcheck']


def programs(lab):
    """A folder with ours and the libraries that they need, for --copy."""
    to = pathlib.Path(lab.dir) / 'hvnet'
    to.mkdir(exist_ok=True)
    for p in PROGRAMS:
        sh(['strip', '-o', to / pathlib.Path(p).name, BUILD / p])
        for f in re.findall(r'=> (/\S+) ', sh(['ldd', BUILD / p])):
            if not re.match(r'lib(c|m|dl|pthread|rt)\.so', os.path.basename(f)):
                shutil.copy(f, to)
    return to


class Uio(Joined):
    """As Joined, with what runs in the machine started by the test."""

    def __init__(self, lab, flavour='cloud', queues=2, monitor=True, nics=()):
        """nics: of the host, instead of a TAP; the machine takes the first."""
        self.lab = lab
        self.vps = 2
        self.spec = lab.tap_spec(queues=queues, mtu=1500)
        self.hostp = lab.host(*(nics or [self.spec]),
                              args=['--monitor'] if monitor else [])
        if not nics:
            lab.address('h', 'hvhost0', 2)
        self.vm = Vm(lab, memory='1G', flavour=flavour, options=[
            '--copy', f'{programs(lab)}:/opt/hvnet', '--nics', '1']).connect()
        self.vm.run('sysctl -qw vm.nr_hugepages=160; modprobe uio_hv_generic')
        self.bind()

    def bind(self):
        self.dev = self.vm.run(
            'basename $(readlink -f /sys/class/net/eth0/device)')
        self.vm.run(f'driverctl -b vmbus --nosave set-override {self.dev} '
                    f'uio_hv_generic && ls /sys/bus/vmbus/devices/{self.dev}'
                    '/uio/uio0 >/dev/null')

    def guest(self, *args):
        """Our driver, up and addressed."""
        self.vm.run('(LD_LIBRARY_PATH=/opt/hvnet setsid /opt/hvnet/hvnet guest '
                    f'--uio 0 --ifname hn0 --vps {self.vps} {" ".join(args)}; '
                    'echo ended with $?) >/tmp/guest.log 2>&1 &')
        self.until('grep -q "is up" /tmp/guest.log', '/tmp/guest.log', 'hvnet')
        self.vm.run('ip addr add 10.7.0.1/24 dev hn0; echo 0 > '
                    '/proc/sys/net/ipv6/conf/hn0/accept_dad; '
                    'ip addr add fd07::1/64 dev hn0; ip link set hn0 up')
        self.ping()

    def guest_ends(self, signal='TERM'):
        self.vm.run(f'killall -{signal} hvnet; while pidof hvnet; '
                    'do sleep 0.1; done')

    def until(self, test, log, program='', seconds=60):
        """Until a shell's test holds, while the program runs, which has a
        moment to start."""
        runs = f'[ $i -lt 20 ] || pidof {program} >/dev/null' if program \
            else 'true'
        self.vm.run(f'for i in $(seq {5 * seconds}); do {test} && exit 0; '
                    f'sleep 0.2; {{ {runs}; }} || break; done; '
                    f'cat {log}; exit 1',
                    timeout=2 * seconds + 20)

    # --- testpmd: commands by a FIFO, its words in a file; over failsafe, for
    # the reason that docs/dpdk.md gives ---

    def testpmd(self, queues):
        self.vm.run('rm -f /tmp/in /tmp/pmd; mkfifo /tmp/in; '
                    'mount | grep -q hugetlbfs || '
                    '{ mkdir -p /mnt/huge; mount -t hugetlbfs h /mnt/huge; }; '
                    'rm -rf /mnt/huge/* /var/run/dpdk; '
                    '(exec 5<>/tmp/in; exec setsid stdbuf -oL dpdk-testpmd '
                    "-l 0,1 --no-pci "
                    f"--vdev 'net_failsafe0,dev(vmbus:{self.dev})' "
                    '-- -i --total-num-mbufs=16384 '
                    f'--rxq={queues} --txq={queues} <&5 >/tmp/pmd 2>&1) '
                    '>/dev/null 2>&1 &')
        self.until('tail -c 20 /tmp/pmd 2>/dev/null | grep -q "testpmd>"',
                   '/tmp/pmd', 'dpdk-testpmd')

    def pmd(self, *lines, answer=None):
        for line in lines:
            self.vm.run(f'echo "{line}" >/tmp/in')
        if answer:
            self.until(f'grep -q "{answer}" /tmp/pmd', '/tmp/pmd',
                       'dpdk-testpmd')

    def pmd_echoes(self, targets=20):
        """Each address that the host pings, testpmd answers."""
        for n in range(targets):
            self.lab.run('h', f'ping -c2 -i0.2 -W5 -q 10.7.0.{100 + n}')

    def pmd_ends(self, signal=None):
        if signal:
            self.vm.run(f'killall -{signal} dpdk-testpmd')
        else:
            self.pmd('quit')
        self.until('! pidof dpdk-testpmd >/dev/null', '/tmp/pmd')

    def to_guest(self):
        return self.spread('to_guest')

    def from_guest(self):
        return sum(self.spread('from_guest'))


__all__ = ['Uio', 'kernels', 'soon']

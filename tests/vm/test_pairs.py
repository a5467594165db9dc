# SPDX-License-Identifier: BSD-2-Clause
"""A machine joined at the host to our own guest, and to a DPDK program."""
import importlib.util

from conftest import full
from kit import TOP, Vm
from lab import total
from linux_guest import GUEST, HOST, Joined

# The DPDK tests' program and huge pages; their folder has its own conftest.
spec = importlib.util.spec_from_file_location(
    'dpdk_kit', TOP / 'tests/dpdk/conftest.py')
dpdk = importlib.util.module_from_spec(spec)
spec.loader.exec_module(dpdk)
pages = dpdk.pages


class Paired(Joined):
    """A machine (10.7.0.1), and `hvnet guest` in namespace h (10.7.0.2)."""

    def __init__(self, lab, vps=2, mtu=1500):
        self.lab = lab
        self.vps = vps
        self.hostp = lab.host(
            f'backend=pair,name=a,peer=b,queues={vps},mtu={mtu}',
            f'backend=pair,name=b,peer=a,queues={vps},mtu={mtu}')
        lab.guest('h', 'hvhost0', vps=vps, args=('--nic', 'b'))
        lab.address('h', 'hvhost0', 2)
        self.vm = Vm(lab, vps=vps, options=['--nic', 'a']).connect()
        self.up()

    def host(self):
        return next(p for p in self.lab.stat() if p['kind'] == 'host')

    def nic(self):
        return next(n for n in self.host()['nics']
                    if n['spec']['name'] == 'a')

    def check(self):
        self.ping()
        assert self.vm.kernel_log() == []
        for nic in self.host()['nics']:
            assert nic['faults']['total'] == 0, nic
        assert total(self.host(), 'faults_of_gone_guests') == 0


def test_our_own_guest(lab):
    j = Paired(lab)
    j.ping('fd07::2')
    lso, rsc = (j.count('from_guest', 'lso_frames'),
                j.count('to_guest', 'rsc_frames'))
    j.copy_out(8)
    j.copy_in(8)
    j.copy_out(2, to='fd07::2')
    j.copy_in(2, to='fd07::1')
    # Large frames stay whole from one guest to the other, both ways.
    assert j.count('from_guest', 'lso_frames') - lso > 20
    assert j.count('to_guest', 'rsc_frames') - rsc > 20
    j.iperf('-P 4')
    j.iperf('-P 4 -R')
    # The machine starts anew; its neighbour keeps what it has.
    j.vm.qmp('system_reset')
    j.vm.wait_ready()
    j.up()
    j.copy_in(4)
    j.check()


@full
def test_jumbo_frames_to_our_own_guest(lab):
    j = Paired(lab, vps=1, mtu=9000)
    j.lab.run('h', 'ip link set hvhost0 mtu 9000')
    j.vm.run('ip link set eth0 mtu 9000')
    j.ping()
    j.lab.run('h', f'ping -c2 -W5 -M do -s 8972 {GUEST}')
    j.copy_out(4)
    j.copy_in(4)
    j.check()


# Datagrams to port 9 go back to the DPDK program, 200 at a time and when told:
# what comes while it sends, it throws away.  Perl without modules.
REFLECT = """
socket(S, 2, 2, 17) && setsockopt(S, 1, 33, pack("i", 8000000)) &&
    bind(S, pack("S n x12", 2, 9)) or die "socket: $!";
while (defined recv(S, $frame, 2000, 0)) {
    push @frames, $frame;
    next if @frames < 200;
    select(undef, undef, undef, 0.05) until unlink "/tmp/go";
    send(S, $_, 0, pack("S n C4 x8", 2, 6000, 10, 9, 0, 1)) for @frames;
    @frames = ();
}
"""


def test_dpdk_program(lab, pages):
    """What a DPDK program makes goes to the machine and back, every byte
    checked where it comes back, and the checksums at both ends."""
    lab.host('backend=pair,name=a,peer=b,mtu=1500',
             'backend=pair,name=b,peer=a,mtu=1500')
    p = dpdk.Papp(lab, nic='b').up()
    vm = Vm(lab, options=['--nic', 'a']).connect()
    vm.run('echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6; '
           'ip addr add 10.9.0.2/24 dev eth0; ip link set eth0 up; '
           f'arp -s 10.9.0.1 {p.do("info")["mac"]}')
    p.do(f'peer {vm.run("cat /sys/class/net/eth0/address")}')
    for line in REFLECT.strip().splitlines():
        vm.run(f"echo '{line}' >>/tmp/reflect")
    vm.run('perl /tmp/reflect >/tmp/perl.out 2>&1 & '
           'until grep -q :0009 /proc/net/udp; do sleep 0.1; done')
    for size in (64, 512, 1514):
        a = p.do(f'tx 200 {size} csum')
        assert a['completed'] == 200
        vm.run('touch /tmp/go')
        back = p.do('rx 20 200')
        assert (back['frames'], back['bad'], back['l4_bad']) == (200, 0, 0)
        assert back['bytes'] == 200 * size
        assert (back['first_seq'], back['last_seq']) == (
            a['first_seq'], a['first_seq'] + 199)
    assert vm.run('cat /tmp/perl.out') == ''
    assert vm.kernel_log() == []
    assert p.quit() == 0
    for nic in ('a', 'b'):
        assert dpdk.host_faults(lab, nic) == {}

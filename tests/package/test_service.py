# SPDX-License-Identifier: BSD-2-Clause
"""The unit under systemd: a Debian machine, the package, and the story of
docs/operate.md ("As a service"), typed.  Only make check-full.

HVNET_DEBS=FOLDER: packages that are built already.
"""
import os
import re
import subprocess

import pytest

from conftest import TOP, full

HVNET = os.environ.get('HVNET', str(TOP / 'build/cli/hvnet'))

pytestmark = full

# Around the story.  A number of seconds here is how long until the test
# gives up; a machine in emulation is slow.
BEFORE = r'''
set -ex
exec 2>&1
dpkg -i /opt/debs/hvnet_*.deb
trap 'journalctl --no-pager -u "hvnet-host@*" | tail -50' EXIT
# What root has in /run/hvnet stays root's.
touch /run/hvnet/of-root
soon() {
	for i in $(seq 300); do
		! "$@" || return 0
		sleep 0.2
	done
	return 1
}
fails() { if "$@"; then return 1; fi; }
show() { systemctl show -P "$1" hvnet-host@host; }
as() { setpriv --reuid=nobody --regid="$1" --clear-groups hvnet "$2"; }
'''

AFTER = r'''
test "$(show StatusText)" = '2 NICs'
test "$(stat -c %U /run/hvnet/of-root)" = root
# The user, its capabilities, the filter of system calls.
pid=$(show MainPID)
test "$(ps -o user= $pid)" = hvnet
grep -E '^(CapPrm|CapEff):.000000c000001000$' /proc/$pid/status | wc -l |
    grep -x 2
grep -E '^NoNewPrivs:.1$' /proc/$pid/status
grep -E '^Seccomp:.2$' /proc/$pid/status
# Who may look.
for what in stat list metrics; do
	as hvnet $what >/dev/null
	fails as daemon $what >/dev/null
done
# One bad line: the command fails, the host does not.
cp /etc/hvnet/host.conf /root/good.conf
echo 'brigde = br0' >>/etc/hvnet/host.conf
fails systemctl reload hvnet-host@host
systemctl is-active hvnet-host@host
cp /root/good.conf /etc/hvnet/host.conf
printf '\n[nic cache]\nbackend = null\n' >>/etc/hvnet/host.conf
systemctl reload hvnet-host@host
soon eval 'test "$(show StatusText)" = "3 NICs"'
test "$pid" = "$(show MainPID)"
# A host that hangs is killed and starts again; the guest comes back.
mkdir -p /run/systemd/system/hvnet-host@host.service.d
printf '[Service]\nWatchdogSec=10\nTimeoutAbortSec=2\n' \
    >/run/systemd/system/hvnet-host@host.service.d/short.conf
systemctl daemon-reload
systemctl restart hvnet-host@host
kill -STOP "$(show MainPID)"
soon eval 'test "$(show NRestarts)" = 1'
soon ip netns exec g-web ping -c 1 -W 1 10.7.0.254
soon eval 'bridge link | grep " web: .*master br0"'
systemctl stop hvnet-host@host
'''


def story():
    blocks = re.findall(r'^```vm\n(.*?)^```$',
                        (TOP / 'docs/operate.md').read_text(), re.M | re.S)
    assert len(blocks) == 3
    return '\n'.join(blocks)


def needed(shelf):
    """What the package needs and a machine may not have."""
    text = subprocess.run(
        ['dpkg-deb', '-f', *shelf.glob('hvnet_*.deb'), 'Depends'], text=True,
        check=True, capture_output=True).stdout
    names = [re.split(r'[ :(]', x.strip())[0] for x in text.split(',')]
    return [f'--package={x}' for x in names
            if x.startswith('lib') and x != 'libc6']


def test_the_unit_in_a_machine(shelf, tmp_path):
    script = tmp_path / 'in/story.sh'
    script.parent.mkdir()
    script.write_text(BEFORE + story() + AFTER)
    r = subprocess.run(
        [HVNET, 'vm', '--debian', 'bookworm', '--systemd', '--vps', '2',
         *needed(shelf), '--host-nic', 'backend=null,name=n0',
         '--copy', f'{shelf}:/opt/debs', '--copy', f'{script.parent}:/opt/in',
         '--run', 'bash /opt/in/story.sh'], text=True, cwd=tmp_path,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=900)
    (tmp_path / 'log').write_text(r.stdout)
    assert r.returncode == 0, r.stdout[-12000:]
    print(*re.findall(r'^back after .*', r.stdout, re.M))

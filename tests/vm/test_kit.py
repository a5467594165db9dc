# SPDX-License-Identifier: BSD-2-Clause
"""What the tests themselves rely on."""
import subprocess
import sys

import pytest

import debian_apt
from freebsd_guest import GEOM_RACE
from kit import TOP, Vm

# As seen, QEMU without our device (docs/results/vm.md).
TRAP = '''\
Fatal trap 12: page fault while in kernel mode
cpuid = 1; apic id = 01
fault virtual address\t= 0x0
fault code\t\t= supervisor read data, page not present
instruction pointer\t= 0x20:0xffffffff8041415e
current process\t\t= 12 (g_event)
trap number\t\t= 12
'''


@pytest.mark.parametrize('was, now, race', [
    ('g_event', 'g_event', True), ('g_event', 'g_up', True),
    ('g_event', 'g_down', True), ('g_event', 'geom', True),
    ('g_event', 'hn0 tx0', False), ('g_event', 'g_eventful', False),
    ('= 0x0\n', '= 0x10\n', False), ('trap 12', 'trap 9', False)])
def test_freebsd_race_is_told_from_other_traps(was, now, race):
    text = TRAP.replace(was, now).replace('\n', '\r\n').encode()
    assert bool(GEOM_RACE.search(text)) == race


def test_commands_arrive_whole(lab):
    """While what earlier commands left behind ends, many times a second."""
    lab.host(lab.tap_spec())
    vm = Vm(lab, vps=1).connect()
    vm.run('(while [ ! -e /tmp/end ]; do (busybox sleep 0.01 &); '
           'done) '
           '>/dev/null 2>&1 &')
    words = 'x' * 500
    assert [vm.run(f'echo {words}') for _ in range(40)] == [words] * 40
    vm.run('touch /tmp/end')


HOLD = '''
import fcntl, sys
with open(sys.argv[1], 'w') as f:
    fcntl.lockf(f, fcntl.LOCK_EX)
    print('held', flush=True)
    sys.stdin.read()
'''


def test_another_apt_is_waited_for(tmp_path):
    (tmp_path / 'partial').mkdir()
    holder = subprocess.Popen(
        [sys.executable, '-c', HOLD, tmp_path / 'lock'], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == 'held\n'
    apt = subprocess.Popen(
        [TOP / 'scripts/apt-wait.sh', '-o', f'Dir::State::lists={tmp_path}',
         '-o', 'Dir::Etc::sourcelist=/dev/null', '-o',
         'Dir::Etc::sourceparts=/dev/null', 'update'], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert 'another apt is at work' in apt.stderr.readline()
    holder.communicate('')
    said = apt.communicate(timeout=30)
    assert apt.returncode == 0, said


def test_other_suites_come_from_the_machines_own_sources(tmp_path,
                                                         monkeypatch):
    etc = tmp_path / 'etc'
    (etc / 'sources.list.d').mkdir(parents=True)
    (etc / 'sources.list').write_text(
        '# deb http://x/ own main\n'
        'deb [signed-by=/k.gpg] http://a/debian own main contrib\n'
        'deb-src http://a/debian own main\n'
        'deb http://a/debian own-updates main\n'
        'deb http://b/else other main\n')
    (etc / 'sources.list.d/d.sources').write_text(
        'Types: deb deb-src\nURIs: http://c/debian\nSuites: own own-updates\n'
        'Components: main\nSigned-By: /k.gpg\n\n'
        'Types: deb\nURIs: http://c/security\nSuites: own-security\n'
        'Components: main\n')
    monkeypatch.setattr(debian_apt, 'codename', lambda: 'own')
    assert debian_apt.source_lists('new', etc) == {
        'sources.list':
            'deb [signed-by=/k.gpg] http://a/debian new main contrib',
        'd.sources': 'Types: deb\nURIs: http://c/debian\nSuites: new\n'
                     'Components: main\nSigned-By: /k.gpg'}
    # The machine's own suite: updates and security as well.
    own = debian_apt.source_lists('own', etc)
    assert own['sources.list'].splitlines() == [
        'deb [signed-by=/k.gpg] http://a/debian own main contrib',
        'deb http://a/debian own-updates main']
    assert 'Suites: own own-updates\n' in own['d.sources']
    assert 'Suites: own-security\n' in own['d.sources']
    monkeypatch.setattr(debian_apt, 'codename', lambda: 'unknown')
    with pytest.raises(debian_apt.ImageError, match='no source of unknown'):
        debian_apt.source_lists('new', etc)

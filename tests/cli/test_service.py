# SPDX-License-Identifier: BSD-2-Clause
"""The unit's ExecStart under a small service manager: a socket that is there
before, readiness, reload, watchdog, end; and who may ask the host."""
import json
import os
import pathlib
import signal
import socket
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
HVNET = os.environ.get('HVNET', str(TOP / 'build/cli/hvnet'))
UNIT = TOP / 'share/systemd/hvnet-host@.service.in'
OK, FAILED, USAGE, NOT_FOUND, REFUSED, LOST = range(6)


class Manager:
    """Runs a command line of the unit, as systemd does."""

    def __init__(self, folder):
        self.dir = folder
        self.conf = folder / 'host.conf'
        self.listen = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listen.bind(str(folder / 'guests'))
        self.listen.listen()
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(folder / 'notify'))
        self.notify.settimeout(20)
        self.env = {**os.environ, 'HVNET_RUN': str(folder / 'run')}

    def command(self, key):
        line, = [r for r in UNIT.read_text().splitlines()
                 if r.startswith(f'{key}=')]
        for name, value in (('@bindir@/hvnet', HVNET),
                            ('%E/hvnet/%i.conf', str(self.conf)),
                            ('--ctl-group hvnet', '--ctl-group nogroup')):
            assert name in line or name[0] == '-'
            line = line.replace(name, value)
        return line.partition('=')[2].split()

    def start(self, watchdog_us=200000):
        env = {**self.env, 'NOTIFY_SOCKET': str(self.dir / 'notify'),
               'LISTEN_FDS': '1', 'WATCHDOG_USEC': str(watchdog_us)}
        return subprocess.Popen(
            ['sh', '-c', 'LISTEN_PID=$$ exec "$@" 3<&0', 'sh',
             *self.command('ExecStart')], env=env, stdin=self.listen,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def told(self, begin):
        """The next notification that begins like this; others may come."""
        while True:
            text = self.notify.recv(4096).decode()
            if text.startswith(begin):
                return text

    def run(self, *args, **kw):
        return subprocess.run([HVNET, *args], env=self.env, text=True,
                              capture_output=True, timeout=20, **kw)


@pytest.fixture
def manager(tmp_path):
    m = Manager(tmp_path)
    m.conf.write_text('[nic n0]\nbackend = null\n')
    yield m
    m.listen.close()
    m.notify.close()


def test_a_host_as_a_service(manager):
    assert subprocess.run(manager.command('ExecStartPre')).returncode == OK
    # A guest that comes before the host waits in the socket's queue.
    early = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    early.connect(str(manager.dir / 'guests'))
    p = manager.start()
    assert manager.told('READY=1') == 'READY=1\nSTATUS=1 NICs'
    assert p.stdout.readline() == \
        f'listening on {manager.dir}/guests, 1 NIC\n'
    for _ in range(3):
        manager.told('WATCHDOG=1')
    manager.conf.write_text('[nic n0]\nbackend = null\n'
                            '[nic n1]\nbackend = null\n')
    p.send_signal(signal.SIGHUP)
    assert 'MONOTONIC_USEC=' in manager.told('RELOADING=1')
    assert manager.told('READY=1') == 'READY=1\nSTATUS=2 NICs'
    p.send_signal(signal.SIGTERM)
    manager.told('STOPPING=1')
    assert p.wait(20) == OK
    early.settimeout(20)
    assert early.recv(100) != b''       # the host said BYE
    # The socket is the manager's, and stays for the next.
    assert os.path.exists(manager.dir / 'guests')
    p = manager.start()
    manager.told('READY=1')
    p.terminate()
    assert p.wait(20) == OK


def test_a_socket_that_was_passed_and_another_path(manager):
    manager.conf.write_text('[host]\nlisten = /tmp/other\n')
    p = manager.start()
    assert p.wait(20) == USAGE
    assert 'leave one of them out' in p.stderr.read()


@pytest.mark.skipif(os.geteuid() != 0, reason='becomes another user')
def test_who_may_ask(manager):
    """The group reads statistics and changes nothing; others do not read."""
    os.chmod(manager.dir, 0o755)
    for parent in list(manager.dir.parents)[:3]:
        if os.stat(parent).st_uid == 0 and str(parent).startswith('/tmp/'):
            os.chmod(parent, 0o755)
    program = manager.dir / 'hvnet'
    program.write_bytes(pathlib.Path(HVNET).read_bytes())
    program.chmod(0o755)
    p = manager.start()
    manager.told('READY=1')

    def nobody(group, *args):
        return subprocess.run(
            ['setpriv', '--reuid=nobody', f'--regid={group}', '--clear-groups',
             str(program), *args], env=manager.env, text=True,
            capture_output=True, timeout=20)
    r = nobody('nogroup', 'stat', '--json')
    assert r.returncode == OK, r.stderr
    assert json.loads(r.stdout)['processes'][0]['nics'][0]['name'] == 'n0'
    r = nobody('nogroup', 'set', 'n0', 'mtu=1400')
    assert (r.returncode, r.stderr) == (
        REFUSED, 'hvnet set: only the user of this process and root may do '
        'that; its group may read statistics\n')
    r = nobody('daemon', 'stat')
    assert r.returncode == FAILED and 'permission denied' in r.stderr
    assert manager.run('set', 'n0', 'mtu=1400').returncode == OK
    p.terminate()
    assert p.wait(20) == OK


def test_a_user_has_a_folder_of_its_own(tmp_path):
    """XDG_RUNTIME_DIR, unless HVNET_RUN says otherwise; root keeps /run."""
    if os.geteuid() != 0:
        pytest.skip('becomes another user')
    program = tmp_path / 'hvnet'
    program.write_bytes(pathlib.Path(HVNET).read_bytes())
    program.chmod(0o755)
    for parent in [tmp_path, *list(tmp_path.parents)[:3]]:
        if str(parent).startswith('/tmp/'):
            os.chmod(parent, 0o755)
    own = tmp_path / 'xdg'
    own.mkdir()
    own.chmod(0o777)
    env = {k: v for k, v in os.environ.items() if k != 'HVNET_RUN'}
    env['XDG_RUNTIME_DIR'] = str(own)
    user = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups']
    p = subprocess.Popen([*user, program, 'host', '--listen', own / 's',
                          '--nic', 'backend=null,name=n0'], env=env,
                         stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline().startswith('listening on ')
    assert [f.name for f in (own / 'hvnet').iterdir()] == [
        f'host-s.{p.pid}.sock']
    r = subprocess.run([*user, program, 'list'], env=env, text=True,
                       capture_output=True)
    assert 'n0 ' in r.stdout
    p.terminate()
    assert p.wait(20) == OK

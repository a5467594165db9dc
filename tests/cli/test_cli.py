# SPDX-License-Identifier: BSD-2-Clause
"""The hvnet command line: help, usage errors, exit codes, manual pages.

Environment: HVNET, the program; HVNET_MAN, the folder of the manual pages
(default: docs/man beside the program's folder).
"""
import errno
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
HVNET = os.environ.get('HVNET', str(TOP / 'build/cli/hvnet'))
MAN = pathlib.Path(os.environ.get('HVNET_MAN') or
                   pathlib.Path(HVNET).resolve().parents[1] / 'docs/man')
BENCHES = ['ladder', 'layers', 'memory', 'pps', 'tcp', 'vm']
COMMANDS = ['host', 'guest', 'uio', 'vm', 'stat', 'set', 'trace', 'config',
            'list', 'top', 'metrics', 'bench', 'conform']
OK, FAILED, USAGE, NOT_FOUND, REFUSED, LOST = range(6)


def test_help_of_hvnet(hvnet):
    r = hvnet('--help')
    assert (r.returncode, r.stderr) == (OK, '')
    for c in COMMANDS:
        assert f'\n  {c} ' in r.stdout
    assert 'Exit codes' in r.stdout


@pytest.mark.parametrize('command', COMMANDS)
def test_help_of_commands(hvnet, command):
    r = hvnet(command, '--help')
    assert (r.returncode, r.stderr) == (OK, '')
    assert r.stdout.startswith(f'Usage: hvnet {command} ')
    assert 'Examples:\n  hvnet ' in r.stdout
    assert max(map(len, r.stdout.splitlines())) <= 80


SAY = [['--help'], ['--version'], ['stat', '--describe'],
       *([c, '--help'] for c in COMMANDS)]


@pytest.mark.parametrize('words', SAY, ids=' '.join)
def test_standard_output_that_takes_nothing(hvnet, words):
    """A full disk, a limit and a closed file are one line and exit code 1."""
    with open('/dev/full', 'w') as full:
        r = hvnet(*words, stdout=full)
    assert r.returncode == FAILED
    assert len(r.stderr.splitlines()) == 1 and 'standard output' in r.stderr
    r = subprocess.run(['sh', '-c', 'exec "$@" >&-', 'sh', HVNET, *words],
                       capture_output=True, text=True)
    assert r.returncode == FAILED and 'standard output' in r.stderr
    # Nobody reads on: that is the reader's choice.
    r = subprocess.run(['bash', '-c', '"$@" | true; echo ${PIPESTATUS[0]}',
                        'sh', HVNET, *words], capture_output=True, text=True)
    assert (r.stdout, r.stderr) == ('0\n', '')


def test_a_file_at_its_limit(hvnet, tmp_path):
    """SIGXFSZ does not kill; the programs that hvnet starts have it again."""
    with open(tmp_path / 'out', 'w') as out:
        r = hvnet('--help', stdout=out, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (10, 10)))
    assert r.returncode == FAILED and 'standard output' in r.stderr


@pytest.mark.parametrize('sig', [signal.SIGHUP, signal.SIGUSR1,
                                 signal.SIGTERM], ids=lambda s: s.name)
def test_signals_end_a_machine(hvnet, tmp_path, sig):
    """QEMU, for which a script stands in, gets SIGTERM and ends by itself."""
    qemu = tmp_path / 'qemu'
    qemu.write_text('#!/bin/sh\ntrap "echo ended; exit 0" TERM\necho ready\n'
                    'while :; do sleep 0.05; done\n')
    qemu.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as host:
        host.bind(str(tmp_path / 's'))
        host.listen()
        p = hvnet('vm', '--connect', str(tmp_path / 's'), '--qemu', str(qemu),
                  '--kernel', str(qemu), start=True)
        assert p.stdout.readline() == 'ready\n'
        p.send_signal(sig)
        out, err = p.communicate(timeout=20)
    assert (p.returncode, out, err) == (OK, 'ended\n', '')


@pytest.mark.parametrize('how', ['--qemu', 'HVNET_QEMU'])
def test_qemu_without_our_device(hvnet, tmp_path, monkeypatch, how):
    """A stock one, for which a script stands in."""
    qemu = tmp_path / 'qemu'
    qemu.write_text("#!/bin/sh\necho \"qemu: 'hvnet' is not a valid device "
                    'model name" >&2\nexit 1\n')
    qemu.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as host:
        host.bind(str(tmp_path / 's'))
        args = ['vm', '--connect', str(tmp_path / 's'), '--kernel', __file__]
        if how == '--qemu':
            args += [how, str(qemu)]
        else:
            monkeypatch.setenv(how, str(qemu))
        r = hvnet(*args)
    assert r.returncode == FAILED
    assert r.stderr.splitlines()[1:] == [
        f"hvnet vm: {qemu} is not built with hvnet's device; without --qemu "
        'and HVNET_QEMU, hvnet vm finds or builds one that is (docs/vm.md)']


def test_empty_variables_are_not_set(hvnet, monkeypatch):
    monkeypatch.setenv('HVNET_BENCH', '')
    assert hvnet('bench', 'vm', '--help').returncode == OK
    monkeypatch.setenv('HVNET_QEMU', '')
    monkeypatch.setenv('PATH', '')      # finding one fails at once
    r = hvnet('vm', '--connect', 'x', '--kernel', __file__, '--print')
    assert ': : ' not in r.stderr, r.stderr


def test_set_names_the_host_that_is_meant(hvnet, tmp_path):
    sock = f'{tmp_path}/s'
    p = run_host(hvnet, sock, 'n0')
    for args, text in (
            (['--host', '1', 'n0', 'mtu=1400'], "no running host or guest has "
             "the pid or socket '1' (hvnet stat shows both)"),
            (['--host', f'{p.pid}x', 'n0', 'mtu=1400'], 'no running host or '
             f"guest has the pid or socket '{p.pid}x' (hvnet stat shows "
             'both)'),
            (['--host', '1', '--add', 'backend=null,name=a'], 'no running '
             "host has the pid or socket '1' (hvnet stat shows both)"),
            (['--host', sock, 'n1', '--remove'], 'the process of the pid or '
             f"socket '{sock}' has no NIC 'n1'")):
        r = hvnet('set', *args)
        assert (r.returncode, r.stderr) == (
            NOT_FOUND, f'hvnet set: --host: {text}\n')
    assert hvnet('set', '--host', str(p.pid), 'n0', 'mtu=1400',
                 ).returncode == OK
    p.terminate()
    assert p.wait(20) == OK


@pytest.mark.parametrize('bench', ['run', 'instructions', 'ladder',
                                   'memory', 'pps', 'tcp', 'vm'])
def test_benches_to_a_full_disk(bench):
    with open('/dev/full', 'w') as full:
        r = subprocess.run(['/usr/bin/python3', TOP / f'bench/{bench}.py',
                            '--help'], stdout=full, stderr=subprocess.PIPE,
                           text=True)
    assert r.returncode == FAILED
    assert r.stderr == f'{bench}.py: standard output: No space left on ' \
        'device\n'


@pytest.mark.parametrize('option,commands', [
    ('connect=PATH', ('guest', 'uio', 'vm')), ('sched=HOW', ('host', 'guest')),
    ('transcript=FILE', ('host', 'guest', 'uio')),
    ('capture=FILE', ('host', 'guest', 'uio'))])
def test_shared_options_read_alike(hvnet, option, commands):
    texts = {re.search(rf'^      --{option}\b.*\n( {{20,}}.*\n)*',
                       hvnet(c, '--help').stdout, re.M)[0] for c in commands}
    assert len(texts) == 1


def test_options_may_be_shortened(hvnet):
    """Those of a command's own and those that it shares."""
    r = hvnet('guest', '--conn', 'x', '--no-p', '--max-vm', '9')
    assert r.returncode == USAGE and '--max-vmbus' in r.stderr


def test_help_has_defaults_and_units(hvnet):
    assert 'tx_slots             64  (4 to 1024)' in \
        hvnet('guest', '--help').stdout
    out = hvnet('host', '--help').stdout
    assert '  mtu ' in out and 'default 1500' in out


def test_version(hvnet):
    r = hvnet('--version')
    assert r.returncode == OK
    m = re.fullmatch(r'hvnet (0\.\d+\.\d+) \((\w+)\+?\)\n', r.stdout)
    assert m
    # Each page's footer says it as well.
    for page in MAN.glob('*.[135]'):
        assert f'\n.Os hvnet {m[1]}\n' in page.read_text(), page


@pytest.mark.parametrize('args', [
    ['stat'], ['stat', '--json'], ['stat', 'hn0'], ['stat', '--watch', '1'],
    ['set', 'hn0', 'tso=off'], ['set', 'hn0', '--remove'],
    ['set', '--add', 'backend=null,name=a']], ids=' '.join)
def test_nothing_runs(hvnet, args, tmp_path):
    r = hvnet(*args)
    assert r.returncode == NOT_FOUND
    assert r.stderr.splitlines() == [
        f'hvnet {args[0]}: no hvnet host or guest is running here (looked in '
        f'{tmp_path}/run; HVNET_RUN=FOLDER names another place)']


def test_paths_may_have_any_byte(hvnet, tmp_path):
    """They are shown, and nobody vanishes from `stat` for them."""
    sock = os.fsencode(tmp_path) + b'/a\nb\xff\xc3\xbc'
    p = hvnet('host', '--listen', sock, '--nic', 'backend=null,name=n0',
              start=True)
    assert p.stdout.readline().startswith('listening on ')
    shown = f'{tmp_path}/a\\x0ab\\xff\u00fc'
    answer = json.loads(hvnet('stat', '--json').stdout)
    one, = answer['processes']
    assert answer['schema'] == one['schema'] == 1
    assert f"hvnet {one['version']}" in hvnet('--version').stdout
    assert one['commit'] and one['uptime_seconds'] >= 0
    assert one['listen'] == shown
    assert f' {shown}\n' in hvnet('stat').stdout
    p.terminate()
    assert p.wait(20) == OK


def run_host(hvnet, sock, nic, wrap=()):
    p = hvnet('host', '--listen', sock, '--nic', f'backend=null,name={nic}',
              start=True, wrap=wrap)
    assert p.stdout.readline().startswith('listening on '), p.communicate()
    return p


def test_who_does_not_answer(hvnet, tmp_path):
    """A stopped process costs its own line after a second, and is no reason
    to say that there is none."""
    p = [run_host(hvnet, f'{tmp_path}/{i}', f'n{i}') for i in range(2)]
    p[0].send_signal(signal.SIGSTOP)
    line = (f'{tmp_path}/run/host-0.{p[0].pid}.sock: no answer within 1 s: the '
            'process is stopped, stuck or very busy\n')
    for args, code, last in (
            (['stat'], OK, ''), (['set', 'n1', 'mtu=1400'], OK, ''),
            (['stat', 'n0'], NOT_FOUND,
             "no host or guest that answered has a NIC or interface 'n0'\n"),
            (['set', 'n0', 'mtu=1400'], NOT_FOUND,
             "no host or guest that answered has a NIC 'n0'\n")):
        r = hvnet(*args)
        cmd = f'hvnet {args[0]}: '
        assert r.returncode == code
        assert r.stderr == cmd + line + (cmd + last if last else '')
    p[1].terminate()
    assert p[1].wait(20) == OK
    r = hvnet('stat')
    assert (r.returncode, r.stderr) == (FAILED, 'hvnet stat: ' + line)
    p[0].send_signal(signal.SIGCONT)
    assert 'host (pid ' in hvnet('stat').stdout
    p[0].terminate()
    assert p[0].wait(20) == OK


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root: PID namespaces')
def test_of_another_pid_namespace(hvnet, tmp_path):
    """Pids of several namespaces are alike; who answers is there."""
    p = []
    for nic in ('n0', 'n1'):
        (tmp_path / nic).mkdir()
        p.append(run_host(hvnet, f'{tmp_path}/{nic}/s', nic, (
            'unshare', '--pid', '--fork', '--kill-child')))
    for _ in range(2):
        r = hvnet('stat', '--json')
        found = json.loads(r.stdout)['processes']
        assert {x['nics'][0]['name'] for x in found} == {'n0', 'n1'}
    assert hvnet('set', 'n0', 'mtu=1400').returncode == OK
    for x in p:
        x.kill()
        x.communicate()
    end = time.monotonic() + 20
    while hvnet('stat').returncode != NOT_FOUND:
        assert time.monotonic() < end
    assert list((tmp_path / 'run').iterdir()) == []


def test_one_host_a_socket(hvnet, tmp_path):
    """The second is told; of a killed one nothing is in the way."""
    sock = f'{tmp_path}/s'
    p = run_host(hvnet, sock, 'n0')
    r = hvnet('host', '--listen', sock)
    assert (r.returncode, r.stderr) == (
        FAILED, f'hvnet host: {sock}: another host listens there\n')
    p.kill()
    p.wait(20)
    p = run_host(hvnet, sock, 'n0')
    os.unlink(sock)
    q = run_host(hvnet, sock, 'n1')
    p.terminate()
    assert p.wait(20) == OK
    assert os.path.exists(sock)     # it is the other's by now
    q.terminate()
    assert q.wait(20) == OK
    assert os.listdir(tmp_path) == ['run']


def test_describe_has_every_group(hvnet):
    text = hvnet('stat', '--describe').stdout
    doc = json.loads(hvnet('stat', '--describe', '--json').stdout)
    assert len(doc['groups']) >= 12
    for g in doc['groups']:
        assert f"{g['title']} ({g['side']})\n" in text
        for name, meaning in g['counters'].items():
            assert meaning and f'  {name} ' in text
        assert g['units'].keys() == g['counters'].keys()
    units = {g['name']: g['units'] for g in doc['groups']}
    assert units['from_guest']['bytes'] == 'bytes'
    assert units['to_guest']['drop_filter'] == 'frames'
    assert units['worker']['wakeups'] == 'events'
    assert doc['schema'] == 1 and doc['faults']['RING_INDEX']
    # An answer's object is matched by its members, so no two may be alike.
    names = [tuple(sorted(g['counters'])) for g in doc['groups']]
    assert len(set(names)) == len(names)


@pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists('/dev/net/tun'),
                    reason='needs root and /dev/net/tun')
class TestGuestAlone:
    """A guest that finds no host: what stat and set say of it."""

    @pytest.fixture
    def guest(self, hvnet, tmp_path):
        name = f'hvt{os.getpid() % 100000}'
        p = hvnet('guest', '--connect', str(tmp_path / 'none'), '--ifname',
                  name, '--vps', '2', start=True)
        end = time.monotonic() + 10
        while hvnet('stat', name).returncode != OK:
            assert p.poll() is None, p.communicate()
            assert time.monotonic() < end
            time.sleep(0.02)
        yield name
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=20)
        assert p.returncode == OK
        # After a second it says, once, what it waits for.
        waits = f'hvnet guest: {name}: waiting for the host: {tmp_path}/none: '
        assert all(line.startswith(waits) for line in err.splitlines())
        assert err.count('\n') <= 1
        # A clean end leaves no interface and no socket.
        assert not os.path.exists(f'/sys/class/net/{name}')
        assert list((tmp_path / 'run').iterdir()) == []

    def test_stat_and_set(self, hvnet, guest):
        r = hvnet('stat', '--json', guest)
        one, = json.loads(r.stdout)['processes']
        assert (one['kind'], one['nic']) == ('guest', guest)
        assert one['state'] == 'waiting for the host'
        text = hvnet('stat', '--all', guest).stdout
        assert text.startswith(f'guest {guest} (pid {one["pid"]})\n')
        assert 'frames read from the TAP' in text
        assert 'frames read from the TAP' not in hvnet('stat').stdout
        assert not re.search(' $', text, re.M)

        r = hvnet('stat', 'nope')
        assert r.returncode == NOT_FOUND and "'nope'" in r.stderr
        assert hvnet('set', guest, 'tso=off').returncode == OK
        r = hvnet('set', guest, 'link=down')
        assert r.returncode == REFUSED
        assert len(r.stderr.splitlines()) == 1 and 'tso' in r.stderr
        assert hvnet('set', 'nope', 'tso=off').returncode == NOT_FOUND
        assert hvnet('set', guest, '--remove').returncode == NOT_FOUND

    def test_the_name_is_taken(self, hvnet, guest):
        r = hvnet('guest', '--connect', 'x', '--ifname', guest, '--wait-up',
                  '1')
        assert r.returncode == FAILED
        assert guest in r.stderr and len(r.stderr.splitlines()) <= 2

    def test_says_what_it_waits_for(self, hvnet):
        p = hvnet('guest', '--connect', '/nowhere', '--ifname', 'hvtwait',
                  start=True)
        assert p.stderr.readline() == (
            'hvnet guest: hvtwait: waiting for the host: /nowhere: No such '
            'file or directory (is `hvnet host` running?)\n')
        p.send_signal(signal.SIGINT)
        assert p.wait(20) == OK

    def test_says_once_which_uio(self, hvnet):
        p = hvnet('guest', '--uio', '255', '--ifname', 'hvtuio', start=True)
        assert p.stderr.readline().startswith(
            'hvnet guest: hvtuio: waiting for the NIC: no device ')
        time.sleep(1.5)     # by then it would be said as of a host
        p.send_signal(signal.SIGINT)
        assert (p.communicate(timeout=20)[1], p.returncode) == ('', OK)
        r = hvnet('guest', '--uio', '255', '--ifname', 'hvtuio', '--wait-up',
                  '1')
        assert r.returncode == REFUSED
        assert r.stderr.count('waiting for the host') == 0

    def test_no_descriptors_left(self, hvnet, tmp_path):
        """Neither for its host nor for its clients: it says both, waits, and
        does not ask without end."""
        p = hvnet('guest', '--connect', '/nowhere', '--ifname', 'hvtfd',
                  '--vps', '1', start=True)
        assert 'No such file' in p.stderr.readline()
        path, = (tmp_path / 'run').iterdir()
        old = resource.prlimit(p.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(p.pid, resource.RLIMIT_NOFILE, (3, old[1]))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            said = sorted(p.stderr.readline() for _ in range(2))
            assert said == [
                f'hvnet guest: hvtfd: waiting for the host: a socket for '
                f'/nowhere: {os.strerror(errno.EMFILE)}\n',
                f'hvnet: control socket {path}: clients wait: '
                f'{os.strerror(errno.EMFILE)}\n']
            resource.prlimit(p.pid, resource.RLIMIT_NOFILE, old)
            client.sendall(b'{"cmd": "stat"}')
            client.shutdown(socket.SHUT_WR)
            assert client.recv(20).startswith(b'{"')
        p.send_signal(signal.SIGINT)
        assert p.wait(20) == OK

    def test_not_attached_in_time(self, hvnet, guest):
        r = hvnet('guest', '--connect', '/nowhere', '--ifname', guest + 'b',
                  '--wait-up', '1')
        assert r.returncode == REFUSED
        assert r.stderr.startswith(
            'hvnet guest: not attached to /nowhere within 1 s: ')


@pytest.mark.parametrize('page', ['hvnet'] + [f'hvnet-{c}' for c in COMMANDS])
def test_manual_page(page):
    src = MAN / f'{page}.1'
    assert src.exists(), f'{src} is not built'
    assert '@hvnet' not in src.read_text()
    r = subprocess.run(['man', '--warnings', '-l', src], text=True,
                       capture_output=True, check=True,
                       env={**os.environ, 'LC_ALL': 'C.UTF-8',
                            'MANWIDTH': '80', 'MANPAGER': 'cat'})
    assert r.stderr == ''
    assert 'EXIT STATUS' in r.stdout and 'SEE ALSO' in r.stdout


def test_manual_page_of_bends(hvnet):
    """It has every message and field that --describe lists."""
    src = MAN / 'hvnet-bend.5'
    r = subprocess.run(['man', '--warnings', '-l', src], text=True,
                       capture_output=True, check=True,
                       env={**os.environ, 'LC_ALL': 'C.UTF-8',
                            'MANWIDTH': '80', 'MANPAGER': 'cat'})
    assert r.stderr == '' and 'OFFER_CHANNEL' in r.stdout
    described = json.loads(hvnet('stat', '--describe', '--json').stdout)
    assert len(described['bends']) > 50
    for m in described['bends']:
        assert f".It Cm {m['layer']} {m['message']}\n{m['fields']}" in \
            src.read_text()


def help_of(hvnet, command):
    """Of bench that of all scripts."""
    scripts = BENCHES if command == 'bench' else []
    return hvnet(command, '--help').stdout + ''.join(
        hvnet('bench', name, '--help').stdout for name in scripts)


@pytest.mark.parametrize('command', COMMANDS)
def test_manual_names_every_option(hvnet, command):
    page = (MAN / f'hvnet-{command}.1').read_text()
    indent = ('      --', '  --') if command == 'bench' else '      --'
    for line in help_of(hvnet, command).splitlines():
        word = line.split()[0] if line.startswith(indent) else ''
        option = word.lstrip('-').split('=')[0].split('[')[0]
        if option:
            assert f'Fl -{option}' in page, f'--{option} is not in {page}'


@pytest.mark.parametrize('command', COMMANDS)
def test_manual_names_no_other_option(hvnet, command):
    """In synopsis and lists; hvnet-bench(1) has those of all scripts."""
    text = help_of(hvnet, command)
    page = (MAN / f'hvnet-{command}.1').read_text()
    for line in re.findall(r'^\.(?:It|Op|Fl) .*', page, re.M):
        for option in re.findall(r'Fl -([\w][\w-]*)', line):
            assert f'--{option}' in text, f'{line}: --help has no --{option}'

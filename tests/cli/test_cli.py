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
COMMANDS = ['host', 'guest', 'uio', 'vm', 'stat', 'set', 'bench']
OK, FAILED, USAGE, NOT_FOUND, REFUSED, LOST = range(6)


@pytest.fixture
def hvnet(tmp_path):
    """Run hvnet where no other hvnet process is seen."""
    env = {**os.environ, 'HVNET_RUN': str(tmp_path / 'run')}

    def run(*args, start=False, wrap=(), stdout=subprocess.PIPE, **kw):
        if start:
            # Not as under nohup, where SIGHUP is ignored on purpose.
            return subprocess.Popen(
                [*wrap, HVNET, *args], env=env, text=True, stdout=stdout,
                stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(
                    signal.SIGHUP, signal.SIG_DFL))
        return subprocess.run([HVNET, *args], env=env, text=True, timeout=20,
                              encoding='utf-8', stdout=stdout,
                              stderr=subprocess.PIPE, **kw)
    return run


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


@pytest.mark.parametrize('bench', ['run', 'pps', 'vm', 'tcp', 'instructions'])
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
    ('transcript=FILE', ('host', 'guest', 'uio'))])
def test_shared_options_read_alike(hvnet, option, commands):
    texts = {re.search(rf'^      --{option} .*\n( {{20,}}.*\n)*',
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
    assert r.stdout.startswith('hvnet 0.')


# arguments, what the one line on standard error must name
WRONG = [
    ([], ['host', 'guest', 'stat', 'set']),
    (['hots'], ["'hots'", 'host', 'guest', 'stat', 'set']),
    (['host', '--wrokers', '2'], ["'--wrokers'", '--workers', '--listen']),
    (['host', '-x'], ["'-x'", '--listen']),
    (['host', '--nic'], ['--nic needs a value']),
    (['host', '--pin', '2'], ['--pin takes its value', '--pin=2']),
    (['host', '--pin=no'], ["'no'", '0 to 4095']),
    (['host', '--lenient=yes'], ['--lenient takes no value']),
    (['host'], ['--listen PATH is required']),
    (['host', '--listen', '/tmp/x', 'y'], ["unexpected argument 'y'"]),
    (['host', '--listen', '/tmp/x', '--workers', '0'], ['1 to 64']),
    (['host', '--listen', '/tmp/x', '--max-vmbus', '7'], ['0.13', '5.3']),
    (['host', '--listen', '/tmp/x', '--max-nvsp', '3'], ['1, 2, 4, 5, 6, 6.1']),
    (['host', '--listen', '/tmp/x', '--signal', 'no'], ['edge, packet']),
    (['host', '--listen', '/tmp/x', '--nic', 'backend=tap,name=a,mtu=5'],
     ['mtu=5', '68', '9000']),
    (['host', '--listen', '/tmp/x', '--nic', 'backend=tap,name=a,mtuu=1500'],
     ['mtuu']),
    (['host', '--listen', '/tmp/x', '--nic', 'backend=tab,name=a'],
     ['tap, null, pcap, pair or generator']),
    (['host', '--listen', '/tmp/x', '--nic', 'backend=null,name=a', '--nic',
      'backend=null,name=a'], ["'a'"]),
    (['guest'], ['--connect PATH']),
    (['guest', '--connect', 'x', '-o', 'tx_chimny=5'],
     ['tx_chimny', 'tx_chimney_size (0 to 65536)', 'ring_pages (2 to 2048)']),
    (['guest', '--connect', 'x', '-o', 'tx_slots'], ['tx_slots (4 to 1024)']),
    (['guest', '--connect', 'x', '-o', 'tx_slots=9999'],
     ["'9999'", '4 to 1024']),
    (['guest', '--connect', 'x', '-o', 'tx_slots=-1'], ['4 to 1024']),
    (['guest', '--connect', 'x', '--vps', '65'], ['1 to 64']),
    (['guest', '--connect', 'x', '--mtu', '9001'], ['68 to 9000']),
    (['guest', '--connect', 'x', '--signal', 'irq'],
     ['auto, edge, packet, monitor, poll']),
    (['guest', '--connect', 'x', '--offload', 'lro=on'], ["'lro'", 'rsc']),
    (['guest', '--connect', 'x', '--offload', 'tso'], ['tso=on or tso=off']),
    (['guest', '--connect', 'x', '--ifname', 'a' * 16], ['15']),
    (['guest', '--connect', 'x', '--max-vmbus', '3.0', '--min-vmbus', '5.0'],
     ['--min-vmbus is newer']),
    (['host', '--listen', '/tmp/x', '--nic', 'backend=null,name=a,file=x'],
     ['file is for backend=pcap']),
    (['host', '--listen', '/tmp/x', '--nic', 'name=a,mtu=1500,mtu=1400'],
     ['mtu (column 17) is given twice']),
    (['guest', '--connect', ''], ['--connect', '1 to 107']),
    (['guest', '--connect', 'x' * 108], ['--connect', '1 to 107']),
    (['guest', '--connect', 'x', '--uio', '0'], ['do not go together']),
    (['guest', '--connect', 'x', '--offload', ','], ['name=on']),
    (['guest', '--connect', 'x', '--memory', '1T'], ['512M or 2G']),
    (['guest', '--connect', 'x', '--memory', '63'], ['64M to 64G']),
    (['guest', '--connect', 'x', '--memory', '65G'], ['64M to 64G']),
    (['guest', '--no'], ["'--no' can mean", '--no-huge', '--no-pin']),
    (['guest', '--connect', 'x', '--sched', 'rt'], ['batch, normal']),
    (['guest', '--connect', 'x', '--name', 'n' * 64], ['--name', '1 to 31']),
    (['guest', '--connect', 'x', '--name', 'a\nb'], ["'a\\x0ab'", 'ASCII']),
    (['guest', '--connect', 'x', '--nic', b'\xff'], ["'\\xff'", 'no blank']),
    (['guest', '--connect', 'x', '--ifname', b'\xff'], ['1 to 15', 'ASCII']),
    (['guest', '--connect', 'x', '--netns', '\033[2J'],
     ['\\x1b[2J', 'ASCII']),
    (['host', '--listen', 'x', '--nic', 'backend=null,name=a\nb'],
     ['name=a\\x0ab (column 19)', '1 to 31', 'no blank']),
    (['host', '--listen', 'x', '--nic', b'backend=null,name=\xff'],
     ['name=\\xff', '1 to 31']),
    (['host', '--listen', 'x', '--nic', 'backend=null,name=a,guest=b c'],
     ['guest=b c', '1 to 31']),
    (['host', '--listen', 'x', '--nic', 'backend=tap,name=a,netns=b\tc'],
     ['netns=b\\x09c', '1 to 63']),
    (['set', '--add', 'backend=pair,name=a,peer=\u202eb'],
     ['peer=\\xe2\\x80\\xaeb', '1 to 31']),
    (['guest', '--transcript'], ['--transcript needs a value']),
    (['uio', '--transcribe', 'x'], ["'--transcribe'", '--transcript']),
    (['uio', '--connect', 'x'], ['which program']),
    (['uio', '--connect', 'x', 'ls'], ["'ls'", "behind '--'"]),
    (['uio', '--connect', 'x', '--ring', '9', '--', 'ls'], ['pages of 4']),
    (['uio', '--connect', 'x', '--max-vmbus', '1.1', '--', 'ls'],
     ['older than 2.4']),
    (['vm', '--connect', 'x', '--kernel', '/'], ['--kernel: / is a folder']),
    (['vm', '--connect', 'x', '--image', '/nowhere'],
     ['--image: /nowhere: No such file']),
    (['vm', '--connect', 'x', '--nic', 'a,b'], ["--nic: 'a,b'", 'comma']),
    (['vm', '--connect', 'x', '--sched', 'batch'], ["'--sched'"]),
    (['bench', 'vm', '--channels', '0'], ['--channels', '1 to 64']),
    (['bench', 'vm', '--parts', 'all'], ['offloads, channels']),
    (['bench', 'vm', '--guests', 'plan9'], ["'plan9'", 'linux, freebsd']),
    (['bench', 'vm', '--rounds', 'x'], ['--rounds', '1 to 1000']),
    (['bench', 'vm', '--json', '/nowhere/x'], ['/nowhere/x: No such']),
    (['bench', 'pps', '--modes', 'up'], ["'up' is none of tx"]),
    (['stat', '--watch', '0'], ['1 to 3600']),
    (['stat', '--describe', 'hn0'], ['--describe asks nobody']),
    (['stat', 'a', 'b'], ['one NIC at most']),
    (['set'], ['which NIC']),
    (['set', '', 'tso=off'], ["'' is not KEY=VALUE"]),
    (['set', 'hn0'], ['nothing to set']),
    (['set', 'hn0', 'mtu'], ["'mtu' is not KEY=VALUE"]),
    (['set', 'hn0', 'mtu=1,tso=off'], ["'mtu=1,tso=off'", 'no commas']),
    (['set', 'hn0', 'mtu=1', 'mtu=2'], ['mtu is given twice']),
    (['set', 'hn0', b'mtu=\xff'], ["mtu: '\\xff' is not UTF-8"]),
    (['set', 'hn0', b'\xff=1'], ["'\\xff' is not UTF-8"]),
    (['set', 'hn0', '--remove', 'mtu=1'], ['do not go together']),
    (['set', '--add', 'backend=tap,name=a,mtu=5'], ['mtu=5']),
    (['set', 'hn0', '--add', 'backend=null,name=a'], ['stands alone']),
]


@pytest.mark.parametrize('args,names', WRONG,
                         ids=[' '.join(map(ascii, a)) or 'nothing'
                              for a, _ in WRONG])
def test_usage_error_is_one_line(hvnet, args, names):
    r = hvnet(*args)
    assert r.returncode == USAGE
    assert r.stdout == ''
    assert len(r.stderr.splitlines()) == 1
    assert r.stderr.startswith('hvnet')
    for n in names:
        assert n in r.stderr


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
    one, = json.loads(hvnet('stat', '--json').stdout)['processes']
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
    assert doc['faults']['RING_INDEX']
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
        r = hvnet('set', guest, 'mtu=9000')
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

    @pytest.mark.parametrize('name', ['a/b', 'a%d', '.', 'a:b'])
    def test_no_name_of_an_interface(self, hvnet, name):
        for args in (['guest', '--connect', '/nowhere', '--ifname', name],
                     ['host', '--listen', '/tmp/x.sock', '--nic',
                      f'backend=tap,name={name}']):
            r = hvnet(*args)
            assert r.returncode == FAILED and r.stderr.count('\n') == 1
            assert f"'{name}': want 1 to 15 printable" in r.stderr

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


@pytest.mark.parametrize('command', COMMANDS)
def test_manual_names_every_option(hvnet, command):
    page = (MAN / f'hvnet-{command}.1').read_text()
    for line in hvnet(command, '--help').stdout.splitlines():
        word = line.split()[0] if line.startswith('      --') else ''
        option = word.lstrip('-').split('=')[0].split('[')[0]
        if option:
            assert f'Fl -{option}' in page, f'--{option} is not in {page}'


@pytest.mark.parametrize('command', COMMANDS)
def test_manual_names_no_other_option(hvnet, command):
    """In synopsis and lists; hvnet-bench(1) has those of both scripts."""
    text = hvnet(command, '--help').stdout
    if command == 'bench':
        text += hvnet('bench', 'vm', '--help').stdout
    page = (MAN / f'hvnet-{command}.1').read_text()
    for line in re.findall(r'^\.(?:It|Op|Fl) .*', page, re.M):
        for option in re.findall(r'Fl -([\w][\w-]*)', line):
            assert f'--{option}' in text, f'{line}: --help has no --{option}'

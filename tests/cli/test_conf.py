# SPDX-License-Identifier: BSD-2-Clause
"""The configuration file of a host: what it takes, and what it says of
what is wrong."""
import json
import os
import signal
import subprocess
import time

import pytest

from test_cli import MAN

OK, FAILED, USAGE, NOT_FOUND, REFUSED, LOST = range(6)

RIGHT = '''\
# a host
[host]
listen = {dir}/s
max-guests = 8   ; few
monitor = on
lenient = off

[nic n0]
backend = null
  mtu = 1400
[nic n1]
backend=null
loss : 1%
'''


def write(tmp_path, text):
    path = tmp_path / 'host.conf'
    path.write_text(text.replace('{dir}', str(tmp_path)))
    return str(path)


def nics_of(hvnet):
    answer, = json.loads(hvnet('stat', '--json').stdout)['processes']
    return {n['name']: n['spec'] for n in answer['nics']}


def test_a_right_file(hvnet, tmp_path):
    path = write(tmp_path, RIGHT)
    r = hvnet('config', 'check', path)
    assert (r.returncode, r.stdout, r.stderr) == (
        OK, f'{path} is right: 2 NICs\n', '')


# A line behind RIGHT, whose last is 13, and what is said of it.
WRONG = {
    '[nic n0]\nmtu = 1500': (14, '[nic n0] is there already, at line 8'),
    '[nic n2]': (14, 'this section has no key'),
    '[nic n2': (14, 'want [host], [nic NAME], key = value, or a comment'),
    '[nics]\nx = 1': (14, '[nics]: want [host] or [nic NAME]'),
    '[nic a b]\nmtu = 1500': (14, 'name=a b: want 1 to 31 printable'),
    'mtu': (14, 'want [host], [nic NAME], key = value, or a comment'),
    'mtu = 67': (14, 'mtu=67: want a number from 68 to 9000'),
    'mtu = 1500\nmtu = 1500': (15, 'mtu is given twice'),
    'name = x': (14, 'name is given twice'),
    'tos = off': (14, "'tos' is no key; keys are backend "),
    'vlan = a,b': (14, 'want a value without a comma'),
    '[nic p]\nbackend = pair': (14, 'NIC p: backend=pair needs peer=NIC'),
    '[nic p]\nbackend = pair\npeer = n0': (14, "'n0' must be of backend=pair"),
    '[nic p]\nfile = x\nbackend = tap': (14, 'file is for backend=pcap'),
    '[host]\nlisten = x': (15, 'listen is given twice, first at line 3'),
    '[host]\nworkers = none': (15, "'none' is not a number from 1 to 64"),
    '[host]\nmonitor-all = on': (15, "'monitor-all' is no key of [host]"),
    '[host]\nno-uio = yes': (15, 'no-uio=yes: want on or off'),
    '[host]\nnic = name=x': (15, "'nic' is no key of [host]"),
    'file = ' + 1000 * 'x': (14, 'want a line of at most 1000 characters'),
    'file = a\0b': (14, 'there is a NUL byte'),
}


@pytest.mark.parametrize('line', WRONG, ids=lambda s: s[:24])
def test_what_is_wrong_in_a_file(hvnet, tmp_path, line):
    """One line names file, line and what is right; nothing is started."""
    path = write(tmp_path, RIGHT + line + '\n')
    number, part = WRONG[line]
    for words in (['config', 'check', path], ['host', '--config', path]):
        r = hvnet(*words)
        assert (r.returncode, r.stdout) == (USAGE, '')
        said, = r.stderr.splitlines()
        assert said.startswith(f'hvnet {words[0]}: {path}:{number}: '), said
        assert part in said
    assert not os.path.exists(tmp_path / 's')


def test_a_key_before_any_section(hvnet, tmp_path):
    path = write(tmp_path, 'mtu = 1500\n')
    r = hvnet('config', 'check', path)
    assert (r.returncode, r.stderr) == (
        USAGE, f'hvnet config: {path}:1: a key before the first section; '
        'want [host] or [nic NAME] before it\n')


def test_manual_page_of_the_file(hvnet, tmp_path):
    """It is right, and its example is."""
    src = MAN / 'hvnet-host.conf.5'
    r = subprocess.run(['man', '--warnings', '-l', src], text=True,
                       capture_output=True, check=True,
                       env={**os.environ, 'LC_ALL': 'C.UTF-8',
                            'MANWIDTH': '80', 'MANPAGER': 'cat'})
    assert r.stderr == '' and 'SEE ALSO' in r.stdout
    text = src.read_text().split('.Bd -literal -offset indent\n')[1]
    path = write(tmp_path, text.split('.Ed')[0])
    assert hvnet('config', 'check', path).stdout == \
        f'{path} is right: 2 NICs\n'


def test_no_file(hvnet, tmp_path):
    for words in (['config', 'check'], ['host', '--config']):
        r = hvnet(*words, str(tmp_path / 'none'))
        assert r.returncode == FAILED
        assert 'none: No such file or directory' in r.stderr


def test_a_host_by_its_file(hvnet, tmp_path):
    """The command line has the last word, and adds NICs."""
    path = write(tmp_path, RIGHT + 'capture = /' + 200 * 'x' + '/y\n')
    r = hvnet('host', '--config', path)
    assert r.returncode == FAILED and '/y: No such file' in r.stderr
    path = write(tmp_path, RIGHT)
    p = hvnet('host', '--nic', 'backend=null,name=n2', '--config', path,
              '--listen', f'{tmp_path}/other', start=True)
    assert p.stdout.readline() == f'listening on {tmp_path}/other, 3 NICs\n'
    spec = nics_of(hvnet)
    assert list(spec) == ['n0', 'n1', 'n2']
    assert spec['n0']['mtu'] == '1400' and spec['n1']['loss'] == '1%'
    p.send_signal(signal.SIGTERM)
    assert p.wait(20) == OK
    r = hvnet('host', '--nic', 'backend=null,name=n1', '--config', path)
    assert r.returncode == USAGE and "two NICs of the name 'n1'" in r.stderr


# --- while it runs ---

@pytest.fixture
def running(hvnet, tmp_path):
    """A host of the file RIGHT: the process, and how to reload another."""
    path = write(tmp_path, RIGHT)
    p = hvnet('host', '--config', path, '--nic', 'backend=null,name=own',
              start=True)
    assert p.stdout.readline().startswith('listening on ')
    p.path = path

    def reload(text):
        write(tmp_path, text)
        p.send_signal(signal.SIGHUP)
        return p.stderr.readline().removeprefix('hvnet host: ').strip()
    p.reload = reload
    p.done = lambda added, changed, withdrawn: (
        f'reloaded {path}; NICs added: {added}, changed: {changed}, '
        f'withdrawn: {withdrawn}')
    yield p
    p.send_signal(signal.SIGTERM)
    assert p.wait(20) == OK


def test_a_reload_touches_what_differs(hvnet, running):
    """One NIC each added, changed at run time, made anew and withdrawn; the
    command line's stays, and so does one that is the same."""
    same = '[nic same]\nbackend = null\n'
    more = RIGHT + same + '[nic n9]\nbackend = null\nqueues = 1\n'
    assert running.reload(more) == \
        running.done(2, 0, 0)
    assert hvnet('set', 'same', 'gro=off').returncode == OK
    assert running.reload(more) == \
        running.done(0, 1, 0)
    assert nics_of(hvnet)['same']['gro'] == 'on'
    text = more.replace('mtu = 1400', 'mtu = 1300').replace(
        'queues = 1', 'queues = 2').replace('[nic n1]', '[nic n2]')
    assert running.reload(text) == \
        running.done(1, 2, 1)
    spec = nics_of(hvnet)
    assert sorted(spec) == ['n0', 'n2', 'n9', 'own', 'same']
    assert spec['n0']['mtu'] == '1300' and spec['n9']['queues'] == '2'
    # What was withdrawn may come again, and nothing is changed twice.
    assert running.reload(more) == running.done(1, 2, 1)
    assert running.reload(more) == running.done(0, 0, 0)


def test_a_reload_with_an_error_changes_nothing(hvnet, tmp_path, running):
    """In the text, in [host], and in what only fails when it is done: NICs
    that were withdrawn and changed by then are as they were."""
    before = nics_of(hvnet)
    changed = RIGHT.replace('mtu = 1400', 'mtu = 1300').replace(
        '[nic n1]', '[nic n2]')
    for text, part in (
            (changed + 'mtu = 67\n', ':14: mtu=67: want a number from 68'),
            (changed.replace('max-guests = 8', 'max-guests = 9'),
             ':4: max-guests of [host] changes only when the host starts'),
            (changed.replace('monitor = on\n', ''),
             ': monitor of [host] is not there any more'),
            (changed + '[nic bad]\nbackend = pcap\nreplay = /none\n',
             ':14: replay=/none: No such file or directory')):
        said = running.reload(text)
        assert said.startswith(running.path + part), said
        assert said.endswith('; nothing was changed')
        assert nics_of(hvnet) == before
    os.remove(running.path)
    running.send_signal(signal.SIGHUP)
    assert 'No such file or directory; nothing' in running.stderr.readline()
    assert running.reload(RIGHT) == running.done(0, 0, 0)


def test_set_saves(hvnet, tmp_path, running):
    """Into the file, whose other lines stay as they are."""
    def read():
        with open(running.path) as f:
            return f.read()

    def save(*words):
        r = hvnet('set', *words, '--save')
        assert (r.returncode, r.stderr) == (OK, ''), r.stderr
        assert running.reload(read()) == running.done(0, 0, 0)
        return read()

    os.chmod(running.path, 0o640)
    assert save('n0', 'mtu=1350', 'gro=off') == RIGHT.format(
        dir=tmp_path).replace('  mtu = 1400\n', '  mtu = 1350\ngro = off\n')
    assert os.stat(running.path).st_mode & 0o777 == 0o640
    text = save('n1', 'loss=2%')
    assert text.endswith('[nic n1]\nbackend=null\nloss = 2%\n')
    assert save('--add', 'backend=null,name=n2,mtu=1280') == \
        text + '\n[nic n2]\nbackend = null\nmtu = 1280\n'
    assert save('n2', '--remove') == text + '\n'
    text = save('n1', '--remove')
    assert '[nic n1]' not in text and '[nic n0]' in text


def test_set_that_cannot_be_saved(hvnet, tmp_path, running):
    """Then nothing is set either."""
    before = nics_of(hvnet)
    r = hvnet('set', 'own', 'mtu=1300', '--save')
    assert (r.returncode, r.stderr) == (
        FAILED, f'hvnet set: --save: {running.path} has no [nic own]\n')
    r = hvnet('set', 'n0', 'mtu=1300', 'mtu_max=1', '--save')
    assert r.returncode == FAILED and "'mtu_max' is no key" in r.stderr
    r = hvnet('set', 'n0', 'queues=2', '--save')
    assert r.returncode == REFUSED and 'cannot be changed' in r.stderr
    assert nics_of(hvnet) == before
    with open(running.path) as f:
        assert f.read() == RIGHT.format(dir=tmp_path)
    assert os.listdir(tmp_path).count('host.conf') == 1
    assert not [f for f in os.listdir(tmp_path) if 'host.conf.' in f]


def test_set_saves_only_where_there_is_a_file(hvnet, tmp_path):
    p = hvnet('host', '--listen', f'{tmp_path}/s', '--nic',
              'backend=null,name=n0', start=True)
    assert p.stdout.readline().startswith('listening on ')
    r = hvnet('set', 'n0', 'mtu=1300', '--save')
    assert (r.returncode, r.stderr) == (
        FAILED, 'hvnet set: --save: this host was started without --config '
        'FILE\n')
    p.terminate()
    assert p.wait(20) == OK


def test_files_that_were_moved_away_begin_anew(hvnet, tmp_path):
    """At SIGUSR1; one that is still there goes on."""
    files = [tmp_path / n for n in ('capture', 'transcript', 'nic', 'pcap')]
    p = hvnet('host', '--listen', f'{tmp_path}/s', '--capture', str(files[0]),
              '--transcript', str(files[1]), '--nic',
              f'backend=null,name=n0,capture={files[2]}', '--nic',
              f'backend=pcap,name=n1,file={files[3]}', start=True)
    assert p.stdout.readline().startswith('listening on ')
    first = [f.stat().st_ino for f in files]
    for f in files[1:]:
        f.rename(f.with_suffix('.old'))
    p.send_signal(signal.SIGUSR1)
    end = time.monotonic() + 20
    while not all(f.exists() for f in files):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert hvnet('stat').returncode == OK
    now = [f.stat().st_ino for f in files]
    assert now[0] == first[0] and not set(now[1:]) & set(first)
    p.terminate()
    assert p.wait(20) == OK and p.stderr.read() == ''
    for f in (files[0], files[2], files[2].with_suffix('.old')):
        assert f.read_bytes()[:4] == b'\x0a\x0d\x0d\x0a'
    assert files[3].read_bytes()[:4] == b'\xd4\xc3\xb2\xa1'

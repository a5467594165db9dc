# SPDX-License-Identifier: BSD-2-Clause
"""hvnet vm --image --run: a command typed at a machine's serial console."""
import pathlib
import shutil

import pytest

HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture
def run(hvnet, tmp_path):
    """Run a command in a stand-in of a kind."""
    box = tmp_path / 'box'
    box.mkdir()
    for name in ('cat', 'printf', 'seq', 'sleep', 'stty'):
        (box / name).symlink_to(shutil.which(name))
    for name, text in (('shutdown', f'echo "$@" >{tmp_path}/off; kill $PPID'),
                       ('poweroff', 'exit 1'), ('sysctl', ''), ('dmesg', '')):
        (box / name).write_text(f'#!/bin/sh\n{text}\n')
        (box / name).chmod(0o755)
    (tmp_path / 'disk').write_text('')

    def go(kind, command, *args):
        qemu = tmp_path / 'qemu'
        qemu.write_text('#!/bin/sh\nexec /usr/bin/python3 '
                        f'{HERE}/console_machine.py {box} {kind} "$@"\n')
        qemu.chmod(0o755)
        return hvnet('vm', '--qemu', str(qemu), '--image',
                     str(tmp_path / 'disk'), '--run', command, *args)
    return go


def test_output_and_exit_code_are_the_commands(run, tmp_path):
    """A long command of several lines, with what a shell could take."""
    words = ' '.join(f"'{n}'" for n in range(600))
    r = run('login', f'# as typed\nfor n in {words}\ndo\n\techo "$n"\ndone; '
            'seq 20000; printf \'it\'"\'"\'s: $HOME\'; exit 7',
            '--console', str(tmp_path / 'log'))
    assert (r.returncode, r.stdout, r.stderr.count('\n')) == (
        7, ''.join(f'{n}\n' for n in (*range(600), *range(1, 20001))) +
        "it's: $HOME", 1)
    assert 'Welcome to FreeBSD!' in (tmp_path / 'log').read_text()
    assert (tmp_path / 'off').read_text() == '-p now\n'


def test_single_user_mode_and_lost_lines(run):
    r = run('single', 'cat >&2 /nowhere')
    assert (r.returncode, r.stdout) == (
        1, 'cat: /nowhere: No such file or directory\n')


def test_a_shell_that_does_not_appear(run):
    r = run('silent', 'true', '--shell-wait', '1')
    assert r.returncode == 1 and r.stdout == ''
    assert 'hn0: link up' in r.stderr
    assert 'no root shell on the image\'s serial console within 1 s' in r.stderr


def test_a_password(run):
    r = run('password', 'true')
    assert r.returncode == 1 and r.stdout == ''
    assert "the image wants root's password" in r.stderr


def test_a_machine_that_ends_first(run):
    r = run('ends', 'true')
    assert r.returncode == 1 and r.stdout == ''
    assert 'panic: no root' in r.stderr
    assert 'ended before it ran the command' in r.stderr

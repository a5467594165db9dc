# SPDX-License-Identifier: BSD-2-Clause
"""bash completion, as bash would call it."""
import os
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
HVNET = os.environ.get('HVNET', str(TOP / 'build/cli/hvnet'))
COMMANDS = ['host', 'guest', 'uio', 'vm', 'list', 'top', 'stat', 'metrics',
            'set', 'trace', 'config', 'bench', 'conform']


@pytest.fixture(scope='module')
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp('bash') / 'hvnet'
    path.write_text(subprocess.run(
        ['python3', TOP / 'share/bash/complete.py', HVNET], check=True,
        capture_output=True, text=True).stdout)
    return path


@pytest.fixture
def complete(script):
    def complete(line):
        """What bash offers for the last word of this line."""
        # bash breaks words at = as well.
        words = re.findall(r'=|[^\s=]+', line)
        if line[-1] in ' =':
            words.append('')
        r = subprocess.run(
            ['bash', '--norc', '-c',
             'set -e; . "$1"; COMP_LINE=$2; shift 2; COMP_POINT=${#COMP_LINE};'
             'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); set +e; _hvnet; '
             'printf "%s\\n" "${COMPREPLY[@]}"', 'bash', script, line, *words],
            capture_output=True, text=True, check=True)
        assert r.stderr == ''
        return r.stdout.split()
    return complete


def test_commands(complete):
    assert complete('hvnet ') == [*COMMANDS, '--help', '--version']
    assert complete('hvnet co') == ['config', 'conform']


@pytest.mark.parametrize('command', COMMANDS)
def test_each_option_of_help(complete, command):
    text = subprocess.run([HVNET, command, '--help'], check=True, text=True,
                          capture_output=True).stdout.split('\nExamples')[0]
    options = set(re.findall(r'^ {2,6}(?:-\w, )?(--[a-z][\w-]*)', text, re.M))
    offered = complete(f'hvnet {command} --')
    assert {o.rstrip('=') for o in offered} == options
    for o in offered:
        assert (f'{o[:-1]}=' in text) if o[-1] == '=' else \
            f'{o}=' not in text, o


def test_keys_of_a_nic(complete):
    assert complete('hvnet host --nic ba') == ['backend=']
    assert complete('hvnet host --nic=ba') == ['backend=']
    assert complete('hvnet host --nic backend=tap,net') == ['tap,netns=']
    assert complete('hvnet host --nic=backend=tap,net') == ['tap,netns=']
    assert complete('hvnet host --nic backend=t') == []
    assert complete('hvnet set --add backend=tap,net') == ['tap,netns=']
    assert complete('hvnet set n0 ts') == ['tso=']
    # What cannot change while the NIC runs.
    assert complete('hvnet set n0 back') == []


def test_words_of_a_command(complete):
    assert complete('hvnet bench p') == ['pps']
    assert complete('hvnet config ch') == ['check']
    assert complete('hvnet set ') != []
    # The program's own, not ours.
    assert complete('hvnet uio --connect x -- dpdk-testpmd --') == []

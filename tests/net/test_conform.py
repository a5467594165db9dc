# SPDX-License-Identifier: BSD-2-Clause
"""`hvnet conform` with real processes: our guest passes every scenario, and
bugs of tests/conform/bugs.list are found."""
import json
import pathlib
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from conftest import full
from lab import HVNET, TOP

sys.path.insert(0, str(TOP / 'tests/conform'))
from bugs import read_list      # noqa: E402

BUGS = {b.name: b.scenario for b in
        read_list(TOP / 'tests/conform/bugs.list')}
SCENARIOS = sorted(p.stem.replace('_', '/', 1) for p in
                   (TOP / 'share/conform/scenarios').glob('*.py'))
# A scenario of each group, short ones.
FEW = ['bus/version_ladder', 'life/mtu', 'nvsp/subchannels_fewer',
       'nvsp/table_beyond', 'ring/answers_reordered', 'rndis/link_down_first',
       'rx/offloads_off']


def guest(lab, exe=HVNET, bug=None):
    lab.run('g', 'sysctl -qw net.ipv6.conf.default.accept_dad=0')
    env = ['env', f'HVNET_BUG={bug}'] if bug else []
    return [*env, exe, 'guest', '--connect', '{socket}', '--netns',
            lab.netns('g'), '--vps', '4']


def conform(lab, only, command, patience=60, args=()):
    """Verdicts by group/name, and the run."""
    out = f'{lab.dir}/verdicts.json'
    words = [x for s in only for x in ('--only', s)]
    r = lab.run(None, [HVNET, 'conform', *words, '--json', out, '--evidence',
                       f'{lab.dir}/evidence', '--patience', patience, *args,
                       '--', *command], check=False, timeout=3000)
    verdicts = json.loads(pathlib.Path(out).read_text())['verdicts']
    return {f'{v["group"]}/{v["name"]}': v for v in verdicts}, r


def test_few_pass(lab):
    xml, card = f'{lab.dir}/junit.xml', f'{lab.dir}/card.md'
    got, r = conform(lab, FEW, guest(lab),
                     args=['--junit', xml, '--report', card])
    assert {n: v['verdict'] for n, v in got.items()} == \
        dict.fromkeys(FEW, 'pass'), r.stdout
    assert r.returncode == 0 and r.stdout.count('\npass') == len(FEW) - 1
    suite = ElementTree.parse(xml).getroot()
    assert (suite.get('tests'), suite.get('failures')) == (str(len(FEW)), '0')
    text = pathlib.Path(card).read_text()
    assert all(f'| {n} | pass |' in text for n in FEW)
    # Nothing is left.
    left = subprocess.run(['ip', 'netns'], capture_output=True, text=True)
    assert not re.search(r'\bhvc\d', left.stdout)


@full
def test_all_pass(lab):
    got, r = conform(lab, ['*'], guest(lab))
    assert {n: v['verdict'] for n, v in got.items()} == \
        dict.fromkeys(SCENARIOS, 'pass'), r.stdout


# All others are found in one process: tests/conform/square.py.
@pytest.mark.parametrize('bug', ['any-id', 'version-first', pytest.param(
    'fragments-dropped', marks=full)])
def test_bug_is_found(lab, bug):
    """By its scenario, which says what it saw and how to see it again."""
    exe = str(pathlib.Path(HVNET).parent.parent /
              'tests/conform/hvnet-bugs')
    name = BUGS[bug]
    got, r = conform(lab, [name], guest(lab, exe, bug), 5)
    v = got[name]
    assert v['verdict'] == 'fail' and r.returncode == 1, r.stdout
    assert v['why'] and v['transcript'] and v['steps']
    assert f'--only {name} -- ' in v['again'] and v['again'] in r.stdout
    files = {p.name for p in pathlib.Path(v['files']).iterdir()}
    assert {'transcript.txt', 'capture.pcapng', 'host.log',
            'guest.log', 'stat.json'} <= files
    # The same build without the bug passes.
    if bug == 'any-id':
        got, r = conform(lab, [name], guest(lab, exe))
        assert got[name]['verdict'] == 'pass', r.stdout

# SPDX-License-Identifier: BSD-2-Clause
"""`hvnet bench` without the source tree."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import full
from lab import HVNET, Lab

BUILD = pathlib.Path(HVNET).resolve().parents[1]


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    if shutil.which('meson') is None or not (BUILD / 'build.ninja').exists():
        pytest.skip('needs meson and its build folder')
    to = tmp_path_factory.mktemp('into')
    subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild',
                    '--destdir', to], check=True, capture_output=True)
    path, = to.glob('**/bin/hvnet')
    return path


@pytest.mark.parametrize('name', ['ladder', 'layers', 'memory', 'pps', 'tcp'])
def test_scripts_are_there(installed, name):
    lib = installed.parents[1] / 'lib/hvnet'
    r = subprocess.run([installed, 'bench', name, '--help'], text=True,
                       capture_output=True, cwd='/',
                       env={**os.environ, 'HVNET_BENCH': ''})
    assert r.returncode == 0 and 'sage: hvnet bench' in r.stdout, r.stderr
    for helper in 'flood', 'pps_hvnet', 'relay':
        assert os.access(lib / 'bench' / helper, os.X_OK)


@full
def test_it_measures(lab, installed):
    """By the helpers beside the scripts, not those of the build folder."""
    with Lab(str(installed)) as other:
        r = other.run(None, [installed, 'bench', 'tcp', '--rounds', '1',
                             '--seconds', '1', '--streams', '1', '--mode',
                             'tso'], cwd='/')
    out = json.loads(r.stdout)
    assert [x['direction'] for x in out['results'] if 'relay' in x] == [
        'out', 'in']
    assert all(x['hvnet']['gbps'] > 0 for x in out['results'] if 'relay' in x)

# SPDX-License-Identifier: BSD-2-Clause
"""The Debian packages of this tree.

HVNET_DEBS=FOLDER: packages that are built already.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / 'scripts'))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
NAMES = ['hvnet', 'libhvnet0', 'libhvnet-dev']

full = pytest.mark.skipif(
    os.environ.get('HVNET_FULL') != '1' or os.geteuid() != 0,
    reason='make check-full, as root')


def sh(*cmd, cwd=None, env=None):
    r = subprocess.run(list(map(str, cmd)), cwd=cwd, text=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT,
                       env={**os.environ, **(env or {})})
    assert r.returncode == 0, f'{cmd}:\n{r.stdout[-8000:]}'
    return r.stdout


def commit():
    """Of the tree, as `hvnet --version` says it."""
    return sh(TOP / 'scripts/commit.sh')


@pytest.fixture(scope='session')
def folder():
    """Not pytest's own: apt drops its privileges to read what is here."""
    with tempfile.TemporaryDirectory(prefix='hvnet-package.') as made:
        os.chmod(made, 0o755)
        yield pathlib.Path(made)


@pytest.fixture(scope='session')
def debs(folder):
    """The folder with the packages."""
    if os.environ.get('HVNET_DEBS'):
        return pathlib.Path(os.environ['HVNET_DEBS'])
    tree = folder / 'build/hvnet'
    tree.mkdir(parents=True)
    sh('sh', '-c', f'git ls-files -z | tar --null -T - -c | tar -x -C {tree}',
       cwd=TOP)
    # As git archive would.
    (tree / 'scripts/commit.txt').write_text(commit())
    sh('dpkg-buildpackage', '-us', '-uc', cwd=tree,
       env={'DEB_BUILD_OPTIONS': f'nocheck parallel={os.cpu_count()}'})
    return tree.parent


@pytest.fixture(scope='session')
def shelf(debs, folder):
    """Those that a user installs, and nothing else."""
    made = folder / 'shelf'
    made.mkdir()
    for name in NAMES:
        sh('cp', *debs.glob(f'{name}_*.deb'), made)
    return made

# SPDX-License-Identifier: BSD-2-Clause
"""What `hvnet --version` says of the commit: scripts/commit.sh in a repository,
in a tarball, and in a tarball unpacked inside some other repository."""
import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


def git(tree, *args):
    return subprocess.run(
        ['git', '-C', tree, '-c', 'user.name=n', '-c', 'user.email=e', *args],
        check=True, capture_output=True, text=True).stdout.strip()


def commit(tree):
    return subprocess.run([tree / 'scripts/commit.sh'], check=True, text=True,
                          capture_output=True).stdout


@pytest.fixture
def tree(tmp_path):
    made = tmp_path / 'tree'
    (made / 'scripts').mkdir(parents=True)
    for name in ('scripts/commit.sh', 'scripts/commit.txt', '.gitattributes'):
        shutil.copy(TOP / name, made / name)
    git(made, 'init', '-q')
    git(made, 'add', '-A')
    git(made, 'commit', '-qm', 'one')
    return made


def test_of_a_repository(tree):
    head = git(tree, 'rev-parse', '--short=12', 'HEAD')
    assert commit(tree) == f'{head}\n'
    (tree / 'scripts/commit.sh').open('a').write('\n')
    assert commit(tree) == f'{head}+\n'


@pytest.mark.parametrize('inside', [False, True])
def test_of_a_tarball(tree, tmp_path, inside):
    short = git(tree, 'rev-parse', '--short', 'HEAD')
    # Inside: in the tree of another repository.
    out = (tree if inside else tmp_path) / 'unpacked'
    out.mkdir()
    tar = subprocess.run(['git', '-C', tree, 'archive', 'HEAD'], check=True,
                         capture_output=True).stdout
    subprocess.run(['tar', '-x', '-C', out], input=tar, check=True)
    assert commit(out) == f'{short}\n'


def test_of_a_copy(tree):
    shutil.rmtree(tree / '.git')
    assert commit(tree) == 'unknown\n'

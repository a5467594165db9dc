# SPDX-License-Identifier: BSD-2-Clause
"""`make`, `make install` and `make uninstall`, on a project of one file.

The Makefile and the scripts are the real ones; what they build is small.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
NOBODY = 65534
root = pytest.mark.skipif(os.geteuid() != 0, reason='needs root')


@pytest.fixture
def project():
    """A folder with our Makefile; the function runs make there."""
    # Not tmp_path: another user must be able to reach it.
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        yield made(pathlib.Path(top) / 'tree')


def made(tree):
    (tree / 'scripts').mkdir(parents=True)
    shutil.copy(TOP / 'Makefile', tree)
    for name in ('configure.sh', 'install.sh'):
        shutil.copy(TOP / 'scripts' / name, tree / 'scripts')
    (tree / 'scripts/deps.sh').write_text('#!/bin/sh\n')
    (tree / 'scripts/deps.sh').chmod(0o755)
    (tree / 'meson.build').write_text(
        "project('one', 'c', meson_version: '>=1.0')\n"
        "executable('one', 'one.c', install: true)\n")
    (tree / 'one.c').write_text(
        '#include <stdio.h>\n#ifndef WORD\n#define WORD "none"\n#endif\n'
        'int main(void) { puts(WORD); return 0; }\n')

    def make(*args, user=None, env=(), check=True):
        r = subprocess.run(['make', *args], cwd=tree, text=True,
                           capture_output=True, user=user, group=user,
                           env={**os.environ, 'HOME': str(tree), **dict(env)})
        assert not check or r.returncode == 0, r.stdout + r.stderr
        return r
    make.tree = tree
    return make


def word(make):
    return subprocess.run([make.tree / 'build/one'], text=True, check=True,
                          capture_output=True).stdout.strip()


def test_flags_given_later_are_used(project):
    project()
    assert word(project) == 'none'
    project('CFLAGS=-DWORD=\'"later"\'')
    assert word(project) == 'later'
    project(env={'CFLAGS': '-DWORD=\'"last"\''})
    assert word(project) == 'last'


def test_dpdk_that_arrives_later_is_found(project, tmp_path):
    pc = tmp_path / 'pc'
    pc.mkdir()
    env = {'PKG_CONFIG_LIBDIR': str(pc)}
    project(env=env)
    assert 'dpdk=none' in (project.tree / 'build/.configured-with').read_text()
    (pc / 'libdpdk.pc').write_text('Name: d\nDescription: d\nVersion: 22.11\n')
    r = project(env=env)
    assert 'configured anew' in r.stdout
    assert 'configured anew' not in project(env=env).stdout


@root
def test_root_installs_what_a_user_built(project, tmp_path):
    for path in [project.tree, *project.tree.rglob('*')]:
        os.chown(path, NOBODY, NOBODY)
    project(user=NOBODY)
    into = tmp_path / 'into'
    before = (project.tree / 'build/one').stat().st_mtime_ns
    project('install', f'PREFIX={into}')
    assert (into / 'bin/one').exists()
    assert (project.tree / 'build/one').stat().st_mtime_ns == before
    left = [p for p in (project.tree / 'build').rglob('*')
            if p.lstat().st_uid != NOBODY]
    assert left == []
    project('uninstall')
    assert not (into / 'bin/one').exists()
    r = project('uninstall', check=False)
    assert r.returncode != 0
    assert 'nothing was installed from build/' in r.stderr


def test_no_dpkg(tmp_path):
    tools = tmp_path / 'tools'
    tools.mkdir()
    for name in ('sh', 'id', 'grep'):
        (tools / name).symlink_to(shutil.which(name))
    r = subprocess.run([TOP / 'scripts/deps.sh', 'build'], text=True,
                       capture_output=True, env={'PATH': str(tools)})
    assert r.returncode == 0
    assert 'no dpkg here' in r.stderr and 'libevent-dev' in r.stderr

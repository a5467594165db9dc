# SPDX-License-Identifier: BSD-2-Clause
"""Where a Debian for a machine cannot be made, one line says why."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] /
                       'scripts'))
import debian_apt       # noqa: E402
import debian_image     # noqa: E402

# As apt-get of Debian 12 prints them.
NO_SUITE = """Err:2 http://x/debian bokworm Release
  404  Not Found [IP: 1.2.3.4 80]
E: The repository 'http://x bokworm Release' does not have a Release file.
"""
NO_NETWORK = """Err:1 http://x/debian bookworm InRelease
  Temporary failure resolving 'x'
E: Failed to fetch http://x/debian/dists/bookworm/InRelease  Temporary failure
E: Some index files failed to download.
"""
EXPIRED = """E: Release file for http://x/debian/dists/bokworm/InRelease is \
expired (invalid since 24d 9h 36min 12s). Updates will not be applied.
"""


@pytest.mark.parametrize('log, why', [
    (NO_SUITE, "apt sources have no suite 'bokworm'; Debian's are bookworm"),
    (NO_NETWORK, 'no network to get packages of bokworm: Failed to fetch'),
    (EXPIRED, 'expired; apt takes them with Acquire::Check-Valid-Until'),
    ('E: Unable to locate package nono\n', "bokworm has no package 'nono'"),
    ('E: dpkg was interrupted\nE: more\n', 'dpkg was interrupted'),
    ('', 'no reason given')])
def test_reasons(log, why):
    assert why in debian_apt.reason('bokworm', log)
    assert '\n' not in debian_apt.reason('bokworm', log)


def test_no_mmdebstrap_and_no_right_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(debian_apt.os, 'geteuid', lambda: 1000)
    with pytest.raises(debian_apt.ImageError,
                       match='not root; install by hand: nothing-like-it'):
        debian_apt.need({'no-such-program': 'nothing-like-it'})


def test_mmdebstrap_gets_the_machines_apt_settings(monkeypatch, tmp_path):
    """It reads no apt.conf of the machine, which may take expired lists."""
    for name, text in (('apt-config', """echo 'Acquire::Check-Date "0";'"""),
                       ('mmdebstrap', f'printf "%s\\n" "$@" >{tmp_path}/args')):
        (tmp_path / name).write_text(f'#!/bin/sh\n{text}\n')
        (tmp_path / name).chmod(0o755)
    (tmp_path / 'apt-sid/list.d').mkdir(parents=True)
    monkeypatch.setenv('PATH', f'{tmp_path}:/usr/bin:/bin')
    monkeypatch.setattr(debian_image, 'CACHE', tmp_path)
    debian_image.bootstrap('sid', ['one'], tmp_path / 'root.tar')
    assert '--aptopt=Acquire::Check-Date "0";' in \
        (tmp_path / 'args').read_text().splitlines()


def test_no_network(hvnet, monkeypatch, tmp_path):
    """An apt-get that reaches nobody: one line, exit code 1."""
    for name in ('apt-get', 'apt-cache'):
        (tmp_path / name).write_text(f"#!/bin/sh\ncat >&2 <<'E'\n{NO_NETWORK}E"
                                     '\nexit 100\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin')
    monkeypatch.setenv('HVNET_QEMU_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setenv('HVNET_QEMU', '/bin/true')
    r = hvnet('vm', '--debian', 'bookworm')
    assert r.returncode == 1 and r.stdout == ''
    lines = [x for x in r.stderr.splitlines()
             if not x.startswith('debian-image: ')]
    assert lines == ['hvnet vm: no network to get packages of bookworm: '
                     'Failed to fetch http://x/debian/dists/bookworm/InRelease'
                     '  Temporary failure']


def test_modules_of_another_kernel(tmp_path):
    image = tmp_path / 'bzImage'
    head = bytearray(0x1000)
    head[0x202:0x206] = b'HdrS'
    head[0x20e:0x210] = (0x400 - 0x200).to_bytes(2, 'little')
    head[0x400:0x410] = b'6.18.0-rc1 (me@x'
    image.write_bytes(head)
    assert debian_image.release(image) == '6.18.0-rc1'
    (tmp_path / 'lib/modules/6.17.0').mkdir(parents=True)
    with pytest.raises(debian_apt.UsageError,
                       match='has no lib/modules/6.18.0-rc1'):
        debian_image.own(image, tmp_path)

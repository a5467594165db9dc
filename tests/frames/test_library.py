# SPDX-License-Identifier: BSD-2-Clause
"""The library as it is installed: found by pkg-config, with which the installed
example is built and runs, shared and static."""
import os
import re
import shutil
import subprocess

import pytest

from test_examples import forward
from test_frames import BUILD, lab    # noqa: F401

pytestmark = pytest.mark.skipif(
    not (BUILD / 'linux/frames/libhvnet.so').exists() or
    'HVNET_SANITIZER' in os.environ, reason='nothing to install')


def output(*cmd, env=None):
    return subprocess.run(cmd, check=True, capture_output=True, text=True,
                          env={**os.environ, **(env or {})}).stdout


class Installed:
    def __init__(self, dest):
        self.dest = dest
        output('meson', 'install', '-C', BUILD, '--no-rebuild', '--tags',
               'devel,runtime', env={'DESTDIR': str(dest)})
        self.pc = next(dest.rglob('hvnet.pc'))
        self.lib = self.pc.parents[1]
        self.example = next(dest.rglob('examples/forward.c'))

    def flags(self, *which):
        return output('pkg-config', *which, 'hvnet', env={
            'PKG_CONFIG_PATH': str(self.pc.parent),
            'PKG_CONFIG_SYSROOT_DIR': str(self.dest),
            'PKG_CONFIG_ALLOW_SYSTEM_CFLAGS': '1',
            'PKG_CONFIG_ALLOW_SYSTEM_LIBS': '1'}).split()

    def build(self, out, how, source=None):
        libs = self.flags('--libs', *(['--static'] if how == 'static' else []))
        if how == 'static':
            libs = ['-l:libhvnet.a' if f == '-lhvnet' else f for f in libs]
        output('cc', '-Wall', '-Werror', '-o', out, source or self.example,
               *self.flags('--cflags'), *libs)
        return out


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp('root'))


@pytest.mark.parametrize('how', ['shared', 'static'])
def test_example(lab, installed, tmp_path, how):    # noqa: F811
    program = installed.build(tmp_path / 'forward', how)
    needs = output('readelf', '-d', program)
    assert ('libhvnet.so.0' in needs) == (how == 'shared')
    lab.env['LD_LIBRARY_PATH'] = str(installed.lib)
    forward(lab, program)


def test_each_function_has_a_page(installed):
    header = next(installed.dest.rglob('hvnet.h')).read_text()
    for name in re.findall(r'\b(hvnet_\w+)\([^()]*\);', header):
        assert list(installed.dest.rglob(f'man3/{name}.3')), name


# A program's own functions, some of the names that libhvnet has inside.
CLASH = r'''
#include <hvnet.h>
#include <stdio.h>
#include <string.h>

int ring_out_put(void) { return 1; }
int vsc_attach(void) { return 2; }
int clock_now_ns(void) { return 3; }

int main(void)
{
	struct hvnet_config c;
	char err[100], text[20];

	hvnet_config_default(&c);
	c.connect = "/nonexistent/socket";
	snprintf(text, sizeof(text), "%u.%u.%u", HVNET_VERSION >> 16,
	    HVNET_VERSION >> 8 & 255, HVNET_VERSION & 255);
	return hvnet_open(&c, err, sizeof(err)) != NULL ||
	    strstr(err, "No such file") == NULL ||
	    strcmp(hvnet_version(), text) != 0 ||
	    ring_out_put() + vsc_attach() + clock_now_ns() != 6;
}
'''


@pytest.mark.parametrize('how', ['shared', 'static'])
def test_names_are_the_programs(installed, tmp_path, how):
    """What the library has inside takes no name away; and its version."""
    source = tmp_path / 'clash.c'
    source.write_text(CLASH)
    program = installed.build(tmp_path / 'clash', how, source)
    output(program, env={'LD_LIBRARY_PATH': str(installed.lib)})


@pytest.mark.skipif(not shutil.which('c++'), reason='no C++ compiler')
def test_header_is_c_plus_plus(installed, tmp_path):
    source = tmp_path / 'plus.cc'
    source.write_text('#include <hvnet.h>\n'
                      'int main() { return *hvnet_version() == 0; }\n')
    program = tmp_path / 'plus'
    output('c++', '-Wall', '-Werror', '-o', program, source,
           *installed.flags('--cflags', '--libs'))
    output(program, env={'LD_LIBRARY_PATH': str(installed.lib)})

# SPDX-License-Identifier: BSD-2-Clause
"""docs/operate.md, typed: its blocks marked `sh`, in order, in one shell."""
import os
import pathlib
import re
import subprocess
import tempfile

import pytest

from conftest import missing
from lab import HVNET

TOP = pathlib.Path(__file__).resolve().parents[2]

# Namespaces, mounts and /run of its own; what was started ends with it.
SHELL = """
mount -t tmpfs tmpfs /run
mkdir -p /run/netns
ip link set lo up
cd "$1"
set -e
. "$1/commands"
"""


def test_the_commands_of_operate():
    why = missing()
    if why:
        pytest.skip(why)
    text = (TOP / 'docs/operate.md').read_text()
    blocks = re.findall(r'^```sh\n(.*?)^```$', text, re.M | re.S)
    assert len(blocks) == 5
    with tempfile.TemporaryDirectory(prefix='hvnet-operate-') as d:
        os.symlink(HVNET, f'{d}/hvnet')
        with open(f'{d}/commands', 'w') as f:
            f.write('\n'.join(blocks))
        env = {k: v for k, v in os.environ.items() if k != 'HVNET_RUN'}
        env['PATH'] = f'{d}:{env["PATH"]}'
        with open(f'{d}/log', 'w') as log:
            r = subprocess.run(
                ['timeout', '-k', '5', '240', 'unshare', '--net', '--mount',
                 '--pid', '--fork', '--mount-proc', '--kill-child', 'bash',
                 '-xc', SHELL, 'bash', d], env=env, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        said = pathlib.Path(f'{d}/log').read_text(errors='replace')
    assert r.returncode == 0, said[-8000:]

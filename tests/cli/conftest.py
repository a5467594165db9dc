# SPDX-License-Identifier: BSD-2-Clause
"""The hvnet program, run where no other hvnet process is seen."""
import os
import pathlib
import signal
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
HVNET = os.environ.get('HVNET', str(TOP / 'build/cli/hvnet'))


@pytest.fixture
def hvnet(tmp_path):
    """Run hvnet where no other hvnet process is seen."""
    def run(*args, start=False, wrap=(), stdout=subprocess.PIPE, **kw):
        env = {**os.environ, 'HVNET_RUN': str(tmp_path / 'run')}
        if start:
            # Not as under nohup, where SIGHUP is ignored on purpose.
            return subprocess.Popen(
                [*wrap, HVNET, *args], env=env, text=True, stdout=stdout,
                stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(
                    signal.SIGHUP, signal.SIG_DFL))
        return subprocess.run([HVNET, *args], env=env, text=True, timeout=20,
                              encoding='utf-8', stdout=stdout,
                              stderr=subprocess.PIPE, **kw)
    return run

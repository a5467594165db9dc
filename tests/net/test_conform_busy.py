# SPDX-License-Identifier: BSD-2-Clause
"""`hvnet conform` on a busy machine: two loops beside it change no verdict."""
import re
import subprocess

import pytest

from conftest import full
from test_conform import FEW, conform, guest

# What a slow machine might change: these wait, hold back, flood or time out.
SLOW = ['bus/answers_late', 'life/loaded_reoffer', 'nvsp/answers_late',
        'ring/early_data', 'ring/full_tx', 'rndis/link_flaps', 'rx/flood',
        'rx/loss', 'tx/fragments']


@full
@pytest.mark.parametrize('loops', [0, 2])
def test_same_card(lab, loops):
    busy = [subprocess.Popen(['sh', '-c', 'while :; do :; done'])
            for _ in range(loops)]
    try:
        got, r = conform(lab, FEW + SLOW, guest(lab))
    finally:
        for p in busy:
            p.kill()
            p.wait()
    assert {n: v['verdict'] for n, v in got.items()} == \
        dict.fromkeys(FEW + SLOW, 'pass'), r.stdout
    # How long it took is told: of each, and of all.
    assert len(re.findall(r'^pass  \S+ \(\d+\.\d s\)$', r.stdout, re.M)) == \
        len(FEW + SLOW)
    assert re.search(rf'^{len(FEW + SLOW)} pass; \d+ s$', r.stdout, re.M)

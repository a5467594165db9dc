#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Host memory beyond guest memory: per NIC, and per further channel; JSON.

Anonymous memory of `hvnet host` (RssAnon: guest memory is shared, so it is not
in it), with no guest, with one NIC of one channel, and with more channels,
after traffic has touched what traffic touches.
"""
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent /
                       'scripts'))
from lab import Lab     # noqa: E402


def anon_kb(pid):
    text = pathlib.Path(f'/proc/{pid}/status').read_text()
    return int(re.search(r'RssAnon:\s+(\d+)', text).group(1))


def measure(queues):
    with Lab() as lab:
        lab.hostp = lab.host()
        base = anon_kb(lab.hostp.pid)
    with Lab() as lab:
        lab.pair(queues=queues, vps=queues)
        for src, dst, to in (('g', 'h', '10.7.0.2'), ('h', 'g', '10.7.0.1')):
            lab.iperf(src, dst, to, 2, ['-P', '8'])
        return anon_kb(lab.hostp.pid) - base


one, eight = measure(1), measure(8)
print(json.dumps({
    'bench': 'memory', 'nic_kb': one, 'nic_8_channels_kb': eight,
    'per_extra_channel_kb': round((eight - one) / 7),
    'limit_nic_kb': 8192, 'limit_channel_kb': 1024}, indent=1))

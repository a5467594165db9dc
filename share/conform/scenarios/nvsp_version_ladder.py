# SPDX-License-Identifier: BSD-2-Clause
"""The host accepts NVSP 5 at most.

Holds: the guest steps down until the host agrees, and works.
Rule: docs/protocol.md section 4, INIT; Linux netvsc.c, negotiate_nvsp_ver.
Bug: OpenVMM #3908 (sizes by version).
"""


def story(s):
    s.host(args=['--max-nvsp', '5'])
    s.guest()
    s.works()
    s.must(s.device('nvsp') in ('5', '4', '2', '1'),
           'a version that both speak is in use')
    s.honest()

# SPDX-License-Identifier: BSD-2-Clause
"""The host tells of another send table while frames pass.

Holds: the guest uses only channels that it has, and works.
Rule: docs/protocol.md section 4, SEND_TABLE.
Bug: none known.
"""


def story(s):
    table = '86000000 10000000 0c000000' + ' 01000000' * 16
    s.host(f'NVSP RNDIS_DONE n=5: say {table}')
    s.guest()
    s.works(sizes=[56] * 50)
    s.happened(1)
    s.works()
    s.honest()

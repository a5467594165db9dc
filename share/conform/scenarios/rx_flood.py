# SPDX-License-Identifier: BSD-2-Clause
"""Thousands of frames come at once, each of which the guest has to give back.

Holds: the guest gives back every section of the receive buffer, and works.
Rule: docs/protocol.md section 4: neither end ever loses a completion.
Bug: github.com/microsoft/azure-linux-kernel#42 (completions were lost when
    the ring was full).
"""


def story(s):
    s.host()
    s.guest()
    s.works()
    for _ in range(5):
        s.flood(3000, 56)
        s.flood(1000, 1400)
    s.works()
    s.wait('all sections are back', lambda: s.device('rx_sections_free') ==
           s.device('rx_sections'))
    s.honest()

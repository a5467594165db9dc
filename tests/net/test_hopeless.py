# SPDX-License-Identifier: BSD-2-Clause
"""What can never attach is said once, with what would be right."""
import time

import pytest


def says_once(lab, guest, host, words):
    lab.wait(words, lambda: words in lab.log(guest), 15, [guest])
    time.sleep(2)
    text = lab.log(guest)
    assert len([x for x in text.splitlines() if 'hn0:' in x]) == 1, text
    assert 'E_' not in text and 'attached' not in text
    # The guest tries again, each time later; it was never up.
    assert 'attached' not in lab.log(host)
    assert lab.log(host).count('connected') <= 5, lab.log(host)


@pytest.mark.parametrize('spec,host_args,args,words', [
    ({'queues': 32}, [], ['--vps', '32', '--memory', '64M'],
     '32 channels take --memory 224M'),
    ({'section': 20000}, [], ['-o', 'rxbuf_kb=64'],
     "64 KiB (-o rxbuf_kb), and four of the NIC's sections must fit"),
    ({}, ['--max-vmbus', '5.0'], ['--min-vmbus', '6.0'],
     'the host accepts no version'),
], ids=['memory', 'sections', 'versions'])
def test_said_once(lab, spec, host_args, args, words):
    host = lab.host(lab.tap_spec(**spec), args=host_args)
    guest = lab.guest(args=args, up=False)
    says_once(lab, guest, host, words)


def test_the_memory_that_was_named_is_enough(lab):
    lab.host(lab.tap_spec(queues=32))
    lab.guest(vps=32, args=['--memory', '224M'])

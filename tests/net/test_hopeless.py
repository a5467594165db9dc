# SPDX-License-Identifier: BSD-2-Clause
"""What can never attach is reported once, with what would be right."""
import time

import pytest


def says_once(lab, guest, host, words, host_words):
    lab.wait(words, lambda: words in lab.log(guest), 15, [guest])
    time.sleep(2)
    text = lab.log(guest)
    assert len([x for x in text.splitlines() if 'hn0:' in x]) == 1, text
    assert 'E_' not in text and 'attached' not in text
    # The guest tries again, each time later; the host has two lines of it.
    lab.wait('tries', lambda: lab.stat('hvhost0')[0]['guests_served'] > 2)
    lines = lab.log(host).split('listening', 1)[1].splitlines()[1:]
    assert len(lines) == 2 and host_words in lines[1], lines
    assert 'connected' in lines[0] and 'did not come up' in lines[1], lines


@pytest.mark.parametrize('spec,host_args,args,words,host_words', [
    ({'queues': 32}, [], ['--vps', '32', '--memory', '64M'],
     '32 channels take --memory 224M', 'its --memory'),
    ({'section': 20000}, [], ['-o', 'rxbuf_kb=64'],
     "64 KiB (-o rxbuf_kb), and four of the NIC's sections must fit",
     "four of the NIC's sections"),
    ({}, ['--max-vmbus', '5.0'], ['--min-vmbus', '6.0'],
     'the host accepts no version', 'no version of VMBus'),
], ids=['memory', 'sections', 'versions'])
def test_said_once(lab, spec, host_args, args, words, host_words):
    host = lab.host(lab.tap_spec(**spec), args=host_args)
    guest = lab.guest(args=args, up=False)
    says_once(lab, guest, host, words, host_words)


def test_the_memory_that_was_named_is_enough(lab):
    lab.host(lab.tap_spec(queues=32))
    lab.guest(vps=32, args=['--memory', '224M'])

# SPDX-License-Identifier: BSD-2-Clause
"""Captures, transcripts and replays: full disks, two writers, broken files."""
import os
import resource
import signal
import struct
import subprocess

import pytest

from lab import total

HOST = '10.7.0.2'
HEAD = struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)


def record(frame, length=None):
    return struct.pack('<IIII', 1, 0, len(frame), length or len(frame)) + frame


def frame(n, size=60):
    return (b'\xff' * 6 + bytes.fromhex('020000000002') + b'\x88\xb5' +
            f'frame {n}'.encode()).ljust(size, b'\0')[:size]


def whole_records(path):
    """How many frames a file of ours has, every one of them whole."""
    data = path.read_bytes() if hasattr(path, 'read_bytes') else \
        open(path, 'rb').read()
    assert data[:4] == HEAD[:4]
    at, n = 24, 0
    while at < len(data):
        caplen, = struct.unpack('<I', data[at + 8:at + 12])
        at += 16 + caplen
        n += 1
    assert at == len(data), 'cut inside a record'
    return n


def host_of(lab):
    return [s for s in lab.stat() if s['kind'] == 'host']


def replay(lab, data, frames):
    """Replay a file of these bytes; the host's counters at the end."""
    path = f'{lab.dir}/in.pcap'
    with open(path, 'wb') as f:
        f.write(data)
    lab.hostp = lab.host(f'backend=pcap,name=cap0,replay={path}')
    lab.guest()
    lab.wait('the end of the file', lambda: f'replay={path}' in lab.log(
        lab.hostp), 10)
    lab.wait('its frames', lambda: total(host_of(lab), 'read') == frames, 5)
    line, = [r for r in lab.log(lab.hostp).splitlines() if path in r]
    return line.partition('replay=')[2].removeprefix(path + ' '), host_of(lab)


def test_the_end_of_a_replay(lab):
    said, host = replay(lab, HEAD + b''.join(
        record(frame(n)) for n in range(20)), 20)
    assert said == 'ended after 20 frames'
    assert total(host, 'frames') >= 20
    assert total(host, 'replay_broken') == 0


def test_replay_of_frames_that_are_not_whole(lab):
    """Snapped ones are not sent; nor those that have no Ethernet header."""
    said, host = replay(lab, HEAD + record(frame(0)) +
                        record(frame(1), 1500) + record(frame(2)) +
                        record(frame(3, 13)) + record(frame(4, 1515)), 4)
    assert said == 'ended after 4 frames and 1 that are not whole, dropped'
    assert total(host, 'replay_snapped') == 1
    assert total(host, 'drop_short') == 1
    assert total(host, 'drop_long') == 1


@pytest.mark.parametrize('cut', [8, 40])
def test_replay_cut_inside_a_record(lab, cut):
    said, host = replay(lab, HEAD + record(frame(0)) + record(frame(1))[:cut],
                        1)
    assert said.startswith('is broken after 1 frames: truncated')
    assert total(host, 'replay_broken') == 1


@pytest.fixture
def small_disk(lab):
    """A folder with room for 16 KiB."""
    path = f'{lab.dir}/disk'
    os.mkdir(path)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', path],
                   check=True)
    yield path
    subprocess.run(['umount', '-l', path], check=True)


def busy(lab):
    """Frames of the guest until the file must have overflowed."""
    lab.run('g', 'ip addr add 10.7.0.1/24 dev hn0')
    lab.run('g', f'ip neigh add {HOST} lladdr 02:00:00:00:00:02 dev hn0')
    lab.run('g', f'ping -c 40 -i 0.01 -s 1000 -W1 {HOST}', check=False)


@pytest.mark.parametrize('limit', ['disk', 'ulimit'])
def test_capture_on_a_full_disk(lab, small_disk, limit):
    """One sentence, whole records, a count; traffic goes on; exit code 1."""
    path = f'{small_disk if limit == "disk" else lab.dir}/out.pcap'
    lab.hostp = lab.host(f'backend=pcap,name=cap0,file={path}')
    lab.guest()
    if limit == 'ulimit':
        resource.prlimit(lab.hostp.pid, resource.RLIMIT_FSIZE,
                         (16384, 16384))
    busy(lab)
    lab.wait('lost frames', lambda: total(host_of(lab), 'file_lost') > 20, 10)
    host = host_of(lab)
    assert total(host, 'written') >= 40
    assert lab.end(lab.hostp) == 1
    lines = [r for r in lab.log(lab.hostp).splitlines() if path in r]
    why = 'No space left on device' if limit == 'disk' else 'File too large'
    assert lines == [f'hvnet: {path}: {why}; nothing more is written to it']
    n = whole_records(path)
    assert n > 5
    assert n + total(host, 'file_lost') == total(host, 'written')


def test_transcript_on_a_full_disk(lab, small_disk):
    path = f'{small_disk}/out.txt'
    with open(f'{small_disk}/other', 'wb') as f:
        f.write(bytes(12288))
    lab.hostp = lab.host('backend=null,name=n0', args=['--transcript', path])
    lab.guest()
    assert lab.end(lab.hostp) == 1
    lines = [r for r in lab.log(lab.hostp).splitlines() if path in r]
    assert lines == [f'hvnet: {path}: No space left on device; nothing more '
                     'is written to it']
    text = open(path).read()
    assert text.endswith('\n') and text.count('\n') > 5


def test_one_writer_a_file(lab):
    """Neither another process nor another NIC may write or replay it."""
    path = f'{lab.dir}/out.pcap'
    lab.hostp = lab.host(f'backend=pcap,name=cap0,file={path}')
    lab.guest()
    busy(lab)
    lab.wait('frames', lambda: whole_records(path) > 20, 10)
    for key, what in (('file', 'somebody else writes or replays it'),
                      ('replay', 'somebody else writes it')):
        nic = f'backend=pcap,name=cap1,{key}={path}'
        r = lab.set('--add', nic, check=False)
        assert r.returncode == 4 and f'{key}={path}: {what}' in r.stderr
        r = lab.run(None, [lab.hvnet, 'host', '--listen', f'{lab.dir}/b',
                           '--nic', nic], check=False)
        assert r.returncode == 1 and f'{key}={path}: {what}' in r.stderr
    # What is replayed is not emptied by being written.
    before = open(path, 'rb').read()
    assert lab.end(lab.hostp) == 0
    r = lab.run(None, [lab.hvnet, 'host', '--listen', f'{lab.dir}/b', '--nic',
                       f'backend=pcap,name=c,file={path},replay={path}'],
                check=False)
    assert r.returncode == 1 and 'writes or replays it' in r.stderr
    assert open(path, 'rb').read()[:len(before)] == before
    # /dev/null is everybody's.
    lab.hostp = lab.host('backend=pcap,name=c,file=/dev/null',
                         'backend=pcap,name=d,file=/dev/null')


@pytest.mark.parametrize('sig', [signal.SIGHUP, signal.SIGUSR2],
                         ids=lambda s: s.name)
def test_signals_end_cleanly(lab, sig):
    """Both ends detach and leave nothing, as on SIGTERM."""
    lab.pair()
    assert lab.end(lab.guestp, sig) == 0
    lab.wait('the host to know', lambda: 'detached' in lab.log(lab.hostp), 5)
    assert lab.end(lab.hostp, sig) == 0
    assert not os.path.exists(lab.sock)
    assert os.listdir(f'{lab.dir}/run') == []

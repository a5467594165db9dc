# SPDX-License-Identifier: BSD-2-Clause
"""`hvnet conform` asks a guest to do something: by a command, at the terminal
of the guest's own command, and at a console that is a socket."""
import os
import pty
import shlex
import socket
import subprocess
import threading


from conftest import full
from lab import HVNET
from test_conform import conform, guest

ASKED = 'rndis/guest_promiscuous'


def verdict(lab, command, *args):
    got, r = conform(lab, [ASKED], command, args=args)
    return got[ASKED], r


def test_by_a_command(lab):
    command = guest(lab)
    v, r = verdict(lab, command, '--guest-run',
                   f'ip netns exec {lab.netns("g")} sh -c')
    assert v['verdict'] == 'pass', r.stdout
    assert any('promisc on' in step for step in v['steps'])
    v, r = verdict(lab, command)
    assert v['verdict'] == 'not applicable' and r.returncode == 0
    assert '--guest-run' in v['why'] and '--guest-console' in v['why']
    v, r = verdict(lab, command, '--guest-run', 'false')
    assert v['verdict'] == 'not applicable' and 'exit code 1' in v['why']


def shell_of(lab):
    """A login prompt, and a shell that edits its lines after it."""
    return (f'ip netns exec {lab.netns("g")} sh -c '
            "'printf \"vm login: \"; read who; echo \"Hi $who\"; "
            "exec bash --norc -i'")


def test_at_its_own_terminal(lab):
    both = f'{shlex.join(guest(lab))} >{lab.dir}/guest.txt 2>&1 & ' \
        f'trap "kill $!" EXIT; {shell_of(lab)}'
    v, r = verdict(lab, ['sh', '-c', both], '--guest-console', '-')
    assert v['verdict'] == 'pass', r.stdout


@full
def test_at_a_socket(lab):
    path = f'{lab.dir}/console.sock'
    ours, theirs = pty.openpty()
    p = subprocess.Popen(['sh', '-c', shell_of(lab)], stdin=theirs,
                         stdout=theirs, stderr=theirs)
    os.close(theirs)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen(1)

    def both_ways():
        s = server.accept()[0]

        def back():
            try:
                while data := os.read(ours, 4096):
                    s.sendall(data)
            except OSError:
                pass
        threading.Thread(target=back, daemon=True).start()
        while data := s.recv(4096):
            os.write(ours, data)
    threading.Thread(target=both_ways, daemon=True).start()
    try:
        v, r = verdict(lab, guest(lab), '--guest-console', path)
        assert v['verdict'] == 'pass', r.stdout
    finally:
        p.kill()
        p.wait()
        server.close()


@full
def test_what_goes_wrong(lab):
    """A console without a shell is an error of the suite, in a sentence."""
    path = f'{lab.dir}/console.sock'
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(path)
        server.listen(1)
        got, r = conform(lab, [ASKED], guest(lab), 6,
                         ['--guest-console', path])
    assert got[ASKED]['verdict'] == 'error' and r.returncode == 1
    assert 'no root shell within 6 s' in got[ASKED]['why']


@full
def test_one_that_ends_comes_again(lab):
    """With --restart, unless a signal ended it."""
    one = 'nvsp/version_ladder'

    def run(first, *args):
        runs = f'{lab.dir}/runs'
        shell = (f'echo >>{runs}; [ $(wc -l <{runs}) -gt 1 ] || {first}; '
                 f'exec {shlex.join(guest(lab))}')
        got, _ = conform(lab, [one], ['sh', '-c', shell], args=args)
        os.unlink(runs)
        return got[one]
    v = run('exit 5', '--restart')
    assert v['verdict'] == 'pass'
    assert 'the guest ended with exit code 5' in v['steps']
    for v in (run('exit 5'), run('exit 139', '--restart'),
              run('kill -SEGV $$', '--restart')):
        assert v['verdict'] == 'fail' and 'the guest ended' in v['why']


@full
def test_one_that_never_comes(lab):
    """No verdict on the driver."""
    got, r = conform(lab, [ASKED], ['sh', '-c', 'sleep 9; : {socket}'], 2)
    assert got[ASKED]['verdict'] == 'error' and r.returncode == 1
    assert 'the guest never came' in got[ASKED]['why']

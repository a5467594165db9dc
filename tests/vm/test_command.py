# SPDX-License-Identifier: BSD-2-Clause
"""hvnet vm: the command that runs a machine."""
import os
import shlex
import signal

import kernels
import kit
from linux_guest import soon


def boot(lab, *args):
    return lab.start(None, [lab.hvnet, 'vm', '--debian', '--connect', lab.sock,
                            *args], 'vm')


def test_runs_attaches_and_ends(lab):
    lab.host(lab.tap_spec())
    p = boot(lab, '--vps', '2', '--memory', '512M', '--name', 'by-command',
             '--', '-no-reboot')
    lab.wait('opened', lambda: 'channel' in
             lab.stat()[0]['nics'][0]['queues'][0], 60, [p])
    guest = lab.stat()[0]['nics'][0]['guest']
    assert (guest['name'], guest['vps']) == ('by-command', 2)
    assert 'Run /init' in lab.log(p)        # the console is our output
    assert lab.end(p) == 0
    soon('gone', lambda: lab.stat()[0]['guests'] == 0)


def test_killed_command_takes_qemu_along(lab):
    lab.host(lab.tap_spec())
    p = boot(lab)
    lab.wait('guest', lambda: lab.stat()[0]['guests'] == 1, 20, [p])
    os.kill(p.pid, signal.SIGKILL)
    p.wait()
    lab.procs.remove(p)
    soon('gone', lambda: lab.stat()[0]['guests'] == 0)


def test_says_what_is_wrong(lab):
    p = boot(lab, '--wait', '0')
    assert p.wait(20) == 1
    lab.procs.remove(p)
    assert f'no host at {lab.sock}: start' in lab.log(p)
    r = lab.run(None, [lab.hvnet, 'vm', '--connect', lab.sock], check=False)
    assert r.returncode == 2
    assert '--debian, --kernel FILE or --image FILE is required' in r.stderr


def test_prints_a_command_line_that_a_shell_takes(lab):
    image = kernels.packaged().image
    r = lab.run(None, [
        lab.hvnet, 'vm', '--connect', '/tmp/a,b', '--qemu', kit.qemu(),
        '--image', image, '--snapshot', '--vps', '3', '--memory', '2G',
        '--print', '--', '-name', "it's"])
    args = shlex.split(r.stdout)
    assert args[0] == str(kit.qemu())
    assert 'hvnet,path=/tmp/a,,b,name=vm,nics=0' in args
    assert f'if=virtio,file={image},snapshot=on' in args
    assert ('memory-backend-memfd,id=ram,size=2048M,share=on,seal=on'
            in args)
    assert 'pc,graphics=off,memory-backend=ram' in args
    assert args[args.index('-smp') + 1] == '3'
    assert args[-2:] == ['-name', "it's"]

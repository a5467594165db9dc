# SPDX-License-Identifier: BSD-2-Clause
"""Stories of share/conform in one process, under virtual time: their words are
those of story.py, their host and guest a conform-world (world.h).

A story with a word that a world does not have (another command of hvnet, a
setting) cannot be told here: Elsewhere.
"""
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import types

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / 'share/conform'))
import conform                                          # noqa: E402
import story                                            # noqa: E402

# Virtual time costs little, but not nothing.
PATIENCE = 30
# Less than with real processes: each byte is looked at, and time is virtual.
STREAM_BYTES = 1 << 20
# What stories type, and what a world's guest does for it (world_shell.c).
SHELL = [
    (r'ip link set \$IF mtu (\d+)', r'renew mtu=\1'),
    (r'ip link set \$IF down; ip link set \$IF up', 'down-and-up'),
    (r'ip link set \$IF promisc (on|off)', r'promisc \1'),
    (r'ip link add link \$IF name \w+ type vlan .*', 'nothing'),
    (r'ethtool -L \$IF combined (\d+)', r'renew queues=\1'),
    (r'ethtool -G \$IF rx (\d+) tx (\d+)', r'renew rx=\1 tx=\2'),
    (r'ethtool -X \$IF hkey .*', 'key'),
    (r'ethtool -x \$IF', 'nothing'),
    (r'.* unbind && .* bind', 'renew'),
    (r'.* modprobe -r hv_netvsc && modprobe hv_netvsc', 'renew'),
]
# A world that a bug sends in circles is given up.
WORLD_CPU_S = 20


class Elsewhere(Exception):
    """Only real processes can tell this story."""


class World:
    """A conform-world, and what it answers."""

    def __init__(self, exe, bug, transcript):
        env = {**os.environ, 'HVNET_BUG': bug or ''}
        self.p = subprocess.Popen(
            ['prlimit', f'--cpu={WORLD_CPU_S}', '--core=0', exe, transcript],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=env)

    def tell(self, *words):
        try:
            self.p.stdin.write(' '.join(str(w) for w in words) + '\n')
            self.p.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.p.stdout.readline()
        if not line:
            raise story.Failed(f'{words[0]}: the guest broke the whole world: '
                               f'exit code {self.p.wait()}')
        answer = json.loads(line)
        if 'stuck' in answer:
            raise story.Failed(answer['stuck'])
        if 'error' in answer:
            raise Elsewhere(answer['error'])
        return answer

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.p.stdin.close()
        self.p.stdout.close()
        self.p.wait()


class Probe:
    """As share/conform/probe.py."""
    def __init__(self, world):
        self.world = world
        self.stray = 0

    def __getattr__(self, name):
        raise Elsewhere(f'the guest has no {name}')

    def close(self):
        pass

    def refused(self, kind, seconds):
        protocol = {socket.SOCK_STREAM: 6, socket.SOCK_DGRAM: 17}[kind]
        answer = self.world.tell('knock', protocol, int(seconds * 1e9))
        return answer['refused']

    @property
    def wrong(self):
        return self.world.tell('lost', 0)['wrong']

    def echo(self, size, wrong=0):
        # What a world takes for a packet with a right or wrong checksum.
        return b'csum' + bytes([wrong != 0]) + bytes(size + 40)

    def frames(self, *frames):
        for to, rest in frames:
            self.world.tell('frame', (to + bytes(6) + rest).hex())

    def find(self):
        return not self.lost([56], 0.5)

    def is_stack(self):
        return True

    def lost(self, sizes, seconds=10, window=None):
        answer = self.world.tell('lost', int(seconds * 1e9), *sizes)
        self.stray = answer['stray']
        return answer['lost']


class Story(story.Story):
    """A story whose host and guest are a world."""

    def __init__(self, exe, bug):
        super().__init__(types.SimpleNamespace(
            listen=None, patience=PATIENCE, command=None, hvnet='hvnet',
            guest_run=None, guest_console=None, restart=False))
        self.exe, self.bug = exe, bug
        self.world = None

    def start(self, name, cmd):
        raise Elsewhere(f'a process: {name}')

    def close(self):
        if self.world:
            self.world.close()

    def host(self, bend='', args=(), **nic):
        self.steps.append('a host is there')
        words = iter(args)
        options = [f'{o[2:]}={next(words) if o != "--monitor" else "on"}'
                   for o in words]
        self.world = World(self.exe, self.bug, f'{self.dir}/transcript.txt')
        self.world.tell('host', *options, *self.spec(bend, nic).split(','))
        self.probe = Probe(self.world)

    def ask(self, shell, may_fail=False):
        self.steps.append(f'the guest is asked: {shell}')
        for pattern, words in SHELL:
            if m := re.fullmatch(pattern, shell):
                self.world.tell('ask', m.expand(words))
                return ''
        raise Elsewhere(f'a shell of the guest: {shell}')

    @contextlib.contextmanager
    def by_vlan(self, vid):
        self.world.tell('vlan', vid)
        try:
            yield
        finally:
            self.world.tell('vlan', 0)

    def stream(self, to_guest, megabytes):
        answer = self.world.tell('stream', int(to_guest), STREAM_BYTES)
        self.must(answer['whole'], 'the stream arrived unchanged')

    def forget(self):
        pass            # the probe is no socket of an interface

    def hvnet(self, *args):
        if args[:2] == ('stat', '--json'):
            return json.dumps({'processes': [self.world.tell('stat')]})
        if args[:3] == ('set', '--remove', 'n0'):
            return self.world.tell('remove')
        if args[:2] == ('set', '--add'):
            return self.world.tell('add', *args[2].split(','))
        if args[:2] == ('set', 'n0'):
            return self.world.tell('set', *args[2:])
        raise Elsewhere(f'hvnet {" ".join(args)}')

    def guest(self):
        self.steps.append('a guest comes')
        self.world.tell('guest')

    def wait(self, what, question, error=story.Failed):
        waited, step = 0, 10_000_000
        while not question():
            if waited > PATIENCE * 10**9:
                raise error(f'{what}: not within {PATIENCE} s')
            self.world.tell('run', step)
            waited += step
            step = min(step * 2, 10**9)
        self.steps.append(what)


def play(scenario, exe, bug=None):
    """(verdict, why) of a scenario with a bug; 'elsewhere' where it cannot be
    told in a world."""
    s = Story(exe, bug)
    try:
        scenario.module.story(s)
        return 'pass', ''
    except story.Failed as e:
        return 'fail', str(e)
    except story.NotApplicable as e:
        return 'not applicable', str(e)
    except Elsewhere as e:
        return 'elsewhere', str(e)
    finally:
        s.close()
        s.remove()


def scenarios():
    return {f'{s.group}/{s.name}': s for s in conform.scenarios([], [])}

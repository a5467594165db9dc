# SPDX-License-Identifier: BSD-2-Clause
"""How the guest is asked to do something: by a command, or at its console.

A command (--guest-run) gets what the guest's shell shall do as its last
argument, as ssh does.  A console (--guest-console) is a serial line with a root
shell: a socket, a terminal, or "-", the terminal of the guest's own command.
"""
import os
import pathlib
import pty
import re
import select
import shlex
import socket
import stat
import subprocess
import termios
import threading
import time
import tty


class Late(Exception):
    """No answer within the bound."""


class ByCommand:
    def __init__(self, words, patience):
        self.words = shlex.split(words)
        self.patience = patience

    def run(self, shell):
        """Exit code and output, standard error included."""
        try:
            r = subprocess.run([*self.words, shell], text=True, check=False,
                               stdin=subprocess.DEVNULL, errors='replace',
                               stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT,
                               timeout=self.patience)
        except subprocess.TimeoutExpired:
            raise Late(f'{shlex.join(self.words)}: no end within '
                       f'{self.patience} s') from None
        return r.returncode, r.stdout

    def close(self):
        pass


def terminal():
    """Our end of a new terminal, and the one for a program."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs, termios.TCSANOW)
    return ours, theirs


def opened(path):
    """A console: a Unix socket, or a device such as /dev/ttyUSB0."""
    if stat.S_ISSOCK(os.stat(path).st_mode):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.connect(path)
        return s.detach()
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    if os.isatty(fd):
        tty.setraw(fd, termios.TCSANOW)
    return fd


class ByConsole:
    """fd is ours from now on; all that the console says is added to log."""

    def __init__(self, fd, patience, log):
        self.fd = fd
        self.patience = patience
        self.log = log
        self.number = 0
        self.seen = ''
        self.ended = False
        self.news = threading.Condition()
        # A console that nobody reads stops a machine.
        threading.Thread(target=self.read, daemon=True).start()

    def close(self):
        self.ended = True

    def read(self):
        with open(self.log, 'ab', buffering=0) as log:
            while not self.ended:
                if not select.select([self.fd], [], [], 0.2)[0]:
                    continue
                try:
                    data = os.read(self.fd, 65536)
                except OSError:         # a terminal that nobody has open
                    data = b''
                if not data:
                    break
                log.write(data)
                with self.news:
                    self.seen += data.decode(errors='replace')
                    self.news.notify()
        os.close(self.fd)
        with self.news:
            self.ended = True
            self.news.notify()

    def answer(self, seconds):
        """Exit code and output of the last command; None: not yet."""
        pattern = re.compile(rf'hvnet-{self.number}-(\d+)\r*\n')
        with self.news:
            self.news.wait_for(lambda: self.ended or
                               pattern.search(self.seen), seconds)
            m = pattern.search(self.seen)
            if not m:
                return None
            before, self.seen = self.seen[:m.start()], self.seen[m.end():]
        return int(m[1]), before.replace('\r', '')

    def type(self, text):
        data = text.encode()
        while data:
            data = data[os.write(self.fd, data[:64]):]

    def ask(self, shell):
        # What is typed may be echoed, and must not look like the answer.
        self.number += 1
        self.type(f"{shell}\nprintf 'hvnet-%d-%d\\n' {self.number} $?\n")

    def shell(self):
        """Wait until a shell answers."""
        end = time.monotonic() + self.patience
        while time.monotonic() < end and not self.ended:
            if self.seen.rstrip(' ').endswith('login:'):
                self.type('root\n')
            self.ask('stty -echo')
            if self.answer(2):
                # One that edits no lines and prints no prompts.
                self.ask('export PS1= PS2=; exec sh')
                if self.answer(self.patience):
                    return
        raise Late(f'the console has no root shell within {self.patience} s')

    def run(self, shell):
        if self.number == 0:
            self.shell()
        self.ask(f'( {shell} ) 2>&1')
        got = self.answer(self.patience)
        if got is None:
            raise Late(f'the console gives no answer within {self.patience} s')
        return got


def check(path):
    """What is wrong with a console of this name, or None."""
    if path == '-' or pathlib.Path(path).parent.is_dir():
        return None
    return f"{path}: its folder does not exist"

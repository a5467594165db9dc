# SPDX-License-Identifier: BSD-2-Clause
"""A stand-in for a QEMU whose machine has a serial console as FreeBSD's.

Run as QEMU is, with `socket,id=console,fd=N` among the arguments.  The real
sh plays root's shell, on a real terminal; its PATH is one folder, with a
`shutdown` that only ends this.  KIND is login, password, silent, single or
ends.
"""
import os
import pty
import re
import select
import signal
import sys

FOLDER, KIND = sys.argv[1:3]


def read_line():
    return sys.stdin.readline().strip()


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def guest():
    """What the machine prints and asks."""
    say('Booting from Hard Disk...\n<<BOOT>> 50%\nhn0: link up\n')
    if KIND == 'silent':
        signal.pause()
    if KIND == 'ends':
        sys.exit('panic: no root')
    if KIND == 'single':
        say('Enter full pathname of shell or RETURN for /bin/sh: ')
        assert read_line() == ''
    while KIND in ('login', 'password'):
        say('\nFreeBSD/amd64 (freebsd) (ttyu0)\n\nlogin: ')
        name = read_line()
        if KIND == 'password':
            say('Password:')
            read_line()
            say('\nLogin incorrect\n')
        elif name == 'root':
            break
    say('Welcome to FreeBSD!\nroot@freebsd:~ # ')
    if KIND == 'single':    # a slow machine's shell loses what is typed first
        read_line()
        say('root@freebsd:~ # ')
    while not re.match(r'exec env -i .* /bin/sh \+i$', read_line()):
        say('root@freebsd:~ # ')
    os.execve('/bin/sh', ['sh', '+i'], {'PATH': FOLDER, 'HOME': FOLDER})


def main():
    fd = next(int(m[1]) for a in sys.argv
              if (m := re.match(r'socket,id=console,fd=(\d+)', a)))
    log = next(m[1] for a in sys.argv if (m := re.search('logfile=(.*)', a)))
    pid, terminal = pty.fork()
    if pid == 0:
        guest()
    with open(log, 'wb') as console:
        while True:
            for f in select.select([fd, terminal], [], [])[0]:
                try:
                    data = os.read(f, 65536)
                except OSError:
                    data = b''
                if not data:
                    return
                if f == terminal:
                    console.write(data)
                    console.flush()
                os.write(fd if f == terminal else terminal, data)


main()

# SPDX-License-Identifier: BSD-2-Clause
"""DPDK's netvsc driver, unmodified, on our host: NIC life and transmit."""
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

import hugepages
from conftest import (EAL, PAPP, Far, Papp, backend_total, guid, host_faults,
                      pattern_ok, uio_cmd)

IOVA = {'va': ['--iova-mode=va'], 'pa': ['--iova-mode=pa'],
        'nohuge': ['--no-huge', '-m', '512']}


def null_host(lab, queues=8, args=()):
    return lab.host(f'backend=null,name=n0,queues={queues}', args=args)


@pytest.mark.parametrize('queues', [1, 2, 8])
def test_testpmd(lab, queues):
    """Stock testpmd, over failsafe: what it counts is at the host."""
    null_host(lab)
    argv = ['dpdk-testpmd', '--lcores=0@0,1@0', '--no-pci',
            '--iova-mode=va', '--vdev',
            f'net_failsafe0,dev(vmbus:{guid(lab, "n0")})', '--', '-i',
            '--forward-mode=txonly', '--total-num-mbufs=16384',
            f'--rxq={queues}', f'--txq={queues}', '--rss-udp']
    p = subprocess.Popen(uio_cmd(lab, argv), stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, env=lab.env)
    lab.procs.append(p)
    p.log = os.devnull
    p.stdin.write('start\n')
    p.stdin.flush()
    lab.wait('frames from testpmd',
             lambda: backend_total(lab, 'n0', 'written') > 10000, 30)
    out, _ = p.communicate('stop\nshow port stats 1\nquit\n', 60)
    lab.procs.remove(p)
    assert p.returncode == 0, out
    sent = int(re.findall(r'TX-packets: (\d+)', out)[-1])
    assert sent > 0
    # The driver counts at completion: the last messages are not in yet, each
    # of up to RNDIS_MAX_PACKETS frames (core/wire/rndis_msg.h).
    ahead = backend_total(lab, 'n0', 'written') - sent
    assert 0 <= ahead <= 512 * 64 * queues
    assert host_faults(lab, 'n0') == {}


@pytest.mark.parametrize('how', ['buffer', 'address'])
@pytest.mark.parametrize('iova', sorted(IOVA))
def test_transmit(lab, iova, how):
    """Small and large frames, content checked by a socket at the far end."""
    lab.host(lab.tap_spec('n0', queues=1))
    far = Far(lab)
    copy = 0 if how == 'address' else 2000
    p = Papp(lab, [*IOVA[iova], '-a',
                   f'vmbus:{guid(lab, "n0")},tx_copybreak={copy}'])
    assert p.do('info')['iova'] == ('pa' if iova == 'pa' else 'va')
    p.up()
    p.do(f'peer {far.mac()}')
    s = far.udp(9)
    for size in (64, 512, 1514):
        a = p.do(f'tx 500 {size}')
        assert (a['sent'], a['completed'], a['errors']) == (500, 500, 0)
        got = [s.recv(4096) for _ in range(500)]
        assert [int.from_bytes(g[:4], 'little') for g in got] == list(
            range(a['first_seq'], a['first_seq'] + 500))
        assert all(len(g) == size - 42 and pattern_ok(g) for g in got)
    q = next(n for x in lab.stat('n0') if x['kind'] == 'host'
             for n in x['nics'])['queues'][0]['from_guest']
    assert q['by_gpa' if how == 'address' else 'by_section'] >= 1500
    assert p.quit() == 0
    assert host_faults(lab, 'n0') == {}


@pytest.mark.parametrize('nvsp', ['6.1', '5', '4'])
def test_nvsp_versions(lab, nvsp):
    """The driver falls back; below 5 it has one queue."""
    null_host(lab, args=['--max-nvsp', nvsp])
    p = Papp(lab)
    queues = 1 if nvsp == '4' else 2
    assert (p.do('info')['max_queues'] == 1) == (nvsp == '4')
    p.up(queues)
    assert p.do('tx 2000 64')['completed'] == 2000
    assert p.quit() == 0
    assert backend_total(lab, 'n0', 'written') == 2000


def test_reconfigure(lab):
    """Stop, configure again, start: the sub-channels are found again."""
    null_host(lab)
    p = Papp(lab).up(2)
    for n in range(1, 4):
        assert p.do('tx 1000 64')['completed'] == 1000
        assert backend_total(lab, 'n0', 'written') == 1000 * n
        p.do('stop')
        p.up(2)
    assert p.quit() == 0


def test_reconfigure_fewer(lab):
    """Fewer queues than before, and as many again."""
    null_host(lab)
    p = Papp(lab)
    for n, queues in enumerate((4, 1, 2, 4), 1):
        p.up(queues)
        assert p.do('tx 1000 64')['completed'] == 1000
        assert backend_total(lab, 'n0', 'written') == 1000 * n
        p.do('stop')
    assert p.quit() == 0


def test_second_program(lab):
    """After an exit, after SIGKILL, and in one stand-in: the next starts."""
    host = null_host(lab)
    total = 0
    for end in ('exit', 'kill', 'kill', 'exit'):
        p = Papp(lab).up(2)
        assert p.do('tx 3000 1000')['completed'] == 3000
        total += 3000
        assert backend_total(lab, 'n0', 'written') == total
        if end == 'exit':
            assert p.quit() == 0
        else:
            assert p.kill() == 128 + 9
        lab.wait('the host lets go', lambda: next(
            x for x in lab.stat('n0') if x['kind'] == 'host')['guests'] in
            (0, []), 5, [host])
    assert re.search(r'HugePages_Free: +(\d+)', pathlib.Path(
        '/proc/meminfo').read_text()).group(1) == re.search(
            r'HugePages_Total: +(\d+)', pathlib.Path(
                '/proc/meminfo').read_text()).group(1)


def test_stand_in_killed(lab):
    """The program goes with it, the host lets go, the next one starts."""
    host = null_host(lab)
    p = Papp(lab).up(2)
    program = p.pid()
    p.p.kill()
    assert p.ended() == -9
    lab.wait('the program is gone', lambda: not os.path.exists(
        f'/proc/{program}/exe'), 5, [host])
    lab.wait('the host lets go', lambda: next(
        x for x in lab.stat('n0') if x['kind'] == 'host')['guests'] in
        (0, []), 5, [host])
    p = Papp(lab).up(2)
    assert p.do('tx 100 1000')['completed'] == 100
    assert p.quit() == 0


def test_programs_of_a_script(lab):
    """One stand-in, a script of three programs, one of them killed."""
    null_host(lab)
    papp = ' '.join([PAPP, *EAL, '--iova-mode=va'])
    work = 'printf "config 2\\nstart\\ntx 1000 1000\\n"'
    # The second gets no end of input, and is killed in the middle.
    script = (f'{work} | {papp}; '
              f'cd {lab.dir}; mkfifo f; {papp} < f > out & P=$!; '
              f'exec 3> f; {work} >&3; '
              'until grep completed out; do sleep 0.1; done; kill -9 $P; '
              f'exec 3>&-; wait; {work} | {papp}')
    r = subprocess.run(uio_cmd(lab, ['sh', '-c', script]), text=True,
                       capture_output=True, env=lab.env, timeout=300)
    assert r.returncode == 0, r.stdout + r.stderr
    assert r.stdout.count('"completed": 1000') == 3, r.stdout + r.stderr
    assert backend_total(lab, 'n0', 'written') == 3000


def test_second_program_refused(lab):
    """A NIC has one program at a time."""
    null_host(lab)
    papp = ' '.join([PAPP, *EAL, '--iova-mode=va', '-m', '64'])
    # The first has the NIC, and its input open, until the second has ended.
    r = subprocess.run(uio_cmd(lab, ['sh', '-c', (
        f'cd {lab.dir}; mkfifo f; {papp} --file-prefix=a < f > out & '
        'exec 3> f; echo config 1 >&3; '
        "until grep -c 'ok.*true' out | grep -q 2; do sleep 0.1; done; "
        f'echo info | {papp} --file-prefix=b 3>&-; exec 3>&-; wait')]),
        text=True, capture_output=True, env=lab.env, timeout=300)
    assert 'may not open the NIC' in r.stderr
    assert '"no port' in r.stdout


@pytest.mark.parametrize('args', [[], ['--pci']], ids=' '.join)
def test_pci_is_hidden(lab, args):
    """DPDK takes the NICs that it sees, so it sees none of the machine's."""
    null_host(lab)
    bus = pathlib.Path('/sys/bus/pci/devices')
    if not bus.is_dir() or not list(bus.iterdir()):
        pytest.skip('no PCI devices')
    r = subprocess.run(uio_cmd(lab, ['ls', str(bus)], args=args), text=True,
                       capture_output=True, env=lab.env, timeout=30)
    assert r.returncode == 0, r.stderr
    assert r.stdout.split() == (sorted(x.name for x in bus.iterdir())
                                if args else [])


def state_of(pid):
    """As in /proc/PID/stat: 'R', 'S', 'Z', ...; None when it is reaped."""
    try:
        stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return stat.rsplit(')', 1)[1].split()[0]


@pytest.mark.parametrize('end', ['program', 'stand-in'])
def test_reaped_last(lab, end):
    """The program is reaped when nothing else is left to do (its threads may
    still be on their way out): not as long as the host, which is stopped here,
    has not answered; and then it is."""
    host = null_host(lab)
    p = Papp(lab).up()
    assert p.do('tx 100 1000')['completed'] == 100
    pid = p.pid()
    assert state_of(pid) in 'RS'
    host.send_signal(signal.SIGSTOP)
    try:
        os.kill(pid if end == 'program' else p.p.pid, signal.SIGTERM)
        lab.wait('the program is over', lambda: state_of(pid) in ('Z', None),
                 5)
        for _ in range(10):
            time.sleep(0.02)
            assert (state_of(pid), p.p.poll()) == ('Z', None)
    finally:
        host.send_signal(signal.SIGCONT)
    assert p.ended() == 128 + signal.SIGTERM
    assert state_of(pid) is None


def test_child_signals_ignored(lab):
    """Started by who ignores SIGCHLD: the exit code is the program's."""
    null_host(lab)
    r = subprocess.run(uio_cmd(lab, ['sh', '-c', 'exit 3', '--no-huge']),
                       env=lab.env, capture_output=True, timeout=30,
                       preexec_fn=lambda: signal.signal(signal.SIGCHLD,
                                                        signal.SIG_IGN))
    assert r.returncode == 3, r.stderr


# --- wrong use: one clear sentence ---

def refused(lab, program, args=(), **kw):
    r = subprocess.run(uio_cmd(lab, program, args=args), text=True,
                       capture_output=True, env=lab.env, timeout=30, **kw)
    text = [x for x in r.stderr.splitlines() if x.startswith('hvnet uio:')]
    return r.returncode, text


def test_no_root(lab):
    null_host(lab)
    os.chmod(lab.dir, 0o755)
    code, text = refused(lab, ['true'], user=65534)
    assert code == 1 and len(text) == 1 and 'root' in text[0]


def test_no_huge_pages(lab):
    null_host(lab)
    with hugepages.none():
        code, text = refused(lab, ['true'])
    assert code == 1 and len(text) == 1 and 'huge page' in text[0]


def test_no_fanotify(lab):
    """Root without CAP_SYS_ADMIN, as in a container."""
    null_host(lab)
    r = subprocess.run(['setpriv', '--bounding-set=-sys_admin', *uio_cmd(
        lab, ['true'])], text=True, capture_output=True, env=lab.env,
        timeout=30)
    text = r.stderr.splitlines()
    assert r.returncode == 1 and len(text) == 1, text
    assert re.match('hvnet uio: fanotify: .*CAP_SYS_ADMIN', text[0]), text


def test_no_port(lab):
    null_host(lab)
    code, text = refused(lab, ['true'])
    assert code == 0 and len(text) == 1 and 'DPDK' in text[0]


def test_no_port_of_dpdk(lab):
    """A DPDK program that ends before it looked for ports: its own exit code
    and words, and our sentence."""
    null_host(lab)
    code, text = refused(lab, [PAPP, *EAL, '--iova-mode=sideways'])
    assert code == 2 and len(text) == 1, text
    assert 'ended without opening the NIC' in text[0]


def test_no_program(lab):
    null_host(lab)
    code, text = refused(lab, ['/nowhere/dpdk-x'])
    assert code == 1 and text == ['hvnet uio: /nowhere/dpdk-x: No such file '
                                  'or directory']


def test_no_host(lab):
    code, text = refused(lab, ['true'])
    assert code == 1 and len(text) == 1 and 'hvnet host' in text[0]


def test_no_nic(lab):
    null_host(lab)
    code, text = refused(lab, ['true'], ['--nic', 'other'])
    assert code == 4 and len(text) == 1 and "no NIC 'other'" in text[0]


def test_host_gone(lab):
    """The driver would spin for ever: the program is ended; that is logged."""
    host = null_host(lab)
    p = Papp(lab).up()
    lab.end(host, timeout=10)
    assert p.ended() == 5
    assert 'hvnet uio: the host' in p.text()


def test_nic_taken_under_traffic(lab):
    """The program is ended, that is logged; the next one gets the NIC."""
    spec = 'backend=generator,name=n0,queues=2'
    lab.host(spec)
    p = Papp(lab).up(2)
    p.tell('tx 100000000 64')
    lab.wait('frames both ways', lambda: min(
        backend_total(lab, 'n0', x) for x in ('written', 'read')) > 1000)
    lab.run(None, [lab.hvnet, 'set', 'n0', '--remove'])
    lab.run(None, [lab.hvnet, 'set', '--add', spec])
    assert p.ended() == 5
    assert 'hvnet uio: the host took the NIC back' in p.text()
    p = Papp(lab).up(2)
    a = p.do('tx 500 64')
    assert (a['sent'], a['completed'], a['errors']) == (500, 500, 0)
    host = [s for s in lab.stat() if s['kind'] == 'host'][0]
    assert host['nics_leaving'] == 0
    assert host_faults(lab, 'n0') == {}
    assert p.quit() == 0

# SPDX-License-Identifier: BSD-2-Clause
"""Wrong command lines, by kind: one line says what was wrong and what would be
right, and the exit code is 2.  Nothing was started.

Environment: HVNET, the program.
"""
import pytest

USAGE = 2

# arguments, what the one line on standard error must name
WRONG = [
    ([], ['host', 'guest', 'stat', 'set']),
    (['hots'], ["'hots'", 'host', 'guest', 'stat', 'set']),
    (['host', '--wrokers', '2'], ["'--wrokers'", '--workers', '--listen']),
    (['host', '-x'], ["'-x'", '--listen']),
    (['host', '--nic'], ['--nic needs a value']),
    (['host', '--pin', '2'], ['--pin takes its value', '--pin=2']),
    (['host', '--pin=no'], ["'no'", '0 to ']),
    (['host', '--lenient=yes'], ['--lenient takes no value']),
    (['host'], ['--listen PATH is required']),
    (['host', '--listen', '/tmp/x', 'y'], ["unexpected argument 'y'"]),
    (['host', '--listen', '/tmp/x', '--workers', '0'], ['1 to 64']),
    (['host', '--listen', '/tmp/x', '--max-vmbus', '7'], ['0.13', '5.3']),
    (['host', '--listen', '/tmp/x', '--max-nvsp', '3'], ['1, 2, 4, 5, 6, 6.1']),
    (['host', '--listen', '/tmp/x', '--signal', 'no'], ['edge, packet']),
    (['host', '--listen', '/tmp/x', '--nic', 'backend=tap,name=a,mtu=5'],
     ['mtu=5', '68', '9000']),
    (['host', '--listen', '/tmp/x', '--nic', 'backend=tap,name=a,mtuu=1500'],
     ['mtuu']),
    (['host', '--listen', '/tmp/x', '--nic', 'backend=tab,name=a'],
     ['tap, null, pcap, pair or generator']),
    (['host', '--listen', '/tmp/x', '--nic', 'backend=null,name=a', '--nic',
      'backend=null,name=a'], ["'a'"]),
    (['guest'], ['--connect PATH']),
    (['guest', '--connect', 'x', '-o', 'tx_chimny=5'],
     ['tx_chimny', 'tx_chimney_size (0 to 65536)', 'ring_pages (2 to 2048)']),
    (['guest', '--connect', 'x', '-o', 'tx_slots'], ['tx_slots (4 to 1024)']),
    (['guest', '--connect', 'x', '-o', 'tx_slots=9999'],
     ["'9999'", '4 to 1024']),
    (['guest', '--connect', 'x', '-o', 'tx_slots=-1'], ['4 to 1024']),
    (['guest', '--connect', 'x', '--vps', '65'], ['1 to 64']),
    (['guest', '--connect', 'x', '--mtu', '9001'], ['68 to 9000']),
    (['guest', '--connect', 'x', '--signal', 'irq'],
     ['auto, edge, packet, monitor, poll']),
    (['guest', '--connect', 'x', '--offload', 'lro=on'], ["'lro'", 'rsc']),
    (['guest', '--connect', 'x', '--offload', 'tso'], ['tso=on or tso=off']),
    (['guest', '--connect', 'x', '--ifname', 'a' * 16], ['15']),
    (['guest', '--connect', 'x', '--max-vmbus', '3.0', '--min-vmbus', '5.0'],
     ['--min-vmbus is newer']),
    (['host', '--listen', '/tmp/x', '--nic', 'backend=null,name=a,file=x'],
     ['file is for backend=pcap']),
    (['host', '--listen', '/tmp/x', '--nic', 'name=a,mtu=1500,mtu=1400'],
     ['mtu (column 17) is given twice']),
    (['guest', '--connect', ''], ['--connect', '1 to 107']),
    (['guest', '--connect', 'x' * 108], ['--connect', '1 to 107']),
    (['guest', '--connect', 'x', '--uio', '0'], ['do not go together']),
    (['guest', '--connect', 'x', '--offload', ','], ['name=on']),
    (['guest', '--connect', 'x', '--memory', '1T'], ['512M or 2G']),
    (['guest', '--connect', 'x', '--memory', '63'], ['64M to 64G']),
    (['guest', '--connect', 'x', '--memory', '65G'], ['64M to 64G']),
    (['guest', '--no'], ["'--no' can mean", '--no-huge', '--no-pin']),
    (['guest', '--connect', 'x', '--sched', 'rt'], ['batch, normal']),
    (['guest', '--connect', 'x', '--name', 'n' * 64], ['--name', '1 to 31']),
    (['guest', '--connect', 'x', '--name', 'a\nb'], ["'a\\x0ab'", 'ASCII']),
    (['guest', '--connect', 'x', '--nic', b'\xff'], ["'\\xff'", 'no blank']),
    (['guest', '--connect', 'x', '--ifname', b'\xff'], ['1 to 15', 'ASCII']),
    (['guest', '--connect', 'x', '--netns', '\033[2J'],
     ['\\x1b[2J', 'ASCII']),
    (['host', '--listen', 'x', '--nic', 'backend=null,name=a\nb'],
     ['name=a\\x0ab (column 19)', '1 to 31', 'no blank']),
    (['host', '--listen', 'x', '--nic', b'backend=null,name=\xff'],
     ['name=\\xff', '1 to 31']),
    (['host', '--listen', 'x', '--nic', 'backend=null,name=a,guest=b c'],
     ['guest=b c', '1 to 31']),
    (['host', '--listen', 'x', '--nic', 'backend=tap,name=a,netns=b\tc'],
     ['netns=b\\x09c', '1 to 63']),
    (['set', '--add', 'backend=pair,name=a,peer=\u202eb'],
     ['peer=\\xe2\\x80\\xaeb', '1 to 31']),
    (['guest', '--transcript'], ['--transcript needs a value']),
    (['uio', '--transcribe', 'x'], ["'--transcribe'", '--transcript']),
    (['uio', '--connect', 'x'], ['which program']),
    (['uio', '--connect', 'x', 'ls'], ["'ls'", "behind '--'"]),
    (['uio', '--connect', 'x', '--ring', '9', '--', 'ls'], ['pages of 4']),
    (['uio', '--connect', 'x', '--max-vmbus', '1.1', '--', 'ls'],
     ['older than 2.4']),
    (['vm', '--connect', 'x', '--kernel', '/'], ['--kernel: / is a folder']),
    (['vm', '--connect', 'x', '--image', '/nowhere'],
     ['--image: /nowhere: No such file']),
    (['vm', '--connect', 'x', '--nic', 'a,b'], ["--nic: 'a,b'", 'comma']),
    (['vm', '--connect', 'x', '--sched', 'batch'], ["'--sched'"]),
    (['bench', 'vm', '--channels', '0'], ['--channels', '1 to 64']),
    (['bench', 'vm', '--parts', 'all'], ['offloads, channels']),
    (['bench', 'vm', '--guests', 'plan9'], ["'plan9'", 'linux, freebsd']),
    (['bench', 'vm', '--rounds', 'x'], ['--rounds', '1 to 1000']),
    (['bench', 'vm', '--json', '/nowhere/x'], ['/nowhere/x: No such']),
    (['bench', 'pps', '--modes', 'up'], ["'up' is none of tx"]),
    (['stat', '--watch', '0'], ['1 to 3600']),
    (['stat', '--describe', 'hn0'], ['--describe asks nobody']),
    (['stat', 'a', 'b'], ['one NIC at most']),
    (['set'], ['which NIC']),
    (['set', '', 'tso=off'], ["'' is not KEY=VALUE"]),
    (['set', 'hn0'], ['nothing to set']),
    (['set', 'hn0', 'mtu'], ["'mtu' is not KEY=VALUE"]),
    (['set', 'hn0', 'mtu=1,tso=off'], ["'mtu=1,tso=off'", 'no commas']),
    (['set', 'hn0', 'mtu=1', 'mtu=2'], ['mtu is given twice']),
    (['set', 'hn0', b'mtu=\xff'], ["mtu: '\\xff' is not UTF-8"]),
    (['set', 'hn0', b'\xff=1'], ["'\\xff' is not UTF-8"]),
    (['set', 'hn0', '--remove', 'mtu=1'], ['do not go together']),
    (['set', '--add', 'backend=tap,name=a,mtu=5'], ['mtu=5']),
    (['set', 'hn0', '--add', 'backend=null,name=a'],
     ['takes no other argument']),
    # hvnet itself
    ([''], ["''", 'host, guest']),
    (['Host'], ["'Host'", 'host, guest']),
    (['--bogus'], ["option '--bogus'", '--help', '--version', 'host, guest']),
    (['-x', 'host'], ["option '-x'", '--help']),
    # sockets
    (['host', '--listen', ''], ['--listen', '1 to 107']),
    (['host', '--listen', 'x' * 108], ['--listen', '1 to 107']),
    *[([c, o, a], [f"{o}: '{a}'", 'Unix socket', f'./{a}'])
      for c, o in (('host', '--listen'), ('guest', '--connect'),
                   ('uio', '--connect'), ('vm', '--connect'))
      for a in ('tcp:1234', 'unix:/run/x', 'vsock:2:9', '127.0.0.1:80')],
    # numbers
    *[([*c, '--pin=' + n], ['--pin: ', f"'{n}'", '0 to '])
      for c in (['host', '--listen', 'x'], ['guest', '--connect', 'x'])
      for n in ('1000', '4294967296', '-1', '1x', ' 1', '0x')],
    *[([*c, f'{o}={n}'], [o, f"'{n}'", limits])
      for c, o, limits in (
          (['host', '--listen', 'x'], '--workers', '1 to 64'),
          (['host', '--listen', 'x'], '--max-guests', '1 to 64'),
          (['host', '--listen', 'x'], '--poll-time', '1 to 1000000'),
          (['guest', '--connect', 'x'], '--vps', '1 to 64'),
          (['guest', '--connect', 'x'], '--mtu', '68 to 9000'),
          (['guest', '--connect', 'x'], '--wait-up', '1 to 86400'),
          (['guest'], '--uio', '0 to 255'),
          (['uio', '--connect', 'x'], '--ring', '8 to 8192'),
          (['uio', '--connect', 'x'], '--recv-buffer', '1 to 31'),
          (['uio', '--connect', 'x'], '--send-buffer', '1 to 16'),
          (['vm', '--connect', 'x'], '--vps', '1 to 64'),
          (['vm', '--connect', 'x'], '--nics', '1 to 64'),
          (['vm', '--connect', 'x'], '--wait', '0 to 86400'),
          (['stat'], '--watch', '1 to 3600'),
          (['bench', 'pps'], '--rounds', '1 to 1000'),
          (['bench', 'vm'], '--rounds', '1 to 1000'))
      for n in ('', '-1', '4294967297', '18446744073709551617', '1k')],
    (['guest', '--connect', 'x', '--vps', '0x'], ["'0x'", '1 to 64']),
    (['guest', '--connect', 'x', '--memory', '512MB'], ['512M or 2G']),
    (['guest', '--connect', 'x', '--memory', '-1'], ['512M or 2G']),
    (['guest', '--connect', 'x', '--memory', ''], ['512M or 2G']),
    # values of a NIC
    *[(['host', '--listen', 'x', '--nic', f'backend=null,name=a,{k}={v}'],
       [f'{k}={v} (column ', want])
      for k, want, values in (
          ('mac', 'unicast address, not all zeros, such as 02:', (
              '00:00:00:00:00:00', '01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:ff',
              ' 2:00:00:00:00:00', '+2:00:00:00:00:00', '02:00:00:00:00',
              '02:00:00:00:00:00:00', '02-00-00-00-00-00', '')),
          ('vlan', 'access:ID', ('access:0', 'access:4095', 'access:+5',
                                 'access: 5', 'access:', 'access', '7', '')),
          ('loss', '0.1%', ('-1', '101', '1e1%', 'nan', 'inf', '0x1', '1%%',
                            ' 1', '.', '')),
          ('delay', '1ms', ('-0', '1', '11s', '1h', '1e3us', 'ms', ' 1ms',
                            '')),
          ('speed', '10G', ('0', '10', '401G', '-1G', '1e1G', 'G', '')),
          ('mtu', '68 to 9000', ('67', '9001', '-1', '0x44', '1500 ', '')),
          ('queues', '1 to 64', ('0', '65', '1.5', '')),
          ('nvsp', '6.1', ('3', '7', '')), ('tso', 'on or off', ('yes', '')),
          ('rxcsum', 'complete', ('yes', '')), ('link', 'up or down', ('on',)),
          ('guest', '1 to 31', ('a b', 'g' * 32)))
      for v in values],
    *[(['host', '--listen', 'x', '--nic', f'backend=tap,name={n}'], [
        'name', '1 to 15 printable', "none of '/', ':' and '%'"])
      for n in ('a/b', 'a%d', '.', '..', 'a:b')],
    *[(['guest', '--connect', 'x', '--ifname', n], [
        f"'{n}'", '1 to 15 printable', "none of '/', ':' and '%'"])
      for n in ('a/b', 'a%d', '.', '..', 'a:b', '', 'a b')],
    (['set', '--add', 'backend=null,name=a,mac=00:00:00:00:00:00'],
     ['--add', 'not all zeros']),
    (['set', '--add', 'backend=tap,name=a/b'], ['--add', '1 to 15']),
    (['host', '--listen', 'x', '--nic', ''], ['name=NAME is missing']),
    (['host', '--listen', 'x', '--nic', ',,'], ['want key=value']),
    (['host', '--listen', 'x', '--nic', 'name'], ["'name'", 'key=value']),
    # values that do not go together
    (['host', '--listen', 'x', '--nic', 'backend=pair,name=a,peer=a'],
     ['its own peer']),
    (['host', '--listen', 'x', '--nic', 'backend=pair,name=a'], ['peer=NIC']),
    *[(['host', '--listen', 'x', '--nic', 'backend=pair,name=a,peer=b',
        '--nic', other], ["NIC 'a' has peer=b", "'b' must be",
                          'backend=pair with peer=a'])
      for other in ('backend=null,name=b', 'backend=pair,name=b,peer=c')],
    (['host', '--listen', 'x', '--nic', 'backend=null,name=b', '--nic',
      'backend=pair,name=a,peer=b'], ['backend=pair with peer=a']),
    (['guest', '--uio', '0', '--nic', 'n'], ['go with --connect']),
    (['guest', '--uio', '0', '--name', 'n'], ['go with --connect']),
    (['guest', '--connect', 'x', '--no-huge'], ['go with --uio']),
    (['vm', '--connect', 'x', '--image', __file__, '--append', 'a'],
     ['go with --kernel']),
    # files, folders, programs
    (['vm', '--connect', 'x', '--kernel', __file__, '--qemu', '/nowhere'],
     ['--qemu: /nowhere: No such file']),
    (['vm', '--connect', 'x', '--kernel', __file__, '--qemu', ''],
     ["--qemu: '' is no file"]),
    (['vm', '--connect', 'x', '--kernel', __file__, '--qemu', __file__],
     ['--qemu', 'Permission denied']),
    *[(['vm', '--connect', 'x', o, ''], [f"{o}: '' is no file"])
      for o in ('--kernel', '--initrd', '--image')],
    (['host', '--listen', 'x', '--transcript', ''], ["'' is no file"]),
    (['host', '--listen', 'x', '--group', ''], ["--group: '' is no group"]),
    (['uio', '--connect', 'x', '--', ''], ['which program']),
    (['bench', 'pps', '--json', '/nowhere/x'], ['/nowhere/x: No such']),
    # words of stat, set and bench
    (['stat', ''], ["'' is no name"]),
    (['stat', '--json=1'], ['--json takes no value']),
    (['set', '--host', '1', 'n0'], ['nothing to set']),
    (['set', '--host', '', 'n0', 'mtu=1'], ["--host: ''", 'pid', 'socket']),
    (['set', 'n0', '=1'], ["'=1' is not KEY=VALUE"]),
    (['set', '--add', ''], ['name=NAME is missing']),
    (['set', '--remove'], ['which NIC']),
    (['bench'], ['pps', 'vm']),
    (['bench', 'tcp'], ["'tcp'", 'pps and vm']),
    (['bench', 'pps', '--bogus'], ['--bogus']),
    (['bench', 'pps', '--sizes', '64,1'], ["'1'", '46 to 1514']),
    (['bench', 'pps', '--queues', ''], ["''", '1 to 64']),
    (['bench', 'pps', '--seconds', 'x'], ["'x'", '0.1 to 60']),
    (['bench', 'pps'] + ['x'] * 60, ['too many']),
    # an option too many, too few, or of another command
    *[([c, '--bogus'], ["unknown option '--bogus'", '--help'])
      for c in ('guest', 'uio', 'vm', 'stat', 'set')],
    *[([c, '--help=1'], ['--help takes no value'])
      for c in ('host', 'guest', 'uio', 'vm', 'stat', 'set')],
    *[([c, o], [f'{o} needs a value'])
      for c, o in (('host', '--listen'), ('guest', '--connect'),
                   ('uio', '--ring'), ('vm', '--kernel'), ('stat', '--watch'),
                   ('set', '--add'), ('set', '--host'))],
    (['uio', '--pci=1', '--connect', 'x', '--', 'ls'], ['takes no value']),
    (['host', '--', 'x'], ["unexpected argument 'x'"]),
    (['guest', '--connect', 'x', 'y'], ["unexpected argument 'y'"]),
    (['vm', '--connect', 'x', 'y'], ["unexpected argument 'y'"]),
]


@pytest.mark.parametrize('args,names', WRONG,
                         ids=[' '.join(map(ascii, a)) or 'nothing'
                              for a, _ in WRONG])
def test_usage_error_is_one_line(hvnet, args, names):
    r = hvnet(*args)
    assert r.returncode == USAGE
    assert r.stdout == ''
    assert len(r.stderr.splitlines()) == 1
    assert r.stderr.startswith('hvnet')
    for n in names:
        assert n in r.stderr

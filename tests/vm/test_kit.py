"""What the tests themselves rely on."""
from kit import Vm


def test_commands_arrive_whole(lab):
    """While what earlier commands left behind ends, many times a second."""
    lab.host(lab.tap_spec())
    vm = Vm(lab, vps=1).connect()
    vm.run('(while [ ! -e /tmp/end ]; do (sleep 0.01 &); done) '
           '>/dev/null 2>&1 &')
    words = 'x' * 500
    assert [vm.run(f'echo {words}') for _ in range(40)] == [words] * 40
    vm.run('touch /tmp/end')

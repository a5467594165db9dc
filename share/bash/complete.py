#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Print the completion of `hvnet` for bash.

Commands, options and keys of a NIC come from the program's own --help, which
argp prints from its option tables.

usage: complete.py HVNET
"""
import re
import subprocess
import sys

HEAD = """\
# SPDX-License-Identifier: BSD-2-Clause
# bash completion of hvnet(1), made by share/bash/complete.py.

_hvnet()
{
	local cur=${COMP_WORDS[COMP_CWORD]} line=${COMP_LINE:0:COMP_POINT}
	local arg=${line##*[[:space:]]} command=${COMP_WORDS[1]}
	local before=${line%"$arg"} words='' keys='' key k

	COMPREPLY=()
	# What stands behind -- is another program's.
	[[ $before == *' -- '* ]] && return
	case $command in
"""
TAIL = """\
	esac
	((COMP_CWORD == 1)) && words='%s'
	# The keys of a NIC stand behind --nic and --add, and behind set NIC.
	case $arg in
	--nic=* | --add=*)	;;
	-*)	keys='' ;;
	*)	[[ $command == set && $before == *'set '*[![:space:]]* ||
		    $before == *--nic[[:space:]] ]] || keys='' ;;
	esac
	if [[ -n $keys ]]; then
		key=${arg#--nic=}
		key=${key#--add=}
		key=${key##*,}
		[[ $key == *=* ]] && return
		compopt -o nospace 2>/dev/null
		for k in $(compgen -S = -W "$keys" -- "$key"); do
			COMPREPLY+=("${cur%%"$key"}$k")
		done
		return
	fi
	# An option's value is a file, or nothing that we know.
	[[ $arg == -*=* ]] && return
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
	[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
}

complete -o default -F _hvnet hvnet
"""


def output(*args):
    return subprocess.run([sys.argv[1], *args], check=True, text=True,
                          capture_output=True).stdout


def options(text):
    """--name, with a = where it has a value."""
    found = re.findall(r'^ {2,6}(?:-\w, )?--([\w-]+)(\[?=)?', text, re.M)
    # An option whose value is optional is more often given without.
    return [f'--{name}{"=" if value == "=" else ""}' for name, value in found]


def section(title, text):
    """The first words of an indented list some lines below that title."""
    m = re.search(rf'^{title}.*\n(?:\S.*\n|\n)*?((?:  .*\n)+)', text, re.M)
    return re.findall(r'^  ([a-z][\w-]*) ', m[1], re.M) if m else []


def main():
    top = output('--help')
    commands = section('Commands:', top)
    print(HEAD, end='')
    for c in commands:
        text = output(c, '--help').split('\nExamples:')[0]
        keys = section('Keys of a', text)
        words = options(text) + section('Usage: hvnet bench', text)
        words += re.findall(r'^Usage: hvnet config .* ([a-z]+) FILE', text)
        print(f"\t{c})\twords='{' '.join(words)}'")
        if keys:
            print(f"\t\tkeys='{' '.join(keys)}'")
        if c == 'set':
            keys = section('Keys of a', output('host', '--help'))
            print('\t\t[[ $line == *--add[[:space:]=]* ]] &&')
            print(f"\t\t\tkeys='{' '.join(keys)}'")
        print('\t\t;;')
    print(TAIL % ' '.join([*commands, '--help', '--version']), end='')


if len(sys.argv) != 2:
    sys.exit(__doc__)
main()

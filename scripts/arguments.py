# SPDX-License-Identifier: BSD-2-Clause
"""Arguments of programs: one sentence reports what is wrong with them.

The same goes for standard output that does not take everything, which ends the
program with 1; argparse itself would ignore that.
"""
import argparse
import atexit
import os
import pathlib
import sys


def stdout_lost(error):
    """End here, unless the reader went away (`| head`)."""
    name = pathlib.Path(sys.argv[0]).name
    if not isinstance(error, BrokenPipeError):
        print(f'{name}: standard output: {error.strerror}', file=sys.stderr)
    sys.stderr.flush()
    os._exit(0 if isinstance(error, BrokenPipeError) else 1)


def stdout_end():
    try:
        sys.stdout.flush()
    except OSError as e:
        stdout_lost(e)


atexit.register(stdout_end)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f'{self.prog}: {message}\n')

    def _print_message(self, message, file=None):
        try:
            (file or sys.stderr).write(message or '')
        except OSError as e:
            stdout_lost(e)


def number(low, high, kind=int):
    """A type of argument: a number from low to high."""
    def read(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(
                f"'{text}' is not a number from {low} to {high}")
        return value
    return read


def several(read):
    """A type of argument: values with commas between, each as read() has it."""
    return lambda text: [read(x) for x in text.split(',')]


def one_of(*words):
    """A type of argument: a word of these."""
    def read(text):
        if text not in words:
            raise argparse.ArgumentTypeError(
                f"'{text}' is none of {', '.join(words)}")
        return text
    return read

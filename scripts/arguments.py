# SPDX-License-Identifier: BSD-2-Clause
"""Arguments of programs: what is wrong with them is said in one sentence."""
import argparse


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f'{self.prog}: {message}\n')


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

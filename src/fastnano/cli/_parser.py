"""Argument parsing with short errors that say what may have been meant."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn


class UsageError(Exception):
    """The command line is wrong; the message says how."""


class _Help(argparse.HelpFormatter):
    """Help that shows the defaults there are, in columns that fit its longest option."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)

    def _get_help_string(self, action: argparse.Action) -> str:
        default = action.default not in (None, argparse.SUPPRESS)
        return (action.help or "") + (" (default: %(default)s)" if default else "")


class Parser(argparse.ArgumentParser):
    """An argument parser that raises UsageError, and knows the nearest option to one that does not exist."""

    def __init__(self, command: str, description: str, usage: str = "") -> None:
        prog = f"fastnano {command}"
        super().__init__(prog, description=description, allow_abbrev=False, formatter_class=_Help)
        self.usage = f"{prog} {usage}" if usage else None

    def error(self, message: str) -> NoReturn:
        """Raises UsageError, where argparse would leave the process."""
        raise UsageError(f"{message} (see `{self.prog} --help`)")

    def parse(self, argv: Sequence[str]) -> Any:
        """The options and arguments of a command line; UsageError for what is not known."""
        found, rest = self.parse_known_args(argv)
        if rest:
            self.error(self.unknown_option(rest[0]))
        return found

    def unknown_option(self, text: str) -> str:
        """What is said of an argument that is not known, with the nearest option."""
        from ..architecture import unknown

        if not text.startswith("-"):
            return f"unexpected argument {text!r}"
        options = [o for action in self._actions for o in action.option_strings if o.startswith("--")]
        return unknown("option", text.partition("=")[0], options)


def one_of(what: str, choices: Iterable[str]) -> Callable[[str], str]:
    """An argument type: one of a few names."""
    known = list(choices)

    def check(text: str) -> str:
        if text not in known:
            from ..architecture import unknown

            raise argparse.ArgumentTypeError(unknown(what, text, known))
        return text

    return check


def path(text: str) -> str:
    """An argument type: the name of a file or folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} names no file or folder")
    return text


def number(
    kind: Callable[[str], Any], least: float = 0, below: float = float("inf"), above: bool = False
) -> Callable[[str], Any]:
    """An argument type: an int or float from ``least`` (or above it) and below ``below``."""
    limits = f"{'above' if above else 'at least'} {least:g}" + (
        f" and below {below}" if below < float("inf") else ""
    )

    def check(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value < below or (above and value == least):
            finite = kind is int or value is None or abs(value) < float("inf")
            name = "a whole number" if kind is int else "a number" if finite else "a finite number"
            raise argparse.ArgumentTypeError(f"{text!r} is not {name} {limits}")
        return value

    return check

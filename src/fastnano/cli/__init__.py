"""The ``fastnano`` command: one module per command, imported when that command is given."""

from __future__ import annotations

import importlib
import os
import sys

from ._parser import UsageError

COMMANDS = {
    "train": "train a network and keep all about it in a run folder",
    "eval": "measure a run's network on its test images",
    "predict": "class probabilities for a picture or a test image",
    "filters": "draw a layer's learned filters and what they answer to an image",
    "summary": "a network's layers, shapes and parameters",
    "data": "find, fetch, verify and import data sets",
    "speedrun": "train to 99 % on MNIST in about a second, and time it",
    "info": "version, back end, instruction set, threads, folders",
}


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns 0, or 2 after an error (one message on stderr), or 130 after Ctrl-C.

    ``FASTNANO_DEBUG=1`` lets errors through, with their traceback.
    """
    try:
        return _dispatch(sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:  # the reader, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nfastnano: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if os.environ.get("FASTNANO_DEBUG", "0") not in ("", "0"):
            raise
        print(f"fastnano: error: {_text(error)}", file=sys.stderr)
        return 2


def _dispatch(argv: list[str]) -> int:
    command = argv[0] if argv else "--help"
    if command in ("-h", "--help", "help"):
        print(_help())
    elif command in ("-V", "--version"):
        from .. import __version__

        print(f"fastnano {__version__}")
    elif command not in COMMANDS:
        from ..architecture import unknown

        raise UsageError(unknown("command", command, COMMANDS))
    else:
        return importlib.import_module(f".{command}", __name__).main(argv[1:]) or 0
    return 0


def _help() -> str:
    lines = [f"  {name:9}{text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "usage: fastnano COMMAND ...",
            "",
            "Train small neural networks on a CPU.",
            "",
            *lines,
            "",
            "`fastnano COMMAND --help` explains a command; `fastnano train` is a good start.",
        ]
    )


def _text(error: Exception) -> str:
    """What an error says; with its type where it is not one that the library raises on purpose."""
    message = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if isinstance(error, MemoryError):
        return f"there is not enough memory ({message}); use a smaller --batch-size or fewer --layers"
    expected = UsageError, OSError, ValueError, TypeError, ArithmeticError, ImportError, LookupError
    if isinstance(error, (*expected, NotImplementedError)) and message:
        return message
    return f"{type(error).__name__}: {message} (FASTNANO_DEBUG=1 shows where)"

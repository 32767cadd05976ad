"""The table of what is equal to PyTorch: a module per family, a row per case.

``row("Linear(3, 2)", (4, 3))``: an expression that makes a module, or a function (``lambda x: F.relu(x)``), in the
words of ``nn``, ``F`` (``nn.functional``) and ``torch`` (PyTorch, or fastnano in its place), then its inputs: shapes of
random floats, or arrays as they are.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, NamedTuple

import numpy as np


class Row(NamedTuple):
    text: str
    given: tuple[Any, ...]
    training: bool = True
    low: float = -2.0  # of random inputs
    high: float = 2.0
    call: str = ""  # how a module takes them: "lambda m, x, h: m(x, (h, h))"
    family: str = ""

    def __str__(self) -> str:
        shapes = ["x".join(map(str, x if isinstance(x, tuple) else x.shape)) or "()" for x in self.given]
        mode = "" if self.training else "eval"
        words = [self.family, self.text.replace(" ", ""), self.call.replace(" ", ""), *shapes, mode]
        return " ".join(filter(None, words))

    @property
    def is_function(self) -> bool:
        return self.text.startswith("lambda")

    def inputs(self) -> list[np.ndarray]:
        """The arrays: floats at the same places of a family's rows have the same values."""
        return [
            np.random.default_rng([i, *x]).uniform(self.low, self.high, x) if isinstance(x, tuple) else x
            for i, x in enumerate(self.given)
        ]


def row(
    text: str, *given: Any, training: bool = True, low: float = -2.0, high: float = 2.0, call: str = ""
) -> Row:
    return Row(text, given, training, low, high, call)


def integers(most: int, *shape: int, seed: int = 0) -> np.ndarray:
    """Numbers from 0 to most − 1."""
    return np.random.default_rng([seed, *shape]).integers(0, most, shape)


def table() -> list[Row]:
    """The rows of every family."""
    families = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [
        found._replace(family=family)
        for family in families
        for found in importlib.import_module(f"{__name__}.{family}").ROWS
    ]

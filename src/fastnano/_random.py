"""Random numbers: one seedable NumPy stream for initial weights and shuffles, counter-based keys for
dropout."""

from __future__ import annotations

import numpy as np

from .autograd import launch
from .ops import STEPS


class Generator:
    """A state ``[seed, counter]``; each ``key()`` is a stream of its own, and the state is all a checkpoint
    needs."""

    def __init__(self, seed: int = 0) -> None:
        self.state = np.zeros(2, np.uint64)
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Generator:
        """Begin anew from ``seed``, an integer from 0 to 2⁶⁴ − 1 (ValueError for another)."""
        if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
            raise ValueError(f"manual_seed: seed={seed!r} must be an integer from 0 to 2**64 - 1")
        self.state[:] = seed, 0
        self.rng = np.random.default_rng(int(seed))
        return self

    def key(self) -> np.ndarray:
        """The key of the next call, as an array of its own."""
        key = np.empty(2, np.uint64)
        launch(STEPS["next_key"], {"state": self.state, "key": key})
        return key


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Start all of the library's random numbers (initial weights, dropout, loaders without a seed) from a seed."""
    return default_generator.manual_seed(seed)

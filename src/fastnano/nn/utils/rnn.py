"""Sequences of several lengths as one tensor, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...autograd import Tensor, as_tensor
from ...functions.movement import stack
from .._arguments import choice
from ..functional import pad

__all__ = ["pad_sequence", "unpad_sequence"]


def pad_sequence(
    sequences: Sequence[Any],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (T_i, *) filled up to the longest, as (T, N, *), or (N, T, *) with ``batch_first``."""
    choice("pad_sequence", "padding_side", padding_side, ("left", "right"))
    if not len(sequences):
        raise ValueError("pad_sequence: sequences is empty, expected at least one")
    given = [as_tensor(x) for x in sequences]
    longest = max(len(x) for x in given)
    before = padding_side == "left"
    rows = []
    for x in given:
        missing = longest - len(x)
        sides = (0, 0) * (x.ndim - 1) + ((missing, 0) if before else (0, missing))
        rows.append(pad(x, sides, value=padding_value))
    return stack(rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """The first ``lengths[i]`` steps of each sequence of what ``pad_sequence`` gave."""
    x = as_tensor(padded_sequences)
    x = x if batch_first else x.transpose(0, 1)
    counts = as_tensor(lengths).tolist()
    if len(counts) != len(x):
        raise ValueError(f"unpad_sequence: lengths has {len(counts)} numbers for {len(x)} sequences")
    return [row[:count] for row, count in zip(x, counts, strict=True)]

"""Data sets: samples known by number, and batches of them by an array of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Batch: TypeAlias = tuple[Any, ...]
Index: TypeAlias = int | slice | Sequence[int] | NDArray[Any]


@runtime_checkable
class Dataset(Protocol):
    """Anything with ``len(d)`` and ``d[index]``: a sample for an int, a batch for a slice or array of ints.

    Both are tuples with one entry per array, such as (image, label) and (images, labels).
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Batch: ...


class TensorDataset:
    """Arrays whose first axes are the samples: ``TensorDataset(images, labels)[3:5]`` is two of each.

    Raises ``ValueError`` where the lengths differ.
    """

    def __init__(self, *arrays: ArrayLike) -> None:
        self.arrays: tuple[NDArray[Any], ...] = tuple(np.asarray(array) for array in arrays)
        if not self.arrays or any(array.ndim == 0 for array in self.arrays):
            shapes = [array.shape for array in self.arrays]
            raise ValueError(f"TensorDataset: arrays have shapes {shapes}, expected at least one, of samples")
        if len(lengths := {len(array) for array in self.arrays}) > 1:
            raise ValueError(
                f"TensorDataset: arrays have {sorted(lengths)} samples, expected as many in each; slice the "
                "longer ones"
            )

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: Index) -> Batch:
        return tuple(array[index] for array in self.arrays)

    def __repr__(self) -> str:
        arrays = ", ".join(f"{array.dtype}{list(array.shape)}" for array in self.arrays)
        return f"{type(self).__name__}({arrays})"


class Subset:
    """The samples of ``dataset`` at ``indices``, in that order. ``IndexError`` for one it does not have."""

    def __init__(self, dataset: Dataset, indices: Sequence[int] | NDArray[Any]) -> None:
        self.dataset = dataset
        self.indices = np.asarray(indices, np.intp if len(indices) == 0 else None)
        if self.indices.ndim != 1 or self.indices.dtype.kind not in "iu":
            raise ValueError(
                f"Subset: indices are {self.indices.dtype} of shape {self.indices.shape}, expected a list of "
                "ints; for a mask use np.flatnonzero(mask)"
            )
        n = len(dataset)
        if len(bad := self.indices[(self.indices < -n) | (self.indices >= n)]):
            raise IndexError(f"Subset: index is {bad[0]}, expected {-n} to {n - 1} for {n} samples")

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Index) -> Batch:
        return self.dataset[self.indices[index]]

    def __repr__(self) -> str:
        return f"Subset({len(self):,} of {self.dataset!r})"


def random_split(dataset: Dataset, lengths: Sequence[float], seed: int = 0) -> list[Subset]:
    """Split at random into disjoint subsets of the given lengths (ints) or fractions (floats that sum to 1).

    Fractions round down; what is left over goes one each to the first subsets, as in PyTorch. The same seed
    gives the same split. Raises ``ValueError`` where the lengths do not add up.
    """
    n = len(dataset)
    if any(isinstance(length, float) for length in lengths) and abs(sum(lengths) - 1) < 1e-6:
        sizes = [int(n * fraction) for fraction in lengths]
        for i in range(n - sum(sizes)):
            sizes[i % len(sizes)] += 1
    else:
        sizes = [int(length) for length in lengths]
    if not sizes or sum(sizes) != n or min(sizes) < 0 or min(lengths) < 0:
        raise ValueError(
            f"random_split: lengths are {list(lengths)}, expected sizes that sum to {n} or fractions that "
            "sum to 1.0"
        )
    order = np.random.default_rng(seed).permutation(n)
    return [Subset(dataset, part) for part in np.split(order, np.cumsum(sizes)[:-1])]

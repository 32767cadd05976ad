"""Batches of a data set, in a new and reproducible order each epoch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from .dataset import Batch, Dataset
from .mixing import Mix
from .transforms import RandomTransform, Transform


class LoaderState(TypedDict):
    """What a checkpoint keeps of a loader."""

    seed: int
    epoch: int


class DataLoader:
    """Iterate over batches: tuples of arrays, gathered by one fancy index each.

    ``shuffle`` draws a new order each epoch, which depends on (seed, epoch) alone. ``transform`` is applied
    to the first array of each batch, the images, then ``mix`` (``MixUp``, ``CutMix``) to images and labels;
    their random draws depend on (seed, epoch, batch) alone.
    Without a seed one is drawn, where there is chance, from the stream that ``fastnano.manual_seed`` starts, and kept
    in ``seed``. The last batch may be short unless ``drop_last``.

    Raises ``TypeError`` or ``ValueError`` that name the argument, its value, what was expected, the remedy.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int = 64,
        shuffle: bool = False,
        seed: int | None = None,
        drop_last: bool = False,
        transform: Callable[..., Any] | None = None,
        mix: Mix | None = None,
    ) -> None:
        _check(dataset, batch_size, seed, drop_last, transform, mix)
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle
        self.drop_last, self.transform, self.mix = drop_last, transform, mix
        chance = shuffle or transform is not None or mix is not None
        self.seed = seed if seed is not None else _drawn() if chance else 0
        self.epoch = 0  # of the next iteration

    def __len__(self) -> int:
        n = len(self.dataset)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def order(self, epoch: int) -> NDArray[np.intp]:
        """The samples' numbers in the order that ``epoch`` takes them, all of them (``drop_last`` or not)."""
        n = len(self.dataset)
        return self._rng(epoch).permutation(n) if self.shuffle else np.arange(n)

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration be that of ``epoch``, from 0."""
        if epoch < 0:
            raise ValueError(f"set_epoch: epoch is {epoch}, expected 0 or more")
        self.epoch = epoch

    @property
    def state(self) -> LoaderState:
        """Seed and next epoch; assign it to another loader of the same data to continue there."""
        return {"seed": self.seed, "epoch": self.epoch}

    @state.setter
    def state(self, state: LoaderState) -> None:
        self.seed = state["seed"]
        self.set_epoch(state["epoch"])

    def __iter__(self) -> Iterator[Batch]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        return self._batches(epoch)

    def _batches(self, epoch: int) -> Iterator[Batch]:
        order = self.order(epoch)
        for step in range(len(self)):
            batch = self.dataset[order[step * self.batch_size : (step + 1) * self.batch_size]]
            yield self._changed(batch, self._rng(epoch, step)) if self.transform or self.mix else batch

    def _changed(self, batch: Batch, rng: np.random.Generator) -> Batch:
        x, *labels = batch
        if self.transform:
            x = self.transform(x, rng) if isinstance(self.transform, Transform) else self.transform(x)
        if self.mix is None:
            return (x, *labels)
        if len(labels) != 1:
            raise ValueError(
                f"DataLoader: mix={self.mix!r} takes pairs of samples and labels, not {1 + len(labels)} arrays"
            )
        return self.mix(x, labels[0], rng)

    def numbers(self, parts: Sequence[RandomTransform]) -> list[NDArray[np.float32]]:
        """The numbers of ``transform``'s parts in the next epoch: those of each sample, in its order."""
        if not parts:
            return []
        taken = min(len(self.dataset), len(self) * self.batch_size)
        batches = []
        for step, begin in enumerate(range(0, taken, self.batch_size)):
            rng, n = self._rng(self.epoch, step), min(self.batch_size, taken - begin)
            batches.append([part.draw(n, part.rng or rng) for part in parts])
        columns = zip(*batches, strict=True)
        return [part.numbers(np.concatenate(drawn)) for part, drawn in zip(parts, columns, strict=True)]

    def _rng(self, *place: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(self.seed, spawn_key=place)))

    def __repr__(self) -> str:
        return (
            f"DataLoader({self.dataset!r}, batch_size={self.batch_size}, shuffle={self.shuffle}, "
            f"seed={self.seed}, drop_last={self.drop_last}, transform={self.transform!r}"
            f"{'' if self.mix is None else f', mix={self.mix!r}'})"
        )


def _drawn() -> int:
    """A seed from the package's stream of random numbers, or from fresh entropy where only ``data`` is in use."""
    package = sys.modules.get("fastnano._random")
    rng = np.random.default_rng() if package is None else package.default_generator.rng
    return int(rng.integers(2**32))


def _check(dataset: Any, batch_size: Any, seed: Any, drop_last: bool, transform: Any, mix: Any) -> None:
    if not isinstance(dataset, Dataset) or isinstance(dataset, (np.ndarray, list, tuple)):
        raise TypeError(
            f"DataLoader: dataset is a {type(dataset).__name__}, expected a data set; wrap arrays as "
            "TensorDataset(images, labels)"
        )
    if not _whole(batch_size) or batch_size < 1:
        raise ValueError(f"DataLoader: batch_size is {batch_size!r}, expected a whole number from 1; try 64")
    if seed is not None and (not _whole(seed) or seed < 0):
        raise ValueError(f"DataLoader: seed is {seed!r}, expected a whole number from 0, or None to draw one")
    if transform is not None and not callable(transform):
        raise TypeError(
            f"DataLoader: transform is a {type(transform).__name__}, expected a callable; put several into "
            "Compose([...])"
        )
    if mix is not None and not isinstance(mix, Mix):
        raise TypeError(f"DataLoader: mix is a {type(mix).__name__}, expected MixUp, CutMix, or None")
    n = len(dataset)
    if n == 0 or (drop_last and n < batch_size):
        raise ValueError(
            f"DataLoader: batch_size is {batch_size} for {n} samples, which makes no batch; expected one or "
            "more: give more samples, a smaller batch_size or drop_last=False"
        )


def _whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)

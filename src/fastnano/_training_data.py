"""The data of a training: what users give, as data sets, loaders, and the arrays that a plan reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .autograd import Tensor
from .data import DataLoader, Subset, TensorDataset
from .data.mixing import Mix
from .data.transforms import Compose, Normalize, RandomHorizontalFlip, RandomRotation, RandomShift
from .nn import Module
from .plan import NotPlannable

Transform = Callable[..., np.ndarray]
# What a plan can do to images, by its names for it.
NATIVE = {RandomShift: "shift", RandomRotation: "turn", RandomHorizontalFlip: "flip"}


def as_loader(
    data: Any,
    batch_size: int,
    shuffle: bool = False,
    seed: int = 0,
    augment: Transform | None = None,
    mix: Mix | None = None,
) -> DataLoader:
    """A loader of whatever data were given."""
    if isinstance(data, DataLoader):
        return data
    return DataLoader(as_dataset(data), batch_size, shuffle, seed, transform=augment, mix=mix)


def as_dataset(data: Any) -> Any:
    """The data set behind whatever data were given."""
    if isinstance(data, DataLoader):
        return data.dataset
    if isinstance(data, (tuple, list)):
        if len(data) != 2:
            raise ValueError(
                f"data: a {type(data).__name__} of {len(data)} was given, expected the pair (x, y)"
            )
        return TensorDataset(*(part.data if isinstance(part, Tensor) else part for part in data))
    if isinstance(data, (np.ndarray, np.generic, Tensor, str, dict)):
        raise TypeError(
            f"data: a {type(data).__name__} was given, expected a data set, a pair (x, y) of arrays or a DataLoader"
        )
    return data


def arrays_of(dataset: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Samples and labels as they lie in memory, and the numbers of those that a subset takes."""
    if isinstance(dataset, Subset):
        x, y, numbers = arrays_of(dataset.dataset)
        return x, y, dataset.indices % len(x) if numbers is None else numbers[dataset.indices]
    plain = isinstance(dataset, TensorDataset) and type(dataset).__getitem__ is TensorDataset.__getitem__
    if plain and len(dataset.arrays) == 2:
        return dataset.arrays[0], dataset.arrays[1], None
    raise NotPlannable(f"the data set {dataset!r} is Python code, not a pair of arrays")


def random_parts(loader: DataLoader) -> list[Any]:
    """The transforms, one after another, that the images go through in a plan."""
    if loader.mix is not None:
        raise NotPlannable(f"the batches go through {loader.mix!r}, which is Python code")
    transform = loader.transform
    parts = Compose([] if transform is None else [transform]).parts()
    for part in parts:
        if type(part) not in NATIVE:
            raise NotPlannable(f"the images go through {part!r}, which is Python code")
        x = arrays_of(loader.dataset)[0]
        if x.dtype != np.uint8 or x.ndim not in (3, 4):
            raise NotPlannable(f"{part!r} of {x.dtype} {x.shape} is Python code; plans take uint8 images")
    return parts


def origin(data: Any) -> Any:
    """The data set that loaders and subsets are of."""
    while hasattr(data, "dataset"):
        data = data.dataset
    return data


def name_of(data: Any) -> str:
    """What the data are called, if anything."""
    return getattr(origin(data), "name", "")


class Prepare:
    """What a network is fed: (x / 255 − mean) / std of uint8, images as (N, C, H, W); floats as they are."""

    def __init__(self, mean: float = 0.0, std: float = 1.0) -> None:
        self.mean, self.std = mean, std
        self._normalize = Normalize(mean, std)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if x.dtype != np.uint8:
            return x
        if x.ndim in (3, 4):
            return self._normalize(x)
        return ((x / np.float32(255) - np.float32(self.mean)) / np.float32(self.std)).astype(np.float32)

    @classmethod
    def of(cls, dataset: Any, model: Module) -> Prepare:
        """With the mean and standard deviation that the data set (or the one it is a part of) gives, or else those
        that the model was last trained with, which its file holds too."""
        source, (mean, std) = origin(dataset), getattr(model, "_scaling", (0.0, 1.0))
        return cls(getattr(source, "mean", mean), getattr(source, "std", std))

    def __repr__(self) -> str:
        return f"Prepare(mean={self.mean}, std={self.std})"

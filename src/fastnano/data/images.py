"""What the sets of 28x28 images share: arrays, files, hashes, and the error where there are none."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .cache import Hashes
from .dataset import TensorDataset

Root: TypeAlias = str | os.PathLike[str] | None
Opened: TypeAlias = list[tuple[NDArray[Any], Hashes]]  # images and labels

TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


class DatasetNotFoundError(FileNotFoundError):
    """A data set is neither on this machine nor to be had; the message says where it was looked for."""

    reason: str = ""  # why it is not to be had, in short


@dataclass(frozen=True)
class Place:
    """A folder that was looked into, why, and the files of the set that it has, by their name without .gz."""

    label: str
    folder: Path
    files: dict[str, Path]

    @property
    def complete(self) -> bool:
        """Whether train and test are both here."""
        return len(self.files) == len(TRAIN + TEST)

    def __str__(self) -> str:
        return f"{self.folder} ({self.label})"


class ImageDataset(TensorDataset):
    """Images (N, 28, 28) uint8, 0 is background and 255 full ink, and labels (N,) uint8."""

    name: ClassVar[str]  # as its makers write it
    key: ClassVar[str]  # of its folder and on the command line
    classes: ClassVar[tuple[str, ...]]  # what each label means
    mean: ClassVar[float]  # of the training pixels / 255
    std: ClassVar[float]
    hashes: ClassVar[dict[str, tuple[str, ...]]]  # published SHA-256 of each file, as .gz or of its content

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    train: bool
    source: str  # where it was found or how it was made
    verified: bool  # whether both files have a published SHA-256
    sha256: str  # of the unpacked images file
    instead_of: str = ""  # what "auto" would rather have had, and why there is none

    def _keep(self, opened: Opened, train: bool, source: str) -> None:
        """Keep arrays that fit together; ``ValueError`` where they do not."""
        (images, image_hashes), (labels, label_hashes) = opened
        for what, array, shape in ("images", images, ("N", 28, 28)), ("labels", labels, ("N",)):
            if array.dtype != np.uint8 or array.ndim != len(shape) or array.shape[1:] != shape[1:]:
                raise ValueError(
                    f"{self.name} in {source}: {what} are {array.dtype} of shape {array.shape}, expected "
                    f"uint8 of shape ({', '.join(map(str, shape))}); are these its {what}?"
                )
        if len(images) != len(labels):
            raise ValueError(
                f"{self.name} in {source}: {len(labels)} labels for {len(images)} images, expected as many; "
                "are these two files of one set?"
            )
        if len(labels) and labels.max() >= len(self.classes):
            raise ValueError(
                f"{self.name} in {source}: label {labels.max()} for image {labels.argmax()}, expected 0 to "
                f"{len(self.classes) - 1}; are these its labels?"
            )
        super().__init__(images, labels)
        self.images, self.labels = images, labels
        self.train, self.source, self.sha256 = bool(train), source, image_hashes.content
        files = zip(TRAIN if train else TEST, (image_hashes, label_hashes), strict=True)
        self.verified = all(self.is_published(stem, hashes) for stem, hashes in files)

    @classmethod
    def is_published(cls, stem: str, hashes: Hashes) -> bool:
        """Whether a file or its content has a SHA-256 that is published for it."""
        return not {hashes.file, hashes.content}.isdisjoint(cls.hashes[stem])

    @classmethod
    def places(cls, root: Root = None) -> list[Place]:
        """Every folder to look into, in order, and what it has."""
        raise NotImplementedError

    @classmethod
    def find(cls, root: Root = None) -> Place | None:
        """The first place that has train and test, or None."""
        return next((place for place in cls.places(root) if place.complete), None)

    @classmethod
    def fetch(cls, root: Root = None) -> Place:
        """Bring into the cache folder what it lacks of train and test."""
        raise NotImplementedError

    @classmethod
    def not_found(cls, root: Root, reason: str) -> DatasetNotFoundError:
        """The error that tells where the set was looked for, why it was not made, and how to get it."""
        looked = "".join(f"\n  {place}: {len(place.files)} of 4 files" for place in cls.places(root))
        error = DatasetNotFoundError(
            f"{cls.name} was not found in{looked}\nand {reason}.\n"
            f"To get it run `fastnano data fetch {cls.key}`"
        )
        error.reason = reason.partition("\n")[0].rstrip(":")
        return error

    def __repr__(self) -> str:
        split = "train" if self.train else "test"
        return f"{self.name}({split}, {len(self):,} images, from {self.source})"

"""MNIST and two sets in its format: found on this machine or downloaded, kept unpacked and memory-mapped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from .cache import cache_folder, log, open_idx
from .download import download
from .images import TEST, TRAIN, DatasetNotFoundError, ImageDataset, Place, Root


class MNIST(ImageDataset):
    """Handwritten digits: 60,000 to train, 10,000 to test, 28x28.

    Taken from ``root`` alone where it is given (itself, its folder ``mnist`` or PyTorch's ``MNIST/raw``; raw or
    ``.gz``), else from ``$FASTNANO_DATA`` (likewise) or the cache folder; else downloaded there, unless ``download``
    is false or ``FASTNANO_OFFLINE=1``. ``source`` says which. Files of your own have ``verified`` False.

    Raises ``DatasetNotFoundError`` where there is none, ``ValueError`` for damaged files or another set's.
    Source: Y. LeCun, C. Cortes, C. J. C. Burges; Proceedings of the IEEE 86(11), 1998.
    """

    name = "MNIST"
    key = "mnist"
    classes = tuple("0123456789")
    mean, std = 0.1307, 0.3081
    mirrors: ClassVar[tuple[str, ...]] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    )
    hashes: ClassVar[dict[str, tuple[str, ...]]] = {  # of the .gz file, then of its content
        "train-images-idx3-ubyte": (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        "train-labels-idx1-ubyte": (
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        "t10k-images-idx3-ubyte": (
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        "t10k-labels-idx1-ubyte": (
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    }

    def __init__(self, root: Root = None, train: bool = True, download: bool = True) -> None:
        stems = TRAIN if train else TEST
        place = self._find(root, stems)
        if place is None:
            if root is not None:
                raise self.not_found(
                    root,
                    "no other folder was looked into, as this one was given; give the right one, or none, for "
                    "$FASTNANO_DATA, the cache folder and a download",
                )
            if not download:
                raise self.not_found(root, "not downloaded, as download=False")
            place = self.fetch(root)
        self._keep([open_idx(place.files[stem]) for stem in stems], train, str(place))
        log.info("%r%s", self, "" if self.verified else ", whose SHA-256 is not the published one")

    @classmethod
    def places(cls, root: Root = None) -> list[Place]:
        def inside(label: str, top: str | os.PathLike[str]) -> list[Place]:
            inner = ("", cls.key, f"{cls.__name__}/raw")
            return [
                Place(label, folder, _files(folder)) for folder in (Path(top).expanduser() / i for i in inner)
            ]

        if root is not None:
            return inside("given folder", root)
        top, cache = os.environ.get("FASTNANO_DATA"), cache_folder() / cls.key
        return [*(inside("$FASTNANO_DATA", top) if top else ()), Place("cache", cache, _files(cache))]

    @classmethod
    def find(cls, root: Root = None) -> Place | None:
        """The first place that has train and test, or None.

        Another set's files are passed over; in ``root`` they are an error.
        """
        return cls._find(root, TRAIN + TEST)

    @classmethod
    def _find(cls, root: Root, stems: tuple[str, ...]) -> Place | None:
        for place in cls.places(root):
            if all(stem in place.files for stem in stems):
                owner = cls._owner(place.files[stems[0]], stems[0])
                if owner is cls:
                    return place
                if place.label == "given folder":
                    raise ValueError(
                        f"{place.files[stems[0]]}: found {owner.name}'s file by its SHA-256, expected "
                        f"{cls.name}'s; use {owner.__name__}({str(root)!r})"
                    )
        return None

    @classmethod
    def _owner(cls, path: Path, stem: str) -> type[MNIST]:
        """The set whose published file this is; this one if it is nobody's."""
        hashes = open_idx(path)[1]
        return next((other for other in FAMILY if other.is_published(stem, hashes)), cls)

    @classmethod
    def fetch(cls, root: Root = None) -> Place:
        """Download into the cache folder what it lacks of the four files, each from the first good mirror."""
        if os.environ.get("FASTNANO_OFFLINE", "0") not in ("", "0"):
            raise cls.not_found(root, "not downloaded, as FASTNANO_OFFLINE is set")
        folder = cache_folder() / cls.key
        origins = set()
        for stem, (digest, *_) in cls.hashes.items():
            urls = [f"{mirror}{stem}.gz" for mirror in cls.mirrors]
            try:
                origins.add(download(urls, folder / f"{stem}.gz", digest).rpartition("/")[0])
            except OSError as error:
                raise cls.not_found(root, f"the download failed:\n{error}") from error
        origin = ", ".join(sorted(filter(None, origins)))
        return Place(f"downloaded from {origin}" if origin else "cache", folder, _files(folder))

    @classmethod
    def not_found(cls, root: Root, reason: str) -> DatasetNotFoundError:
        error = super().not_found(root, reason)
        urls = "".join(f"\n  {mirror}" for mirror in cls.mirrors)
        whole = DatasetNotFoundError(
            f"{error}, or take its four files ({TRAIN[0]}.gz, ...) from any of{urls}\n"
            f"to this machine, and `fastnano data import {cls.key} FOLDER`, or give their folder as root or "
            "in FASTNANO_DATA."
        )
        whole.reason = error.reason
        return whole


def _files(folder: Path) -> dict[str, Path]:
    """The files in a folder, also named as train-images.idx3-ubyte; raw ones rather than compressed ones."""
    found = {}
    for stem in TRAIN + TEST:
        names = (name + end for end in ("", ".gz") for name in (stem, stem.replace("-idx", ".idx")))
        if path := next((folder / name for name in names if (folder / name).is_file()), None):
            found[stem] = path
    return found


class FashionMNIST(MNIST):
    """Pictures of clothing in MNIST's format: 60,000 to train, 10,000 to test. Arguments as ``MNIST``.

    Source: H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747, 2017. MIT licence.
    """

    name = "Fashion-MNIST"
    key = "fashion-mnist"
    classes = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
               "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")  # fmt: skip
    mean, std = 0.2860, 0.3530
    mirrors = (
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
    )
    hashes: ClassVar[dict[str, tuple[str, ...]]] = {
        "train-images-idx3-ubyte": ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",),
        "train-labels-idx1-ubyte": ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",),
        "t10k-images-idx3-ubyte": ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",),
        "t10k-labels-idx1-ubyte": ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",),
    }


class KMNIST(MNIST):
    """Cursive Japanese in MNIST's format: 60,000 to train, 10,000 to test. Arguments as ``MNIST``.

    Source: T. Clanuwat et al., arXiv:1812.01718, 2018. CC BY-SA 4.0.
    """

    name = "KMNIST"
    key = "kmnist"
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    mean, std = 0.1918, 0.3483
    mirrors = ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",)  # its makers' own, the only one known
    hashes: ClassVar[dict[str, tuple[str, ...]]] = {  # as TensorFlow Datasets gives them
        "train-images-idx3-ubyte": ("51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",),
        "train-labels-idx1-ubyte": ("e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",),
        "t10k-images-idx3-ubyte": ("edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",),
        "t10k-labels-idx1-ubyte": ("20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",),
    }


FAMILY: tuple[type[MNIST], ...] = (MNIST, FashionMNIST, KMNIST)

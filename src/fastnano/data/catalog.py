"""Data sets by name: load, find, fetch, verify and import them."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from .cache import Hashes, cache_folder, digest, log
from .idx import parse, unpack, write_bytes
from .images import DatasetNotFoundError, ImageDataset, Place, Root
from .mnist import KMNIST, MNIST, FashionMNIST
from .synthetic import SyntheticDigits

Kind: TypeAlias = type[MNIST] | type[SyntheticDigits]

_KINDS: tuple[Kind, ...] = (MNIST, FashionMNIST, KMNIST, SyntheticDigits)
DATASETS: dict[str, Kind] = {kind.key: kind for kind in _KINDS}


def load(name: str = "auto", root: Root = None, train: bool = True) -> ImageDataset:
    """A data set by name: "mnist", "fashion-mnist", "kmnist" or "synthetic" (which has no root).

    "auto" is MNIST if it is found or can be downloaded, else the synthetic digits; ``.name`` and ``.source``
    say which, ``.instead_of`` why not MNIST, and ``load(train.name, root, train=False)`` gives the other
    split of the same set. With a root it is MNIST, from that folder.

    Raises ``ValueError`` for an unknown name and what the set itself raises.
    """
    kind, lack = _auto(root) if name == "auto" else (_kind(name), "")
    dataset = kind(root, train) if issubclass(kind, MNIST) else kind(train)
    dataset.instead_of = lack
    return dataset


def _auto(root: Root) -> tuple[Kind, str]:
    """MNIST, or what there is instead and why."""
    try:
        if root is None and MNIST.find() is None:
            MNIST.fetch()
    except DatasetNotFoundError as error:
        log.warning("%s\nThe synthetic digits are used in its stead.", error)
        return SyntheticDigits, f"{MNIST.name}, which was not found, and {error.reason}"
    return MNIST, ""


def _kind(name: str) -> Kind:
    """The class of a data set, by its key, name or class name, in capitals or not."""
    for kind in DATASETS.values():
        if _plain(name) in map(_plain, (kind.key, kind.name, kind.__name__)):
            return kind
    close = difflib.get_close_matches(name.lower(), [*DATASETS, "auto"], 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"data set {name!r} is unknown, expected one of {', '.join(DATASETS)} or auto{hint}")


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def where(name: str, root: Root = None) -> list[Place]:
    """Every folder that is looked into for a data set, in order, and the files it has."""
    return _kind(name).places(root)


def find(name: str, root: Root = None) -> Place | None:
    """The first folder that has the whole data set (train and test), or None."""
    return _kind(name).find(root)


def fetch(name: str) -> Place:
    """Bring a data set into the cache folder: download it, or draw it if synthetic.

    Raises ``DatasetNotFoundError`` where no mirror gives it or ``FASTNANO_OFFLINE`` is set.
    """
    return _kind(name).fetch()


@dataclass(frozen=True)
class Check:
    """What ``verify`` found of one file."""

    path: Path
    sha256: str  # of the file as it is
    published: bool  # whether that, or its content's, is the published one
    error: str = ""  # what is wrong with it as IDX, if anything is


def verify(name: str, root: Root = None) -> list[Check]:
    """Read every file of a data set whole and compare its SHA-256 with the published one.

    Raises ``DatasetNotFoundError`` where the set is not on this machine.
    """
    kind = _kind(name)
    for place in kind.places(root):
        if place.complete:
            return [_check(kind, stem, path) for stem, path in place.files.items()]
    raise kind.not_found(root, "so there is nothing to verify")


def _check(kind: Kind, stem: str, path: Path) -> Check:
    data = path.read_bytes()
    found = digest(data)
    try:
        content = unpack(data, path)
        parse(content, path)
    except ValueError as error:
        return Check(path, found, False, str(error))
    return Check(path, found, kind.is_published(stem, Hashes(found, digest(content))))


def import_files(name: str, folder: str | os.PathLike[str]) -> Place:
    """Copy a data set's four files from a folder (of a USB stick, say) into the cache folder.

    Raises ``DatasetNotFoundError`` where the folder lacks one, ``ValueError`` where a SHA-256 is not the
    published one: files of your own stay where they are and are used by ``root``.
    """
    kind = _kind(name)
    place = next((p for p in kind.places(folder) if p.label == "given folder" and p.complete), None)
    if place is None:
        raise kind.not_found(folder, "there is nothing to import in the given folder")
    checks = {stem: _check(kind, stem, path) for stem, path in place.files.items()}
    for check in checks.values():
        if not check.published:
            raise ValueError(
                f"{check.path}: found SHA-256 {check.sha256}, expected one published for {kind.name}; import "
                f"its makers' .gz files, or use your own by root={str(folder)!r}"
            )
    target = cache_folder() / kind.key
    for stem, check in checks.items():
        write_bytes(target / (stem + ".gz" * (check.path.suffix == ".gz")), check.path.read_bytes())
    return kind.places()[-1]

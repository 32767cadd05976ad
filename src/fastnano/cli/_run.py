"""What commands share: run folders, TOML, data sets with what is said of them, terminal pictures."""

from __future__ import annotations

import json
import logging
import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..data import ImageDataset
    from ..nn import Module

CONFIG, MODEL, TRAINING = "run.toml", "model.safetensors", "training.safetensors"
DATASETS = ("auto", "mnist", "fashion-mnist", "kmnist", "synthetic")
INPUT_SHAPE = (1, 28, 28)


# Run folders


@dataclass
class Run:
    """A trained network and what is known of it."""

    folder: Path
    model: Module
    metadata: dict[str, Any]  # dataset (its key), name, classes, mean, std, sha256
    options: dict[str, Any]  # of the command that made it

    @classmethod
    def open(cls, path: str) -> Run:
        """From a run's folder, or its model file."""
        from .. import checkpoint

        given = Path(path)
        file = given / MODEL if given.is_dir() else given
        if not file.is_file():
            near = sorted(str(p.parent) for p in Path("runs").glob(f"*/{MODEL}"))[-5:]
            there = f"; there is {', '.join(near)}" if near else "; `fastnano train` makes one"
            raise FileNotFoundError(f"{path}: no run is here (no {MODEL}){there}")
        metadata = checkpoint.load_metadata(file)
        missing = {"dataset", "name", "classes", "mean", "std", "sha256"} - metadata.keys()
        if missing:
            raise ValueError(f"{file}: was not written by `fastnano train` (no {', '.join(sorted(missing))})")
        config = file.parent / CONFIG
        options = read_options(config) if config.is_file() else {}
        return cls(file.parent, checkpoint.load(file), metadata, options)

    def test_data(self, root: str | None) -> ImageDataset:
        """The test images of the data set that the network was trained on."""
        from ..data import load

        return load(self.metadata["dataset"], root or self.options.get("data-dir"), train=False)

    def predict(self, images: Any) -> Any:
        """The network's outputs for uint8 images (N, 28, 28)."""
        return self.trainer().predict(images)

    def trainer(self) -> Any:
        from .._training_data import Prepare
        from ..nn import CrossEntropyLoss
        from ..optim import SGD
        from ..train import Trainer

        transform = Prepare(self.metadata["mean"], self.metadata["std"])
        return Trainer(self.model, CrossEntropyLoss(), SGD(self.model.parameters()), transform=transform)


def read_toml(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: is not TOML: {error}") from error
    for name, table in found.items():
        if not isinstance(table, dict):
            raise ValueError(f"{path}: {name} stands in no table; options stand below a line [options]")
    return found


def read_options(path: Path) -> dict[str, Any]:
    """The options that a run's file holds."""
    options = read_toml(path).get("options")
    if not isinstance(options, dict):
        raise ValueError(f"{path}: has no table [options]")
    if not isinstance(options.get("data-dir", ""), str):
        raise ValueError(f"{path}: data-dir is {options['data-dir']!r}, expected a folder's name")
    return options


def write_toml(path: Path, comment: str, tables: dict[str, dict[str, Any]]) -> None:
    """Tables of words, numbers and truth values; what is None is left out."""
    from ..data.idx import write_bytes

    lines = [f"# {comment}"]
    for title, table in tables.items():
        lines += ["", f"[{title}]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in table.items() if value is not None]
    write_bytes(path, ("\n".join(lines) + "\n").encode())


# Data


@contextmanager
def _notes() -> Iterator[list[str]]:
    """Collect the warnings that data sets log, to be shown below the line that names the set."""
    notes: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            notes.append(record.getMessage())

    log, handler = logging.getLogger("fastnano.data"), Collect(logging.WARNING)
    propagate, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield notes
    finally:
        log.removeHandler(handler)
        log.propagate = propagate


def load_data(name: str, root: str | None) -> tuple[ImageDataset, ImageDataset, list[str]]:
    """The training and the test images of a data set, and what there is to say about how they were found."""
    from ..data import load

    with _notes() as notes:
        train = load(name, root)
        test = load(train.key, root, train=False)
    return train, test, list(dict.fromkeys(notes))


def data_line(dataset: ImageDataset) -> str:
    checked = "verified" if dataset.verified else "not verified: the SHA-256 is not a published one"
    lack = f" (instead of {dataset.instead_of})" if dataset.instead_of else ""
    return f"{dataset.name}{lack} from {dataset.source}, {checked}"


# Terminal


def say(text: str = "", style: str = "") -> None:
    """Print a line, in a style where the output is a terminal; as it is, unwrapped."""
    if style and sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False).print(text, style=style, markup=False, soft_wrap=True)
    else:
        print(text)


def label(name: str, text: str) -> None:
    """A line of the table that a command begins with."""
    if sys.stdout.isatty():
        print(f"\033[1m{name:8}\033[0m{text}")
    else:
        print(f"{name:8}{text}")


def percent(share: float, dataset: str, part: str = "test") -> str:
    """An accuracy is never shown without what it was measured on."""
    return f"{100 * share:.2f} % on {dataset} {part}"


def pictures(write: Any) -> str:
    """Write pictures; where matplotlib is missing, say how to get it instead."""
    try:
        write()
    except ImportError as error:
        if "matplotlib" not in str(error) and getattr(error, "name", "") != "matplotlib":
            raise
        return "Pictures need matplotlib: pip install 'fastnano[viz]'"
    return ""


def first_filters(model: Module, layer: int | str = 0, colour: bool = True) -> str:
    """A layer's filters as text: all of them, or, where they are many, one row of the terminal."""
    from .. import inspect

    weights = inspect.filters(model, layer)
    count, channels, _, width = weights.shape
    columns = shutil.get_terminal_size().columns
    fit = max(1, (columns + 2) // (width + 2))
    if count * channels <= 64:
        return inspect.show_filters(model, layer, colour=colour)
    shown = inspect.half_blocks(weights[:fit, 0], colour=colour)
    few = f"The first {min(fit, count)} of {count} filters" + (
        f", the first of their {channels} channels" if channels > 1 else ""
    )
    return f"{few}\n\n{shown}"

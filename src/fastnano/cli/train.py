"""``fastnano train``: from a data set's name to a run folder.

model.safetensors  training.safetensors  run.toml  log.jsonl  curves.png  confusion.png  filters.png
"""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _options
from ._parser import UsageError
from ._run import (
    CONFIG,
    MODEL,
    TRAINING,
    data_line,
    first_filters,
    label,
    load_data,
    percent,
    pictures,
    read_toml,
    say,
    write_toml,
)
from .info import native

if TYPE_CHECKING:
    from ..data import ImageDataset
    from ..nn import Module
    from ..train import Trainer


def main(argv: list[str]) -> int:
    args = _options.parse(argv)
    train, test, notes = load_data(args.dataset, args.data_dir)
    label("Data", data_line(train))
    for note in notes:
        print(note, file=sys.stderr)
    args.dataset = train.key  # what auto has chosen
    _same_images(args, train)
    _engine(args)
    part, validation = _split(args, train)
    found = _look_for_rate(args, train, part) if args.lr == "auto" else None
    trainer = _trainer(args, train, len(part))
    folder = _folder(args)
    if found is not None:
        pictures(lambda: found.plot(folder / "rates.png"))
    _watch(args, trainer, folder)
    _introduce(args, trainer.model, (part, validation, test), folder)
    tables = {"options": _options.options(args), "data": _data(train, test), "versions": _versions()}
    write_toml(folder / CONFIG, f"fastnano train --config {CONFIG} repeats this run.", tables)
    try:
        history = _fit(args, trainer, part, validation)
    except BaseException:
        _remove_if_empty(folder, args)
        raise
    result = _finish(trainer, train, test, folder)
    write_toml(
        folder / CONFIG, f"fastnano train --config {CONFIG} repeats this run.", tables | {"result": result}
    )
    if history.stopped:
        begun = (folder / TRAINING).is_file()
        way = f"--resume {folder}` goes on" if begun else f"--config {folder / CONFIG}` begins again"
        say(f"Stopped: {history.stopped}; `fastnano train {way}", "bold")
    return 130 if history.stopped else 0


# Before


def _engine(args: Any) -> None:
    from .. import manual_seed, use_backend
    from .._state import current_backend

    try:
        use_backend(args.backend or current_backend())
    except ImportError as error:
        raise ImportError(f"native code is not built ({error}); build it, or use --backend numba") from error
    args.backend = current_backend()
    if args.threads:
        from .. import set_num_threads

        set_num_threads(args.threads)
    manual_seed(args.seed)


def _same_images(args: Any, train: ImageDataset) -> None:
    """Repeating a run needs its images."""
    path = _options.run_file(args)
    if path is None or args.dataset != read_toml(path)["options"].get("dataset"):
        return
    known = read_toml(path).get("data", {}).get("sha256", train.sha256)
    if known != train.sha256:
        raise ValueError(
            f"{path}: was made with {train.name} images of SHA-256 {known}, but {train.source} has "
            f"{train.sha256}; name the folder of the others with --data-dir"
        )


def _split(args: Any, train: ImageDataset) -> tuple[Any, Any]:
    """Training and validation images, disjoint and chosen by the seed."""
    from ..data import random_split

    held = round(args.validation * len(train))
    if not held:
        return train, None
    if held == len(train):
        raise UsageError(f"train: --validation {args.validation} leaves no image to train on")
    part, validation = random_split(train, [len(train) - held, held], args.seed)
    return part, validation


def _look_for_rate(args: Any, train: ImageDataset, part: Any) -> Any:
    """A learning-rate range test, whose suggestion becomes the option; the training then starts as without it."""
    from .. import lr_find, manual_seed

    model = _options.network(args, train)
    optimizer, batch = _options.optimizer(args, model), args.batch_size
    found = lr_find(model, _options.loss(args), optimizer, part, batch_size=batch, seed=args.seed)
    args.lr = float(f"{found.suggestion:.2g}")
    label("Rate", f"{args.lr:g}, where the loss falls fastest as the rate grows ({len(found.lrs)} steps)")
    manual_seed(args.seed)
    return found


def _trainer(args: Any, train: ImageDataset, images: int) -> Trainer:
    from ..train import Trainer

    model = _options.network(args, train)
    optimizer = _options.optimizer(args, model)
    scheduler = _options.scheduler(args, optimizer, -(-images // args.batch_size))
    return Trainer(model, _options.loss(args), optimizer, scheduler, clip_norm=args.clip_norm)


def _folder(args: Any) -> Path:
    """The run's folder, made new; never one that has something in it."""
    if args.resume:
        return Path(args.resume)
    if args.out:
        folder = Path(args.out)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FileExistsError(
                f"--out {folder}: is there already, and runs overwrite nothing; name another"
            )
    else:
        name = f"{date.today()}-{args.dataset}-{args.model or 'layers'}"
        names = (Path("runs") / (name + (f"-{i}" if i > 1 else "")) for i in range(1, 10_000))
        folder = next(folder for folder in names if not folder.exists())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise OSError(
            f"{folder}: runs cannot be written there ({error.strerror}); name another folder with --out"
        ) from error


def _remove_if_empty(folder: Path, args: Any) -> None:
    """A run that failed in its first epoch leaves nothing behind."""
    if not args.resume and not (folder / TRAINING).exists():
        for name in (CONFIG, "log.jsonl"):
            (folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # it may hold what others wrote
            folder.rmdir()


def _introduce(args: Any, model: Module, parts: tuple[Any, Any, Any], folder: Path) -> None:
    train, validation, test = (0 if part is None else len(part) for part in parts)
    parameters = sum(p.numel() for p in model.parameters())
    rate = f"{args.optimizer}, learning rate {args.lr:g} ({args.schedule})"
    label("Images", f"{train:,} to train on, {validation:,} to validate, {test:,} to test")
    label("Network", f"{args.model or args.layers}, {parameters:,} parameters")
    label(
        "Method",
        f"{args.loss}, {rate}, {_epochs(args.epochs)} in batches of {args.batch_size}, seed {args.seed}",
    )
    label(
        "Engine",
        f"{args.backend}" + (" ({1}, {2} threads)".format(*native()) if args.backend == "cython" else ""),
    )
    label("Run", f"{folder}\n")


def _epochs(number: int) -> str:
    return f"{number} epoch" + ("" if number == 1 else "s")


def _data(train: ImageDataset, test: ImageDataset) -> dict[str, Any]:
    return {
        "name": train.name,
        "instead-of": train.instead_of or None,
        "source": train.source,
        "verified": train.verified and test.verified,
        "sha256": train.sha256,
        "sha256-test": test.sha256,
    }


def _versions() -> dict[str, Any]:
    import numpy as np

    from .. import __version__

    _, isa, threads = native()
    return {
        "fastnano": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "instruction-set": isa,
        "threads": threads,
    }


# During and after


def _watch(args: Any, trainer: Trainer, folder: Path) -> None:
    """Log and checkpoint every epoch; where a run is resumed, go to where it was."""
    from .. import callbacks, checkpoint

    trainer.callbacks += [
        callbacks.JSONLogger(folder / "log.jsonl"),
        callbacks.TrainingCheckpoint(folder / TRAINING),
    ]
    if args.resume:
        if not (folder / TRAINING).is_file():
            raise FileNotFoundError(
                f"--resume {folder}: no epoch of it was completed; repeat it with --config"
            )
        try:
            checkpoint.load_training(folder / TRAINING, trainer)
        except ValueError as error:
            raise ValueError(f"{error}; begin again with --config {folder / CONFIG}") from error
        if trainer.epoch >= args.epochs and "result" in read_toml(folder / CONFIG):
            raise ValueError(f"--resume {folder}: nothing is left of its {_epochs(args.epochs)}")


def _fit(args: Any, trainer: Trainer, train: Any, validation: Any) -> Any:
    if trainer.epoch >= args.epochs:  # only the end of the run is missing
        return trainer.history
    return trainer.fit(
        train,
        validation,
        epochs=args.epochs - trainer.epoch,
        batch_size=args.batch_size,
        seed=args.seed,
        augment=_options.augmentation(args.augment),
        compile=_options.COMPILE[args.compile],
    )


def _finish(trainer: Trainer, train: ImageDataset, test: ImageDataset, folder: Path) -> dict[str, Any]:
    """Test, write model and pictures, show the result; returns what the run's file keeps of it."""
    from .. import checkpoint, inspect
    from ..metrics import confusion_matrix

    began = time.perf_counter()
    scores = trainer.predict(test)
    testing = time.perf_counter() - began
    matrix = confusion_matrix(scores, test.labels)
    accuracy = float(matrix.trace() / matrix.sum())
    about = {name: getattr(train, name) for name in ("name", "classes", "mean", "std", "sha256")}
    checkpoint.save(folder / MODEL, trainer.model, dataset=train.key, **about, test_accuracy=accuracy)

    def draw() -> None:
        inspect.plot_confusion(matrix, test.classes, folder / "confusion.png", f"{test.name} test")
        if trainer.history.epochs:
            inspect.plot_curves(trainer.history, folder / "curves.png")
        inspect.plot_filters(trainer.model, folder / "filters.png")

    note = pictures(draw)
    records = trainer.history.epochs
    seconds = sum(record["seconds"] for record in records)
    speed = sum(record["seconds"] * record["images_per_second"] for record in records) / max(seconds, 1e-9)
    if sys.stdout.isatty():
        print(f"\n{first_filters(trainer.model)}")
    say(f"\n{percent(accuracy, test.name)} ({len(test):,} images)", "bold green")
    done = f"{seconds:.1f} s of training, {speed:,.0f} images/s" if records else "no epoch was completed"
    print(f"{done}; tested in {testing:.1f} s")
    print(f"{note}\nThe run is in {folder}" if note else f"The run is in {folder}")
    return {
        "test-accuracy": accuracy,
        "epochs": trainer.epoch,
        "stopped": trainer.history.stopped or None,
        "seconds": seconds,
        "images-per-second": speed if records else None,
    }

"""What watches a training: stops it, keeps its best weights, writes its numbers down, shows how far it is."""

from __future__ import annotations

import csv
import json
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .train import Trainer

NEVER = "compile=False"  # the reason to train layer by layer that needs no telling
Record = dict[str, Any]
File = str | os.PathLike[str]


class Callback:
    """The base: override what is of interest.  ``trainer.status`` says where the training is; to end it, set
    ``trainer.stop`` to the reason.  ``state_dict`` is what a training checkpoint keeps of a callback."""

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Called before the first epoch."""

    def on_epoch_begin(self, trainer: Trainer) -> None:
        """Called before each epoch."""

    def on_step_end(self, trainer: Trainer) -> None:
        """Called after each batch; what it changes counts from the next one on.  Compiled steps leave no gradients
        behind (``fit(compile=False)`` does)."""

    def on_epoch_end(self, trainer: Trainer, record: Record) -> None:
        """Called after each epoch with its record, that of ``History``."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """Called at the end, for whatever reason it came."""

    def state_dict(self) -> dict[str, Any]:
        """What a training checkpoint keeps of the callback."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state_dict`` was taken."""


class _Best(Callback):
    """Keeps the best value of one of the numbers: the highest of an accuracy, the lowest of anything else."""

    def __init__(self, monitor: str, min_delta: float = 0.0) -> None:
        if not min_delta >= 0:
            raise ValueError(f"{type(self).__name__}: min_delta={min_delta} must be at least 0")
        self.monitor, self.min_delta = monitor, min_delta
        self.best: float | None = None
        self.best_epoch = 0

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Raises ValueError where ``monitor`` is of validation data, and there are none."""
        if self.monitor.startswith("val_") and not trainer.status.validates:
            raise ValueError(
                f"{type(self).__name__}: monitor={self.monitor!r} is not measured without validation data; pass "
                f"validation= to fit, or monitor {self.monitor[4:]!r}"
            )

    def improved(self, record: Record) -> bool:
        """Whether the record has the best value so far, which is kept; ValueError where it has none."""
        if self.monitor not in record:
            raise ValueError(
                f"{type(self).__name__}: monitor={self.monitor!r} is not measured, there is {', '.join(record)}"
            )
        value, sign = record[self.monitor], 1 if "accuracy" in self.monitor else -1
        if math.isnan(value) or (self.best is not None and sign * (value - self.best) <= self.min_delta):
            return False
        self.best, self.best_epoch = value, record["epoch"]
        return True

    def state_dict(self) -> dict[str, Any]:
        """The best value and its epoch."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a best value and its epoch."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]


class EarlyStopping(_Best):
    """Stop when ``monitor`` has not become better, by more than ``min_delta``, for ``patience`` epochs.

    ``restore_best_weights`` puts the weights (and buffers) of the best epoch back when ``fit`` ends, for whatever
    reason it ends; of a training that went on from a checkpoint, the best epoch since then.
    Source: L. Prechelt, "Early Stopping - But When?", 1998.
    """

    def __init__(
        self,
        patience: int = 3,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        restore_best_weights: bool = False,
    ) -> None:
        if patience < 1:
            raise ValueError(f"EarlyStopping: patience={patience} must be at least 1")
        super().__init__(monitor, min_delta)
        self.patience, self.restore_best_weights = patience, restore_best_weights
        self._weights: dict[str, Any] | None = None

    def on_epoch_end(self, trainer: Trainer, record: Record) -> None:
        """Keep the weights of the best epoch, or stop when it was too long ago."""
        if self.improved(record):
            if self.restore_best_weights:
                self._weights = {name: t.data.copy() for name, t in trainer.model.state_dict().items()}
        elif record["epoch"] - self.best_epoch >= self.patience:
            trainer.stop = f"{self.monitor} no better than in epoch {self.best_epoch}"

    def on_fit_end(self, trainer: Trainer) -> None:
        """Put the kept weights back."""
        if self._weights is not None:
            trainer.model.load_state_dict(self._weights)


class BestCheckpoint(_Best):
    """Save the model whenever ``monitor`` is better than ever; ``fastnano.load(path)`` gives it back."""

    def __init__(self, path: File, monitor: str = "val_loss") -> None:
        super().__init__(monitor)
        self.path = Path(path)

    def on_epoch_end(self, trainer: Trainer, record: Record) -> None:
        """Save the model if this epoch was the best."""
        from . import checkpoint

        if self.improved(record):
            checkpoint.save(self.path, trainer.model, dataset=trainer.history.dataset, **record)


class TrainingCheckpoint(Callback):
    """Save all that ``checkpoint.load_training`` needs to go on, after each epoch."""

    def __init__(self, path: File) -> None:
        self.path = Path(path)

    def on_epoch_end(self, trainer: Trainer, record: Record) -> None:
        """Save the training."""
        from . import checkpoint

        checkpoint.save_training(self.path, trainer)


class _Logger(Callback):
    """Writes a line per epoch; a new training starts the file anew, a resumed one goes on."""

    def __init__(self, path: File) -> None:
        self.path = Path(path)

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Begin the file anew, with the epochs of a training that goes on."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("")
        for record in trainer.history.epochs:
            self.on_epoch_end(trainer, record)

    def on_epoch_end(self, trainer: Trainer, record: Record) -> None:
        """Append the record."""
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            self.write(file, record, first=file.tell() == 0)

    def write(self, file: Any, record: Record, first: bool) -> None:
        """Write the record of an epoch to the open file, the ``first`` with what has to go before it."""
        raise NotImplementedError(f"{type(self).__name__}.write: write the record to the file")


class CSVLogger(_Logger):
    """One row per epoch, under a row of names."""

    def write(self, file: Any, record: Record, first: bool) -> None:
        """A row of values, under one of names."""
        writer = csv.writer(file, lineterminator="\n")
        if first:
            writer.writerow(record)
        writer.writerow(record.values())


class JSONLogger(_Logger):
    """One JSON object per line and epoch; NaN and infinity, which JSON has not, are null."""

    def write(self, file: Any, record: Record, first: bool) -> None:
        """A line of JSON."""
        finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
        file.write(json.dumps(finite) + "\n")


class ProgressBar(Callback):
    """A table with a row per epoch; on a terminal a bar below it: loss, accuracy, images/s, time left."""

    every = 0.1  # seconds between two looks at the bar

    def __init__(self, console: Any = None) -> None:
        self.console = console
        self._bar: Any = None

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Say what is special about the training, and draw the bar."""
        from rich.console import Console

        self.console = self.console or Console(highlight=False)
        if trainer.history.eager not in ("", NEVER):
            self._print(f"Training layer by layer, since no native plan can be made: {trainer.history.eager}")
        if trainer.history.cached:
            self._print(f"Frozen layers were evaluated once: {trainer.history.cached}")
        self._columns: list[tuple[str, str]] = []
        self._begun = self._drawn = time.perf_counter()
        self._done = trainer.epoch
        if self.console.is_terminal:
            self._bar = _bar(self.console, 60 + len(trainer.history.dataset))
            self._task = self._bar.add_task("", total=1, text="")
            self._bar.start()

    def on_step_end(self, trainer: Trainer) -> None:
        """Move the bar, ten times per second at most."""
        now = time.perf_counter()
        if self._bar is not None and now - self._drawn >= self.every:
            self._drawn = now
            self._draw(trainer, now - self._begun)

    def _draw(self, trainer: Trainer, elapsed: float) -> None:
        status = trainer.status
        share = (status.epoch - 1 + status.step / status.steps - self._done) / (status.epochs - self._done)
        left = elapsed * (1 / share - 1)
        parts = [f"loss {status.loss:.4f}"]
        if status.accuracy is not None:
            parts.append(_percent(status.accuracy))
        parts += [f"{status.images / status.seconds:,.0f} images/s", f"{left:.0f} s left"]
        text = f"{trainer.history.dataset} epoch {status.epoch}/{status.epochs}".lstrip()
        self._bar.update(self._task, completed=share, description=text, text="  ".join(parts), refresh=True)

    def on_epoch_end(self, trainer: Trainer, record: Record) -> None:
        """Print the epoch's row, the first one under titles."""
        if not self._columns:
            self._columns = _columns(record)
            titles = "  ".join(title for title, _ in self._columns)
            if "accuracy" in record:
                self._print(
                    " " * titles.index("   train") + f"  accuracy on {trainer.history.dataset or 'data'}"
                )
            self._print(titles)
        cells = {
            "epoch": f"{record['epoch']}/{trainer.status.epochs}",
            "loss": f"{record['loss']:.4f}",
            "images_per_second": f"{record['images_per_second']:,.0f}",
            "seconds": f"{record['seconds']:.1f}",
        }
        cells |= {name: _percent(record[name]) for name in ("accuracy", "val_accuracy") if name in record}
        if "val_loss" in record:
            cells["val_loss"] = f"{record['val_loss']:.4f}"
        self._print("  ".join(cells[name].rjust(len(title)) for title, name in self._columns))

    def on_fit_end(self, trainer: Trainer) -> None:
        """Take the bar away; say why the training was stopped."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if trainer.stop:
            self._print(f"Stopped in epoch {trainer.status.epoch}: {trainer.stop}")

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, soft_wrap=True)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _columns(record: Record) -> list[tuple[str, str]]:
    """Titles as wide as what stands below them, and its name in the record."""
    titles = {
        "epoch": "epoch",
        "loss": "    loss",
        "accuracy": "   train",
        "val_accuracy": "validation",
        "val_loss": "val loss",
        "images_per_second": "images/s",
        "seconds": "seconds",
    }
    shown = {name: title for name, title in titles.items() if name in record}
    if "val_accuracy" in shown:
        del shown["val_loss"]
    return [(title, name) for name, title in shown.items()]


def _bar(console: Any, text: int) -> Any:
    """As long as so many columns of text leave."""
    from rich.progress import BarColumn, Progress, TextColumn

    width = max(4, min(24, console.width - text))
    columns = (TextColumn("{task.description}"), BarColumn(width), TextColumn("{task.fields[text]}"))
    return Progress(*columns, console=console, auto_refresh=False, transient=True)

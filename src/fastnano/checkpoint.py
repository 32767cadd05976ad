"""Models and trainings on disk, as safetensors files: arrays, and JSON beside them; never code, never pickle.

A model file holds the weights under their ``state_dict`` names and, as metadata, its architecture by layer
names.  A training file holds what is needed to go on bit for bit: optimiser, schedule, random state, history.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import architecture
from ._random import Generator, default_generator
from .data.idx import atomic

if TYPE_CHECKING:
    from .nn import Module
    from .train import Trainer

FORMAT, FORMAT_VERSION = "fastnano", 1
File = str | os.PathLike[str]
Arrays = dict[str, np.ndarray]


# Models


def save(path: File, model: Module, **metadata: Any) -> None:
    """Write a model, and whatever JSON can hold beside it; the file is there whole or not at all.

    A model of classes that ``architecture.register`` does not know is saved by its weights alone.  How ``fit`` scaled
    the images it was trained on is saved too, for ``Trainer``s of the model that is loaded.

    Raises TypeError where the model is no Module.
    """
    from .nn import Module

    if not isinstance(model, Module):
        raise TypeError(
            f"save: model must be a Module, got {type(model).__name__}; the path comes first, save(path, model), and "
            "a tensor is saved by numpy.save(path, x.numpy())"
        )
    try:
        description = architecture.describe(model)
    except TypeError as error:
        description = {"unknown": str(error)}
    weights = {name: tensor.data for name, tensor in model.state_dict().items()}
    header = {"kind": "model", "architecture": description, "metadata": metadata}
    _write(path, weights, header | {"scaling": getattr(model, "_scaling", None)})


def load(path: File, model: Module | None = None) -> Module:
    """The model of a file, in evaluation mode; into ``model`` where one is given.

    Raises ValueError for a file that is damaged, of another program, or of a newer version of this one.
    """
    arrays, header = _read(path, "model")
    if model is None:
        description = header["architecture"]
        if "unknown" in description:
            raise ValueError(
                f"{path}: holds weights without their architecture ({description['unknown']}); give the "
                "model: load(path, model=...)"
            )
        with _undisturbed():
            model = architecture.build(description)
    try:
        model.load_state_dict(arrays)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path}: does not fit the model: {error.args[0]}") from error
    if scaling := header.get("scaling"):
        vars(model)["_scaling"] = tuple(scaling)
    return model.eval()


def load_metadata(path: File) -> dict[str, Any]:
    """What was given to ``save`` beside the model."""
    return _read(path, "model")[1]["metadata"]


# Trainings


def save_training(path: File, trainer: Trainer) -> None:
    """Write all that ``load_training`` needs to go on after the last epoch."""
    arrays = {f"model.{name}": tensor.data for name, tensor in trainer.model.state_dict().items()}
    optimizer = trainer.optimizer.state_dict()
    for place, values in optimizer["state"].items():
        arrays |= {f"optimizer.{place}.{name}": array for name, array in values.items()}
    arrays |= {f"generator.{name}": generator.state for name, generator in _generators(trainer.model)}
    header = {
        "kind": "training",
        "groups": optimizer["param_groups"],
        "scheduler": trainer.scheduler.state_dict() if trainer.scheduler else None,
        "random": default_generator.rng.bit_generator.state,
        "history": {"dataset": trainer.history.dataset, "epochs": trainer.history.epochs},
        "callbacks": [[type(callback).__name__, callback.state_dict()] for callback in trainer.callbacks],
    }
    _write(path, arrays, header)


def load_training(path: File, trainer: Trainer) -> None:
    """Bring a trainer, made as the saved one was, to where that one stood; ``fit`` then goes on bit for bit.

    Raises ValueError for a file that is damaged or does not fit the trainer.
    """
    arrays, header = _read(path, "training")
    names = [type(callback).__name__ for callback in trainer.callbacks]
    if names != [name for name, _ in header["callbacks"]]:
        saved = ", ".join(name for name, _ in header["callbacks"])
        raise ValueError(
            f"{path}: the training had callbacks {saved or 'none'}, this one has {', '.join(names) or 'none'}"
        )
    if (trainer.scheduler is None) != (header["scheduler"] is None):
        raise ValueError(f"{path}: the training was {'without' if trainer.scheduler else 'with'} a schedule")
    try:
        trainer.model.load_state_dict(_below("model", arrays))
        trainer.optimizer.load_state_dict(_optimizer_state(header["groups"], _below("optimizer", arrays)))
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path}: does not fit the trainer: {error.args[0]}") from error
    if trainer.scheduler is not None:
        trainer.scheduler.load_state_dict(header["scheduler"])
    for name, generator in _generators(trainer.model):
        generator.state[:] = arrays[f"generator.{name}"]
    default_generator.rng.bit_generator.state = header["random"]
    trainer.history.dataset, trainer.history.epochs = (
        header["history"]["dataset"],
        header["history"]["epochs"],
    )
    for callback, (_, state) in zip(trainer.callbacks, header["callbacks"], strict=True):
        callback.load_state_dict(state)


def _optimizer_state(groups: list[dict[str, Any]], arrays: Arrays) -> dict[str, Any]:
    state: dict[int, Arrays] = {}
    for key, array in arrays.items():
        place, _, name = key.partition(".")
        state.setdefault(int(place), {})[name] = array
    tuples = [{k: tuple(v) if isinstance(v, list) else v for k, v in group.items()} for group in groups]
    return {"state": state, "param_groups": tuples}


def _below(prefix: str, arrays: Arrays) -> Arrays:
    return {key.removeprefix(f"{prefix}."): a for key, a in arrays.items() if key.startswith(f"{prefix}.")}


def _generators(model: Module) -> Iterator[tuple[str, Generator]]:
    """Every generator of random masks that a training uses, by the name of its layer."""
    yield "default", default_generator
    for name, module in model.named_modules():
        own = getattr(module, "generator", None)
        if own is not None:
            yield f"layer.{name}", own


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Initial weights that are about to be overwritten take nothing from the stream of random numbers."""
    stream, default_generator.rng = default_generator.rng, np.random.default_rng(0)
    try:
        yield
    finally:
        default_generator.rng = stream


# Files


def _write(path: File, arrays: Arrays, header: dict[str, Any]) -> None:
    from safetensors.numpy import save_file

    try:
        text = json.dumps(header)
    except TypeError as error:
        raise TypeError(f"save: {path}: metadata must be what JSON can hold ({error})") from error
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    metadata = {"format": FORMAT, "format_version": str(FORMAT_VERSION), "fastnano": text}
    with atomic(Path(path)) as temporary:
        save_file(contiguous, temporary, metadata)


def _read(path: File, kind: str) -> tuple[Arrays, dict[str, Any]]:
    """Arrays and header of a file, after checking whose and what it is."""
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise ValueError(f"{path}: is damaged, or not a safetensors file ({error})") from error
    if metadata.get("format") != FORMAT:
        raise ValueError(
            f"{path}: was not written by fastnano (format {metadata.get('format')!r}); to use its weights, "
            "read them with safetensors.numpy.load_file and hand them to model.load_state_dict"
        )
    version = metadata.get("format_version", "")
    if not version.isdigit() or int(version) > FORMAT_VERSION:
        raise ValueError(
            f"{path}: has format version {version!r}, this fastnano reads up to {FORMAT_VERSION}; install a "
            "newer one"
        )
    try:
        header = json.loads(metadata["fastnano"])
        found = header["kind"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: its header is damaged ({error!r})") from error
    if found != kind:
        raise ValueError(f"{path}: holds a {found}, expected a {kind}")
    return arrays, header

"""The same training twice, by a plan and step by step, and how far apart they end."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import fastnano
from fastnano import Tensor, nn, optim
from fastnano.nn.module import evaluating
from fastnano.plan import Plan, measured, training_step
from words import words

SHAPE, CLASSES = (2, 7, 6), 5
RNG = np.random.default_rng(0)
X = RNG.standard_normal((61, *SHAPE)).astype(np.float32)
Y = RNG.integers(0, CLASSES, 61)
MLP = "Flatten(), Linear(84, 9), Tanh(), Linear(9, 5)"
SGD = "SGD(p, lr=0.05, momentum=0.9)"


def build(network: str | Callable[[], nn.Module], seed: int = 3) -> nn.Module:
    """A network of the layers in a text, or whatever a function makes, with the same weights every time."""
    fastnano.manual_seed(seed)
    return network() if callable(network) else nn.Sequential(*eval(f"[{network}]", words(nn)))


def optimiser(text: str, model: nn.Module) -> optim.Optimizer:
    return eval(text, words(optim) | {"p": [p for p in model.parameters() if p.requires_grad]})


def schedule(text: str | None, optimizer: optim.Optimizer) -> Any:
    return eval(text, words(optim.lr_scheduler) | {"o": optimizer}) if text else None


def state(model: nn.Module) -> dict[str, np.ndarray]:
    """A copy of the model's parameters and buffers."""
    return {name: np.array(tensor.data) for name, tensor in model.state_dict().items()}


def bits(model: nn.Module) -> bytes:
    return b"".join(array.tobytes() for array in state(model).values())


def assert_close(got: nn.Module, want: nn.Module, tolerance: float = 1e-4) -> None:
    """Every array equal, relative to the largest number in it."""
    for (name, a), b in zip(state(got).items(), state(want).values(), strict=True):
        scale = max(float(np.abs(b).max()), 1e-3)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale, err_msg=name)


def plain_input(x: np.ndarray, mean: Any = 0.0, std: Any = 1.0) -> np.ndarray:
    """What a network is fed, by the definition."""
    if x.dtype != np.uint8:
        return x if x.dtype == np.int64 else x.astype(np.float32)
    x = x[:, None] if x.ndim == 3 else x
    mean, std = (np.reshape(v, (-1,) + (1,) * (x.ndim - 2)) for v in (mean, std))
    return ((x / 255 - mean) / std).astype(np.float32)


def plain_labels(y: np.ndarray) -> np.ndarray:
    return y.astype(np.float32 if y.dtype.kind == "f" else np.int64)


class Eager:
    """What ``Plan`` promises to be equal to, an epoch or an evaluation at a time."""

    def __init__(self, model, loss, optimizer, batch_size, scheduler=None, mean=0.0, std=1.0, **clip) -> None:
        self.model, self.loss, self.optimizer, self.scheduler = model, loss, optimizer, scheduler
        self.batch_size, self.affine, self.clip = batch_size, (mean, std), clip

    def run_epoch(self, x, y, order=None) -> dict[str, float]:
        x, y = plain_input(x, *self.affine), plain_labels(y)
        order, totals = np.arange(len(x)) if order is None else order, np.zeros(2)
        for i in range(0, len(order), self.batch_size):
            some = order[i : i + self.batch_size]
            step = training_step(self.model, self.loss, self.optimizer, Tensor(x[some]), y[some], **self.clip)
            totals += float(step[0]) * len(some), float(step[1]) if len(step) > 1 else math.nan
            if self.scheduler is not None and self.scheduler.per_batch:
                self.scheduler.step()
        return self._measures(totals / max(len(order), 1))

    def evaluate(self, x, y) -> dict[str, float]:
        x, y = plain_input(x, *self.affine), plain_labels(y)
        with fastnano.no_grad(), evaluating(self.model):
            loss, *right = measured(self.model, self.loss, Tensor(x), y)
        return self._measures((float(loss.data), float(right[0]) / len(x) if right else math.nan))

    @staticmethod
    def _measures(values) -> dict[str, float]:
        return {name: v for name, v in zip(("loss", "accuracy"), values, strict=True) if not math.isnan(v)}


class Twins:
    """A plan and its eager twin."""

    def __init__(
        self,
        network: str | Callable[[], nn.Module] = MLP,
        loss: str | Callable[..., Any] = "CrossEntropyLoss()",
        optimizer: str = SGD,
        batch: int = 13,
        scheduler: str | None = None,
        **options: Any,
    ) -> None:
        self.parts = []
        for kind in (Plan, Eager):
            model = build(network)
            one = optimiser(optimizer, model)
            found = eval(loss, words(nn)) if isinstance(loss, str) else loss
            self.parts.append(kind(model, found, one, batch, scheduler=schedule(scheduler, one), **options))
        self.plan, self.eager = self.parts

    def train(self, x=X, y=Y, epochs: int | None = None, steps: int = 50) -> None:
        """Epochs in the same random orders, or as many as make so many steps, with the same measures."""
        rng = np.random.default_rng(1)
        orders = [
            rng.permutation(len(x)) for _ in range(epochs or math.ceil(steps * self.plan.batch_size / len(x)))
        ]
        results = []
        for part in self.parts:
            fastnano.manual_seed(7)  # of dropout
            results.append([part.run_epoch(x, y, order) for order in orders])
        for got, want in zip(*results, strict=True):
            assert got == approximately(want)

    def check(self, x=X, y=Y, tolerance: float = 1e-4) -> None:
        """The models are equal, and so is what they give."""
        assert_close(self.plan.model, self.eager.model, tolerance)
        assert self.plan.evaluate(x, y) == approximately(self.eager.evaluate(x, y))


def approximately(measures: dict[str, float]) -> Any:
    import pytest

    return pytest.approx(measures, rel=1e-4, abs=1e-5)


def check(*args: Any, x=X, y=Y, steps: int = 50, **options: Any) -> Twins:
    """Train twins for some steps and compare them."""
    twins = Twins(*args, **options)
    twins.train(x, y, steps=steps)
    twins.check(x, y)
    return twins

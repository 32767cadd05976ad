"""A learning rate for each element, from the sizes of its gradients so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .optimizer import Optimizer

__all__ = ["Adadelta", "Adagrad", "RMSprop"]


class Adagrad(Optimizer):
    """g = grad + weight_decay · p;  s += g² (initial_accumulator_value at first);
    p −= lr / (1 + (t − 1) · lr_decay) · g / (√s + eps).

    Source: J. Duchi, E. Hazan, Y. Singer, "Adaptive Subgradient Methods", JMLR 2011.
    """

    first = {"sum": "initial_accumulator_value"}  # noqa: RUF012 (read only)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay}
        hyper |= {"initial_accumulator_value": initial_accumulator_value, "maximize": maximize}
        super().__init__(params, hyper)

    def check(self, hyper: dict[str, Any]) -> None:
        super().check(hyper)
        for name in ("lr_decay", "initial_accumulator_value"):
            if not hyper[name] >= 0:
                raise ValueError(f"Adagrad: {name}={hyper[name]} must be at least 0")

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return "advance", "adagrad"


class Adadelta(Optimizer):
    """g = grad + weight_decay · p;  s = rho · s + (1 − rho) · g²;  d = √(a + eps) / √(s + eps) · g;
    a = rho · a + (1 − rho) · d²;  p −= lr · d.

    Source: M. Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, hyper)

    def check(self, hyper: dict[str, Any]) -> None:
        super().check(hyper)
        if not 0 <= hyper["rho"] <= 1:
            raise ValueError(f"Adadelta: rho={hyper['rho']} must be from 0 to 1")

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return "advance", "adadelta"


class RMSprop(Optimizer):
    """g = grad + weight_decay · p;  s = alpha · s + (1 − alpha) · g²;  p −= lr · g / (√s + eps).

    ``centered``: √(s − m²) for √s, where m = alpha · m + (1 − alpha) · g (A. Graves, arXiv:1308.0850).
    ``momentum``: v = momentum · v + g / (√s + eps);  p −= lr · v.
    Source: T. Hinton, "Neural Networks for Machine Learning", lecture 6, 2012.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered}
        super().__init__(params, hyper | {"weight_decay": weight_decay, "maximize": maximize})

    def check(self, hyper: dict[str, Any]) -> None:
        super().check(hyper)
        if not hyper["alpha"] >= 0:
            raise ValueError(f"RMSprop: alpha={hyper['alpha']} must be at least 0")

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        centred, momentum = "_centered" * bool(group["centered"]), "_momentum" * bool(group["momentum"])
        return "advance", f"rmsprop{centred}{momentum}"

"""Steps along the gradient, with momentum, with averaging, or by its sign alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .optimizer import Optimizer

__all__ = ["ASGD", "SGD", "Lion", "Rprop"]


class SGD(Optimizer):
    """g = grad + weight_decay · p;  v = momentum · v + (1 − dampening) · g, v = g at first;
    p −= lr · (g + momentum · v if nesterov else v), or p −= lr · g without momentum.

    Source: I. Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
    """

    implied: Mapping[str, float] = {"step": 1.0}  # where there is a velocity; PyTorch counts no steps

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, hyper | {"nesterov": nesterov, "maximize": maximize})

    def check(self, hyper: dict[str, Any]) -> None:
        super().check(hyper)
        if hyper["nesterov"] and (hyper["momentum"] <= 0 or hyper["dampening"] != 0):
            raise ValueError(
                f"SGD: nesterov=True needs momentum > 0 and dampening 0, got momentum={hyper['momentum']}, "
                f"dampening={hyper['dampening']}"
            )

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return ("advance", "sgd_momentum") if group["momentum"] else ("sgd",)


class ASGD(Optimizer):
    """p = (1 − lambd · η) · p − η · (grad + weight_decay · p);  ax += μ · (p − ax), which is the average of p from step
    t0 on, to be found in ``state[p]["ax"]``.

    η = lr at first, then lr / (1 + lambd · lr · t)^alpha;  μ = 1 / max(1, t − t0).  Source: B. Polyak, A. Juditsky,
    "Acceleration of stochastic approximation by averaging", 1992.
    """

    first = {"eta": "lr", "mu": 1.0}  # noqa: RUF012 (read only)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay}
        super().__init__(params, hyper | {"maximize": maximize})

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return "advance", "asgd", "asgd_rates"


class Rprop(Optimizer):
    """p −= sign(g) · step_size, where step_size (lr at first) grows by etas[1] while g keeps its sign, and shrinks by
    etas[0] where it changes, g being taken for 0 that once; it stays within ``step_sizes``.  For whole data sets, not
    for batches.

    Source: M. Riedmiller, H. Braun, "A direct adaptive method for faster backpropagation learning", 1993.
    """

    first = {"step_size": "lr"}  # noqa: RUF012 (read only)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize})

    def check(self, hyper: dict[str, Any]) -> None:
        super().check(hyper)
        etas, sizes = (tuple(hyper[name]) for name in ("etas", "step_sizes"))
        if len(etas) != 2 or not 0 < etas[0] < 1 < etas[1]:
            raise ValueError(f"Rprop: etas={etas} must be a number in (0, 1) and one above 1")
        if len(sizes) != 2 or not 0 <= sizes[0] <= sizes[1]:
            raise ValueError(f"Rprop: step_sizes={sizes} must be the smallest and the largest size")

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return "advance", "rprop"


class Lion(Optimizer):
    """p −= lr · (sign(β₁ m + (1 − β₁) grad) + weight_decay · p);  then m = β₂ m + (1 − β₂) grad.

    Steps are larger than Adam's: lr a third to a tenth of Adam's, weight_decay as much larger.  Source: X. Chen et al.,
    "Symbolic Discovery of Optimization Algorithms", arXiv:2302.06675.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, hyper)

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return ("lion",)

"""Muon: momentum whose matrices are made orthogonal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from .optimizer import Optimizer

__all__ = ["Muon"]

RATIOS: dict[str | None, Callable[[int, int], float]] = {  # what a matrix's learning rate is multiplied by
    None: lambda a, b: math.sqrt(max(1, a / b)),
    "original": lambda a, b: math.sqrt(max(1, a / b)),
    "match_rms_adamw": lambda a, b: 0.2 * math.sqrt(max(a, b)),
}


class Muon(Optimizer):
    """B = momentum · B + (1 − momentum) · g;  u = (1 − momentum) · g + momentum · B if nesterov else B;
    p = (1 − lr · weight_decay) · p − lr · ratio · orthogonal(u).

    For matrices only, the weights of hidden layers; give all else to another optimiser.  ``orthogonal`` is ``ns_steps``
    of Newton and Schulz's iteration X = aX + (b XXᵀ + c (XXᵀ)²) X from u / |u|, in the parameters' dtype.  ``ratio`` is
    √max(1, rows / columns), or, with adjust_lr_fn="match_rms_adamw", 0.2 √max(rows, columns).  Runs in Python: steps
    with it are not compiled.

    Sources: K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; J. Liu et al., "Muon is
    Scalable for LLM Training", arXiv:2502.16982.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        hyper: dict[str, Any] = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
        }
        hyper |= {"ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps}
        super().__init__(params, hyper | {"adjust_lr_fn": adjust_lr_fn})

    def check(self, hyper: dict[str, Any]) -> None:
        super().check(hyper)
        if hyper["adjust_lr_fn"] not in RATIOS:
            raise ValueError(
                f"Muon: adjust_lr_fn={hyper['adjust_lr_fn']!r} must be 'original', 'match_rms_adamw' or None"
            )
        if np.size(hyper["ns_coefficients"]) != 3:
            raise ValueError(f"Muon: ns_coefficients={hyper['ns_coefficients']} must be three numbers")
        if not 0 <= hyper["ns_steps"] < 100:
            raise ValueError(f"Muon: ns_steps={hyper['ns_steps']} must be at least 0 and below 100")

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            if p.ndim != 2:
                del self.param_groups[-1]
                raise ValueError(
                    f"Muon: a parameter has shape {p.shape}, expected matrices; give the others to AdamW"
                )

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return ()

    def _keeps(self, group: Mapping[str, Any]) -> dict[str, bool]:
        return {"momentum_buffer": False}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None if closure is None else self._evaluate(closure)
        self._refuse_recording()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    kept = self._state_of(p, group, self._keeps(group))
                    self._update(p.data, p.grad.data, kept["momentum_buffer"], group)
                    p._version[0] += 1
        return loss

    def _update(
        self, param: np.ndarray, grad: np.ndarray, buffer: np.ndarray, group: Mapping[str, Any]
    ) -> None:
        keep = group["momentum"]
        buffer[...] = keep * buffer + (1 - keep) * grad
        update = (1 - keep) * grad + keep * buffer if group["nesterov"] else buffer
        rate = group["lr"] * RATIOS[group["adjust_lr_fn"]](*param.shape)
        param *= 1 - group["lr"] * group["weight_decay"]
        param -= rate * _orthogonal(update, group["ns_coefficients"], int(group["ns_steps"]), group["eps"])


def _orthogonal(
    matrix: np.ndarray, factors: tuple[float, float, float], steps: int, eps: float
) -> np.ndarray:
    """About UVᵀ of matrix = USVᵀ: its singular values come to lie around 1."""
    a, b, c = factors
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / max(float(np.linalg.norm(x)), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if tall else x

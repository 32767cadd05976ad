"""Adam and its variants: means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .optimizer import Optimizer

__all__ = ["Adam", "AdamW", "Adamax", "NAdam", "RAdam"]


class Adam(Optimizer):
    """m = β₁ m + (1 − β₁) g;  s = β₂ s + (1 − β₂) g²;  p −= lr · m̂ / (√ŝ + eps),  g = grad + weight_decay ·
    p.

    m̂ and ŝ are m and s divided by 1 − βᵗ.  ``amsgrad`` takes the largest s so far for s (S. Reddi et al.,
    arXiv:1904.09237); ``decoupled_weight_decay`` is AdamW's.  Source: D. Kingma, J. Ba, arXiv:1412.6980.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        hyper = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        hyper |= {"maximize": maximize, "decoupled_weight_decay": decoupled_weight_decay}
        super().__init__(params, hyper)

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return "advance", "adam_amsgrad" if group["amsgrad"] else "adam"


class AdamW(Adam):
    """Adam on the gradient alone, after p *= 1 − lr · weight_decay.

    Source: I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", arXiv:1711.05101.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True
        )


class Adamax(Optimizer):
    """m = β₁ m + (1 − β₁) g, g = grad + weight_decay · p;  u = max(β₂ u, |g| + eps);  p −= lr / (1 − β₁ᵗ) · m / u.

    Source: D. Kingma, J. Ba, arXiv:1412.6980, section 7.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, hyper)

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return "advance", "adamax"


class NAdam(Optimizer):
    """Adam with m̂ = (1 − μₜ) g / (1 − μ₁ ⋯ μₜ) + μₜ₊₁ m / (1 − μ₁ ⋯ μₜ₊₁),  μₜ = β₁ (1 − 0.96^(t · d) / 2),
    d = momentum_decay.

    Source: T. Dozat, "Incorporating Nesterov Momentum into Adam", 2016.
    """

    first = {"mu_product": 1.0}  # noqa: RUF012 (read only)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        hyper |= {"momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay}
        super().__init__(params, hyper)

    def check(self, hyper: dict[str, Any]) -> None:
        super().check(hyper)
        if not hyper["momentum_decay"] >= 0:
            raise ValueError(f"NAdam: momentum_decay={hyper['momentum_decay']} must be at least 0")

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return "advance", "nadam_product", "nadam"


class RAdam(Optimizer):
    """p −= lr · m̂ · r · √(1 − β₂ᵗ) / (√s + eps), or lr · m̂ as long as ρₜ ≤ 5; m, s and g as Adam's.

    ρₜ = ρ − 2 t β₂ᵗ / (1 − β₂ᵗ), ρ = 2 / (1 − β₂) − 1;  r² = (ρₜ − 4)(ρₜ − 2) ρ / ((ρ − 4)(ρ − 2) ρₜ).
    Source: L. Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", arXiv:1908.03265.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        hyper = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, hyper | {"decoupled_weight_decay": decoupled_weight_decay})

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return "advance", "radam"

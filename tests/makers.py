"""What a case of the generic tests is, and the arrays they run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fastnano._contract import Contract
from fastnano.ops import OPS, STEPS

Maker = Callable[..., np.ndarray]  # of a random generator, a shape, and the inputs made so far


@dataclass(frozen=True)
class Case:
    name: str
    sizes: dict[str, Any]
    makers: dict[str, Maker] = field(default_factory=dict)
    scalars: dict[str, Any] = field(default_factory=dict)
    smooth: bool = True  # False: at a kink, where finite differences do not apply

    def __str__(self) -> str:
        sizes = [f"{k}={'x'.join(map(str, np.atleast_1d(v)))}" for k, v in self.sizes.items()]
        makers = [f"{k}={maker.__name__}" for k, maker in self.makers.items()]
        return " ".join([self.name, *sizes, *(f"{k}={v}" for k, v in self.scalars.items()), *makers])

    @property
    def contract(self) -> Contract:
        return OPS[self.name].forward if self.name in OPS else STEPS[self.name]

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """Every kernel of the row, in the order that each finds what it reads."""
        return (self.contract, *OPS[self.name].gradients) if self.name in OPS else (self.contract,)

    def with_batch(self, n: int) -> Case:
        """The same case for a batch of n samples."""
        sizes = dict(self.sizes)
        if "..." in sizes:
            sizes["..."] = (n, *sizes["..."][1:])
        elif "n" in sizes:
            sizes["n"] = n
        return replace(self, sizes=sizes)

    def inputs(self, dtype: str, seed: int = 0) -> dict[str, np.ndarray]:
        """Every array a caller brings, by name."""
        rng, made = np.random.default_rng(seed), {}
        for a in self.contract.given:
            maker = self.makers.get(a.name, normal)
            made[a.name] = np.asarray(maker(rng, a.shape(self.sizes), made), a.dtype or dtype)
        return made

    def rederive(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The inputs, with those that are functions of x brought up to date."""
        derived = {k: m(None, inputs[k].shape, inputs) for k, m in self.makers.items() if m in DERIVED}
        return inputs | derived


def case(name: str, sizes: str = "", smooth: bool = True, **given: Any) -> Case:
    parsed = dict(item.split("=") for item in sizes.split())
    letters = {k: tuple(map(int, v.split("x"))) if k == "..." else int(v) for k, v in parsed.items()}
    makers = {k: v for k, v in given.items() if callable(v)}
    scalars = {k: v for k, v in given.items() if not callable(v)}
    return Case(name, letters, makers, scalars, smooth)


# Makers


def normal(rng, shape, made):
    return rng.standard_normal(shape)


def away(rng, shape, made):
    """At least 0.1 from the kink at zero."""
    x = rng.standard_normal(shape)
    return x + np.copysign(0.1, x)


def zeros(rng, shape, made):
    return np.zeros(shape)


def positive(rng, shape, made):
    return rng.uniform(0.5, 2, shape)


def share(rng, shape, made):
    return rng.uniform(0.05, 0.95, shape)


def small(rng, shape, made):
    """Between -0.5 and 0.5."""
    return rng.uniform(-0.5, 0.5, shape)


def quarter(rng, shape, made):
    return np.full(shape, 0.25)


def wide(rng, shape, made):
    """From far below to far above what e^x can hold."""
    return 100 * rng.standard_normal(shape)


def special(rng, shape, made):
    """Zeros of both signs, infinities and NaN among ordinary numbers."""
    return rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5, -1.5, 3.0], shape)


def extreme(rng, shape, made):
    """Both of these."""
    return np.where(rng.random(shape) < 0.5, wide(rng, shape, made), special(rng, shape, made))


def masked(rng, shape, made):
    """Scores, some of them minus infinity, but never those of class 0."""
    x = rng.standard_normal(shape)
    x[:, 1:][rng.random(x[:, 1:].shape) < 0.3] = -np.inf
    return x


def distinct(rng, shape, made):
    """No two values closer than a finite difference can tell apart."""
    return rng.permutation(int(np.prod(shape))).reshape(shape) / 7


def far(rng, shape, made):
    """A mean so far from zero that E[x²] − E[x]² loses its digits."""
    return 30 + rng.standard_normal(shape)


def few(rng, shape, made):
    """Full of equal values."""
    return rng.integers(-1, 2, shape)


def fractions(rng, shape, made):
    """Between -1 and 1, and away from 0."""
    return np.copysign(rng.uniform(0.1, 0.8, shape), rng.standard_normal(shape))


def some_zero(rng, shape, made):
    """One in three is 0."""
    return rng.standard_normal(shape) * rng.integers(0, 3, shape)


def yes_or_no(rng, shape, made):
    return rng.random(shape) < 0.5


def first_three(rng, shape, made):
    """Places from 0 to 2, some of them twice."""
    return rng.integers(0, 3, shape)


def rows_apart(rng, shape, made):
    """Different places along the first axis, in an order by chance."""
    return rng.permuted(np.tile(np.arange(shape[0])[:, None], shape[1:]), axis=0)


def labels(rng, shape, made):
    """Classes of x; one in four is the ignored -100."""
    found = classes(rng, shape, made)
    return np.where(rng.random(shape) < 0.25, -100, found)


def classes(rng, shape, made):
    return rng.integers(0, made["x"].shape[1], shape)


def four_or_ignored(rng, shape, made):
    """Four classes and the ignored -100."""
    return rng.choice([-100, 0, 1, 2, 3], shape)


def four_classes(rng, shape, made):
    """Four classes."""
    return rng.integers(0, 4, shape)


def patchy(rng, shape, made):
    """A sample of NaN and one with a score of minus infinity."""
    x = rng.standard_normal(shape)
    x[0], x[-1, 0] = np.nan, -np.inf
    return x


def undefined(rng, shape, made):
    """A sample of NaN and one with a single NaN."""
    x = rng.standard_normal(shape)
    x[0], x[-1, -1] = np.nan, np.nan
    return x


def of_finite(rng, shape, made):
    """Classes of the places that are finite throughout; -100 elsewhere."""
    return np.where(np.isfinite(made["x"]).all(axis=1), classes(rng, shape, made), -100)


def places(rng, shape, made):
    """Places along the last axis of x, some of them twice, and some -1."""
    return rng.integers(-1, made["x"].shape[-1], shape)


def key(rng, shape, made):
    return [2**63 + 12345, 2**40 + 7]


def mean_of_x(rng, shape, made):
    return made["x"].mean(axis=(0, 2))


def var_of_x(rng, shape, made):
    return made["x"].var(axis=(0, 2))


DERIVED = (mean_of_x, var_of_x)


def values(*numbers: float) -> Maker:
    def make(rng, shape, made):
        return np.reshape(numbers, shape)

    make.__name__ = ",".join(f"{number:g}" for number in numbers)
    return make


@dataclass(frozen=True)
class ExpressionCase:
    name: str
    shapes: tuple[tuple[int, ...], ...]
    maker: Maker | tuple[Maker, ...] = normal  # of every input, or one for each
    keywords: dict[str, Any] = field(default_factory=dict)  # in the order of the row

    def __str__(self) -> str:
        shapes = " ".join("x".join(map(str, shape)) or "()" for shape in self.shapes)
        return " ".join(
            [self.name, shapes, *(f"{k}={v}".replace("\n", "") for k, v in self.keywords.items())]
        )

    def inputs(self) -> list[np.ndarray]:
        rng = np.random.default_rng(0)
        makers = self.maker if isinstance(self.maker, tuple) else (self.maker,) * len(self.shapes)
        return [np.asarray(maker(rng, shape, {})) for maker, shape in zip(makers, self.shapes, strict=True)]


def expressions(names: str, *shapes: Any, maker: Any = normal, **keywords: Any) -> list[ExpressionCase]:
    return [ExpressionCase(name, shape, maker, keywords) for name in names.split() for shape in shapes]

"""L-BFGS: a quasi-Newton method for whole data sets, with a line search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..autograd import Tensor
from .optimizer import Optimizer

__all__ = ["LBFGS"]

ARMIJO, CURVATURE = 1e-4, 0.9  # the constants of Wolfe's conditions


class LBFGS(Optimizer):
    """p += t · d, d = −H g, where H is made of the last ``history_size`` changes of p and of the gradient g.

    One ``step(closure)`` does up to ``max_iter`` iterations; the closure clears the gradients, works out the loss,
    calls ``backward`` and returns the loss.  It ends early after ``max_eval`` calls of the closure (1.25 max_iter), and
    where no gradient is above ``tolerance_grad`` or nothing changes by more than ``tolerance_change``.
    t = lr, or, with line_search_fn="strong_wolfe", what meets Wolfe's strong conditions.  All parameters are one
    group.  Runs in Python: steps with it are not compiled.

    Source: J. Nocedal, S. Wright, "Numerical Optimization", 2006, algorithms 7.4, 3.5 and 3.6.
    """

    again = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        hyper = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
        }
        hyper |= {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        super().__init__(params, hyper | {"history_size": history_size, "line_search_fn": line_search_fn})

    def check(self, hyper: dict[str, Any]) -> None:
        super().check(hyper)
        for name in ("max_iter", "max_eval", "history_size"):
            if not hyper[name] >= 1:
                raise ValueError(f"LBFGS: {name}={hyper[name]} must be at least 1")
        if hyper["line_search_fn"] not in (None, "strong_wolfe"):
            raise ValueError(
                f"LBFGS: line_search_fn={hyper['line_search_fn']!r} must be 'strong_wolfe' or None"
            )

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        if self.param_groups:
            raise ValueError("LBFGS: takes one parameter group; give all parameters in one list")
        super().add_param_group(param_group)

    def rows(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        return ()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Some iterations; returns the loss that the closure gave first."""
        self._refuse_recording()
        if closure is None:
            raise TypeError(
                "LBFGS.step: needs a closure that clears the gradients, works out loss and gradients"
            )
        group, memory = (
            self.param_groups[0],
            self.state.setdefault(self._first, {"func_evals": 0, "n_iter": 0}),
        )
        original = self._evaluate(closure)
        now = Point(0.0, float(original), self._gradients())
        memory["func_evals"] += 1
        evaluations = 1
        for iteration in range(1, int(group["max_iter"]) + 1):
            if np.abs(now.g).max() <= group["tolerance_grad"]:
                break
            self._remember(memory, now.g)
            memory["n_iter"] += 1
            memory["d"] = d = _direction(memory, now.g)
            memory["t"] = group["lr"] * (
                min(1.0, 1 / float(np.abs(now.g).sum())) if memory["n_iter"] == 1 else 1.0
            )
            memory["prev_flat_grad"], memory["prev_loss"] = now.g, now.f
            if now.g @ d > -group["tolerance_change"]:
                break
            last = iteration == group["max_iter"]
            before, now, used = now, *self._advance(closure, now, evaluations, last)
            memory["t"] = now.t
            evaluations += used
            memory["func_evals"] += used
            small = np.abs(d * now.t).max() <= group["tolerance_change"]
            if evaluations >= group["max_eval"] or small or abs(now.f - before.f) < group["tolerance_change"]:
                break
        return original

    def _advance(
        self, closure: Callable[[], Any], now: Point, evaluations: int, last: bool
    ) -> tuple[Point, int]:
        """Go along the direction; where that ended, and how often the closure was called."""
        group, memory = self.param_groups[0], self.state[self._first]
        d, t = memory["d"], memory["t"]
        if group["line_search_fn"] is None:
            self._move(t, d)
            if last:  # what it would give, nobody asks for
                return now._replace(t=t), 0
            return Point(t, float(self._evaluate(closure)), self._gradients()), 1

        values = [p.data.copy() for p in self.parameters()]

        def at(t: float) -> Point:
            self._move(t, d)
            point = Point(t, float(self._evaluate(closure)), self._gradients())
            for p, value in zip(self.parameters(), values, strict=True):
                p.data[...] = value
            return point

        most = int(group["max_eval"]) - evaluations
        found, used = _strong_wolfe(at, now._replace(t=0.0), t, d, most, group["tolerance_change"])
        self._move(found.t, d)
        return found, used

    @property
    def _first(self) -> Tensor:
        """The parameter whose state is that of all."""
        return self.param_groups[0]["params"][0]

    def _gradients(self) -> np.ndarray:
        """All gradients, one after another."""
        parts = [np.zeros(p.shape, p.dtype) if p.grad is None else p.grad.data for p in self.parameters()]
        return np.concatenate([part.reshape(-1) for part in parts])

    def _move(self, t: float, d: np.ndarray) -> None:
        begin = 0
        for p in self.parameters():
            p.data[...] += t * d[begin : begin + p.data.size].reshape(p.shape)
            p._version[0] += 1
            begin += p.data.size

    def _remember(self, memory: dict[str, Any], g: np.ndarray) -> None:
        """The change of the gradient, that of the parameters, and the size of the Hessian they tell of."""
        if not memory["n_iter"]:
            memory |= {"old_dirs": [], "old_stps": [], "ro": [], "H_diag": 1.0}
            return
        y, s = g - memory["prev_flat_grad"], memory["d"] * memory["t"]
        if (product := float(y @ s)) > 1e-10:
            for name, value in (("old_dirs", y), ("old_stps", s), ("ro", 1 / product)):
                memory[name] = [*memory[name], value][-int(self.param_groups[0]["history_size"]) :]
            memory["H_diag"] = product / float(y @ y)

    def _checked_state(
        self, i: Any, parameters: list[Tensor], values: Mapping[str, Any], group: Mapping[str, Any]
    ) -> dict[str, Any]:
        size = sum(p.data.size for p in parameters)
        kept: dict[str, Any] = {}
        for name, value in values.items():
            array = np.array(value)
            vectors = name in ("d", "prev_flat_grad", "old_dirs", "old_stps")
            if vectors and len(array) and array.shape[-1] != size:
                raise ValueError(f"load_state_dict: {name} has {array.shape[-1]} values, expected {size}")
            kept[name] = (list(array) if array.ndim == 2 else array) if vectors else array.tolist()
        return kept


def _direction(memory: dict[str, Any], g: np.ndarray) -> np.ndarray:
    """−H g by two loops over what is remembered."""
    q, shares = -g, []
    pairs = list(zip(memory["old_dirs"], memory["old_stps"], memory["ro"], strict=True))
    for y, s, ro in reversed(pairs):
        shares.append(float(s @ q) * ro)
        q = q - shares[-1] * y
    d = q * memory["H_diag"]
    for (y, s, ro), share in zip(pairs, reversed(shares), strict=True):
        d = d + (share - float(y @ d) * ro) * s
    return d


# The line search


class Point(NamedTuple):
    """A place along the direction d: how far, the loss, its gradient, and its slope along d."""

    t: float
    f: float
    g: np.ndarray
    slope: float = 0.0


def _strong_wolfe(
    at: Callable[[float], Point], start: Point, t: float, d: np.ndarray, most: int, tolerance: float
) -> tuple[Point, int]:
    """A point with f ≤ f₀ + ARMIJO · t · slope₀ and |slope| ≤ CURVATURE · |slope₀|; and how many were looked at."""

    def look(t: float) -> Point:
        point = at(t)
        return point._replace(slope=float(point.g @ d))

    start = start._replace(slope=float(start.g @ d))
    bracket, done, count = _bracket(look, start, t, most)
    if done:
        return bracket[0], count + 1
    return _zoom(look, start, bracket, count, most, tolerance / float(np.abs(d).max()))


def _too_high(point: Point, start: Point) -> bool:
    return point.f > start.f + ARMIJO * point.t * start.slope


def _flat(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -CURVATURE * start.slope


def _bracket(
    look: Callable[[float], Point], start: Point, t: float, most: int
) -> tuple[list[Point], bool, int]:
    """Go further until a point will do, or two have one between them; whether it does, and how many were too near."""
    before, point, count = start, look(t), 0
    while count < most:
        if _too_high(point, start) or (count > 1 and point.f >= before.f):
            return [before, point], False, count
        if _flat(point, start):
            return [point], True, count
        if point.slope >= 0:
            return [before, point], False, count
        least = point.t + 0.01 * (point.t - before.t)
        before, point = point, look(_cubic_minimum(before, point, least, 10 * point.t))
        count += 1
    return [start, point], False, count


def _zoom(
    look: Callable[[float], Point], start: Point, bracket: list[Point], count: int, most: int, narrow: float
) -> tuple[Point, int]:
    """Narrow the bracket until its lower end will do."""
    slow, low = False, int(not bracket[0].f <= bracket[1].f)
    while count < most and not abs(bracket[1].t - bracket[0].t) < narrow:
        left, right = sorted(bracket, key=lambda point: point.t)
        t, slow = _inside(left, right, slow)
        point = look(t)
        count += 1
        if _too_high(point, start) or point.f >= bracket[low].f:
            bracket[1 - low] = point
            low = int(not bracket[0].f <= bracket[1].f)
            continue
        if not _flat(point, start) and point.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
            bracket[1 - low] = bracket[low]
        bracket[low] = point
        if _flat(point, start):
            break
    return bracket[low], count + 1


def _inside(left: Point, right: Point, slow: bool) -> tuple[float, bool]:
    """Where to look between two points, and whether that is near one of them; not so twice in a row."""
    t = _cubic_minimum(left, right, left.t, right.t)
    margin = 0.1 * (right.t - left.t)
    if not min(right.t - t, t - left.t) < margin:
        return t, False
    if slow or t >= right.t or t <= left.t:
        return (right.t - margin if abs(t - right.t) < abs(t - left.t) else left.t + margin), False
    return t, True


def _cubic_minimum(a: Point, b: Point, least: float, most: float) -> float:
    """Where the cubic through two points with their slopes is lowest, between two bounds."""
    a, b = (a, b) if a.t <= b.t else (b, a)
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (least + most) / 2
    d2 = square**0.5
    bottom = b.slope - a.slope + 2 * d2
    if not bottom:
        return (least + most) / 2
    return min(max(b.t - (b.t - a.t) * ((b.slope + d2 - d1) / bottom), least), most)

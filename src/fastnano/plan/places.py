"""Where the elements come from that a formula only moves: it is run on numbered places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._rows import Formula
from .recording import Call, NotPlannable

if TYPE_CHECKING:
    from .lowering import Value


def places_of(call: Call, rule: Formula, name: str, value: Value, out: Value, batch: int) -> np.ndarray:
    """For each element of the result (of one sample), the place in the source it comes from; -1: it is zero."""
    size = call.reads[name].size
    names = np.arange(1, size + 1), np.random.default_rng(0).permutation(size) + 1
    places, others = (_run(call, rule, name, n) for n in names)
    if places.max(initial=0) > size or not np.array_equal(
        np.where(places > 0, names[1][places - 1], 0), others
    ):
        raise NotPlannable(f"{rule.name} adds elements up, for which it has no native form")
    if value.batched and not out.batched:
        raise NotPlannable(f"{rule.name} picks samples of a batch")
    if out.batched:
        samples = places.reshape(batch, -1)
        step = value.size * np.arange(batch)[:, None] if value.batched else 0
        if not np.array_equal(
            np.where(samples > 0, samples - step, 0), np.broadcast_to(samples[0], samples.shape)
        ):
            raise NotPlannable(f"{rule.name} mixes the samples of a batch")
        places = samples[0]
    return places - 1


def sources(call: Call) -> list[str]:
    """The arrays whose elements are moved, rather than those that say where to."""
    return [name for name in call.reads if name != "index"]


def _run(call: Call, rule: Formula, name: str, names: np.ndarray) -> np.ndarray:
    """The formula on names for the elements of one array, and zeros for those of the others."""
    array = call.reads[name]
    known = {**call.numbers, **call.reads, "value": 0}
    known |= {other: np.zeros(call.reads[other].shape) for other in sources(call)}
    known[name] = names.astype(np.float64).reshape(array.shape)
    return np.asarray(rule.function(*[known[argument] for argument in rule.arguments])).astype(np.int64)

"""The same optimiser and schedule here and in PyTorch, step by step."""

from contextlib import contextmanager

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn, optim
from oracle import array, torch
from words import words

SHAPES = [(3, 4), (5,), (2, 1, 3, 3), ()]


@contextmanager
def doubles():
    """PyTorch keeps the numbers of an optimiser's state in its default dtype."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


class Twins:
    """The same parameters, optimiser and schedule here and in PyTorch, given the same gradients."""

    def __init__(self, optimiser, schedule=None, dtype=np.float64):
        values = [array(*shape, seed=i) for i, shape in enumerate(SHAPES)]
        self.dtype = dtype
        self.ours = [nn.Parameter(v.astype(dtype)) for v in values]
        self.theirs = [torch.nn.Parameter(torch.tensor(v)) for v in values]
        with doubles():
            self.optimisers = [eval(optimiser, words(o) | {"p": p})
                               for o, p in ((optim, self.ours), (torch.optim, self.theirs))]  # fmt: skip
        self.schedules = [eval(schedule, words(o.lr_scheduler) | {"o": made}) if schedule else None
                          for o, made in zip((optim, torch.optim), self.optimisers, strict=True)]  # fmt: skip

    def step(self, i):
        for j, (p, t) in enumerate(zip(self.ours, self.theirs, strict=True)):
            gradient = array(*p.shape, seed=100 * i + j)
            p.grad = (
                fn.tensor(gradient.astype(self.dtype)) if (i + j) % 4 else None
            )  # some have no gradient at times
            t.grad = torch.tensor(gradient) if (i + j) % 4 else None
        with doubles():
            for optimiser in self.optimisers:
                optimiser.step()
        for schedule in filter(None, self.schedules):
            schedule.step()

    def same_state(self):
        """The same names, values and positions in the state_dicts."""
        ours, theirs = (o.state_dict() for o in self.optimisers)
        assert ours["state"].keys() <= theirs["state"].keys()
        for i, values in ours["state"].items():
            given = {name: value for name, value in theirs["state"][i].items() if value is not None}
            assert values.keys() - {"step"} == given.keys() - {"step"}
            for name, value in given.items():
                np.testing.assert_allclose(values[name].reshape(value.shape), value, rtol=1e-3, atol=1e-5)
        for mine, its in zip(ours["param_groups"], theirs["param_groups"], strict=True):
            assert its.items() >= mine.items()

    def same(self, tolerance):
        for p, t in zip(self.ours, self.theirs, strict=True):
            truth = t.detach().numpy()
            assert p.data.dtype == self.dtype
            assert np.linalg.norm(p.data - truth) <= tolerance * max(np.linalg.norm(truth), 1)
        for ours, theirs in zip(*(o.param_groups for o in self.optimisers), strict=True):
            for name in {"lr", "momentum", "betas"} & ours.keys():
                assert ours.get(name) == pytest.approx(theirs.get(name), rel=1e-10, abs=1e-16)

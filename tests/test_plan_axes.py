"""Extremes, places and picked elements along axes, inside compiled steps."""

import numpy as np
import pytest

from fastnano import NotPlannable, Tensor, nn
from twins import MLP, Y, check

F = nn.functional
RNG = np.random.default_rng(0)
X = RNG.standard_normal((61, 7, 4, 3)).astype(np.float32)
TIES = RNG.integers(0, 3, (61, 7, 4, 3)).astype(np.float32)
PLACES = RNG.integers(0, 7, (61, 2, 4, 3))


class Reduced(nn.Module):
    """A function of scaled samples, then a dense layer."""

    def __init__(self, function):
        super().__init__()
        self.scale, self.function = nn.Parameter(np.full((7, 1, 1), 0.7, np.float32)), function
        self.last = nn.Linear(self.function(Tensor(X[:2])).flatten(1).shape[1], 5)

    def forward(self, x):
        return self.last(self.function(x * self.scale).flatten(1))


FUNCTIONS = {
    "amax of an axis": lambda x: x.amax(1),
    "amax of the last": lambda x: x.amax(-1, keepdim=True),
    "amax of two side by side": lambda x: x.amax((2, 3)),
    "amin of two apart": lambda x: x.amin((1, 3)),
    "amin of all": lambda x: x.amin((1, 2, 3)).unsqueeze(1),
    "max": lambda x: x.max(2).values,
    "min": lambda x: x.min(-1, keepdim=True).values,
    "logsumexp": lambda x: x.logsumexp((1, 3)),
    "any and all": lambda x: x.amax(1) * (x > 0.5).any(1) + x.amin(1) * (x > -1.5).all(1),
    "the place of another's largest": lambda x: x.gather(1, (x * x).argmax(1, keepdim=True)),
    "the places themselves": lambda x: x.amax(3) * x.argmin(3).float(),
    "several places": lambda x: x.gather(3, Tensor(np.int64([2, 0, 2])).expand(x.shape)),
    "distances to the largest": lambda x: x - x.amax((1, 2), keepdim=True),
}


@pytest.mark.parametrize("data", [X, TIES], ids=["distinct", "ties"])
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_functions(function, data):
    check(lambda: Reduced(function), optimizer="SGD(p, lr=0.02)", x=data, steps=10)


def test_the_largest_of_parameters():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(84, 5)

        def forward(self, x):
            return self.last(x.flatten(1)) / self.last.weight.amax(1)

    check(Net, optimizer="SGD(p, lr=0.02)", x=X, steps=10)


LOSSES = {
    "the score of the label": lambda o, y: -F.log_softmax(o, 1).gather(1, Tensor(y).unsqueeze(1)).mean(),
    "the margin": lambda o, y: (
        (
            (1 + o - o.gather(1, Tensor(y).unsqueeze(1))).relu()
            * (Tensor(y).unsqueeze(1) != Tensor(np.arange(5)))
        )
        .amax(1)
        .mean()
    ),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_labels_as_places(loss):
    check(MLP, loss, "SGD(p, lr=0.05)", steps=10)


def test_labels_that_are_no_places_are_refused_as_eagerly():
    with pytest.raises(IndexError, match="gather: index holds 5, expected places from 0 to 4 along axis 1"):
        check(MLP, LOSSES["the score of the label"], y=np.where(np.arange(61) == 30, 5, Y), steps=1)


def test_what_mixes_samples_is_refused():
    with pytest.raises(NotPlannable, match="amax_forward mixes the samples of a batch"):
        check(MLP, lambda o, _: (o - o.amax(0)).square().mean(), steps=1)
    with pytest.raises(NotPlannable, match="has fewer places along other axes"):
        check(
            MLP,
            lambda o, _: (
                o.reshape((-1, 1, 5)).expand((-1, 2, 5)).gather(2, o.argmax(1).reshape((-1, 1, 1))).mean()
            ),
        )
    with pytest.raises(NotPlannable, match="are no index in native code"):
        check(MLP, lambda o, _: o.gather(1, (o[:, :4] > 0).sum(1, keepdim=True)).mean(), steps=1)

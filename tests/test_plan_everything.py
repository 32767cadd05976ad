"""Every layer and loss of the table, every optimiser: trained by a plan as eagerly, or refused for a known reason."""

import inspect
import re

import numpy as np
import pytest

import fastnano
from fastnano import NotPlannable, Tensor, nn, optim
from fastnano.plan import Plan
from torch_cases import table
from twins import Eager, X, Y, assert_close, build
from words import words

SAMPLES = 20


def samples(row):
    """Twenty samples, and twenty targets, like what the row is given; None: it is no batch of floats, or more."""
    arrays = row.inputs()
    if (
        row.is_function
        or len(arrays) > 1 + ("Loss(" in row.text)
        or arrays[0].dtype.kind != "f"
        or len({a.shape[:1] for a in arrays}) > 1
    ):
        return None
    if min(arrays[0].shape, default=0) < 1 or arrays[0].ndim < 2:
        return None
    found = [np.resize(a, (SAMPLES, *a.shape[1:])) for a in arrays]
    rng = np.random.default_rng(0)
    found[0] = rng.permutation(found[0].reshape(-1)).reshape(found[0].shape)
    kinds = [np.float32 if a.dtype.kind == "f" else np.int64 for a in found]
    return [a.astype(kind) for a, kind in zip(found, kinds, strict=True)]


TABLE = [row for row in table() if samples(row) is not None]

REFUSED = {  # what a plan says of what, in some modes, no native code does
    "": "(folds|mixes) the samples",  # what takes times first, one sample, or all together
    "spectral_norm|LBFGS|Muon": "is Python code",
    "MultiLabelMarginLoss": "is made by Python",
    "PoissonNLLLoss": "gt_forward has no native form",
}


class Scaled(nn.Module):
    """A layer behind a gain that is learned, so that each has gradients to give."""

    def __init__(self, layer, shape, call):
        super().__init__()
        self.gain, self.layer = nn.Parameter(np.ones(shape, np.float32)), layer
        self.call = eval(call or "lambda m, x: m(x)")

    def forward(self, x):
        found = self.call(self.layer, x * self.gain)
        return found if isinstance(found, Tensor) else found[0]


def trained(kind, row, x, y):
    """The network of a row after three steps; a row of two arrays is a loss."""
    fastnano.manual_seed(3)
    layer = eval(row.text, words(nn) | {"torch": fastnano, "F": nn.functional}).train(row.training)
    net = Scaled(layer, x.shape[1:], row.call) if y is None else Scaled(nn.Identity(), x.shape[1:], "")

    def loss(o, target):
        found = (o * o) if y is None else layer(o, target)
        return found.mean() if found.ndim else found

    optimiser = optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.01)
    fastnano.manual_seed(7)
    kind(net, loss, optimiser, 7).run_epoch(x, np.zeros(SAMPLES, np.float32) if y is None else y)
    return net


def check(name, train, want):
    """A plan trains as it was trained eagerly, or says why not."""
    try:
        got = train()
    except NotPlannable as refusal:
        reasons = [why for what, why in REFUSED.items() if re.search(what, name)]
        if not any(re.search(why, str(refusal)) for why in reasons):
            raise
    else:
        assert_close(got, want)


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_layers_and_losses(row):
    x, y = (*samples(row), None)[:2]
    try:
        want = trained(Eager, row, x, y)
    except (ValueError, IndexError) as error:
        pytest.skip(f"refused with several such samples: {error}")
    check(row.text, lambda: trained(Plan, row, x, y), want)


OPTIMISERS = [
    name
    for name in optim.__all__
    if inspect.isclass(one := getattr(optim, name))
    and issubclass(one, optim.Optimizer)
    and one is not optim.Optimizer
]


def optimised(kind, name):
    net = build(
        "Flatten(), Linear(84, 9, bias=False), Tanh(), Linear(9, 5, bias=False)"
    )  # Muon's are matrices
    part = kind(net, nn.CrossEntropyLoss(), getattr(optim, name)(net.parameters(), lr=0.01), 13)
    for _ in range(5):
        part.run_epoch(X, Y)
    return net


@pytest.mark.parametrize("name", [name for name in OPTIMISERS if name != "LBFGS"])
def test_optimisers(name):
    check(name, lambda: optimised(Plan, name), optimised(Eager, name))

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


WHOLE = [  # rows of one sample without an axis for the batch, or with weights for every place of its arrays
    r"Conv(Transpose)?1d\(3,4,3\) 3x(9|5)",
    r"ConvTranspose2d\(3,4,3\) 3x5x4$",
    r"Conv2d\(.* 2x5x7$",
    r"Conv3d\(2,3,3\) 2x5x6x4$",
    r"Fold\(8,2,stride=3\) 8x9",
    r"PixelShuffle\(3\) 9x2x1",
    r"LayerNorm\(\(2,3,5\)",
    r"InstanceNorm[123]d\(.*\) (3x5|3x4x5|2x3x4x2)$",
    r"BCE.*weight=torch.tensor\(\[\[0.5\],\[2.0\]\]\)",
]


def matches(patterns, row):
    return [pattern for pattern in patterns if re.search(pattern, str(row))]


def samples(row):
    """Twenty samples, and twenty targets, like what the row is given; None: it is no batch of floats, or more."""
    arrays = [a[None] for a in row.inputs()] if matches(WHOLE, row) else row.inputs()
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

FOLDS = (
    "folds the samples of a batch into another axis"  # what takes times first, one sample, or all together
)
REFUSED = {  # what a plan says of what no native code does; the keys are of rows and of optimisers
    r"activation (Log)?Softm(ax|in)\(0\)": FOLDS,
    r"Softmax2d\(\) 3x4x1": FOLDS,
    r"attention (?!.*batch_first).* 4x(2x)?6": FOLDS,
    r"Unfold\(2,stride=3\) 2x5x6": FOLDS,
    r"Dropout(1d\(1.0\) 3x5|3d\(1.0\) 3x2x4x5)": FOLDS,
    r"InstanceNorm2d\(.*track_running_stats=True\) .*5$": FOLDS,
    r"(Reflection|Replication|Circular)Pad(1d\(\(0,3\)\) 2x4|2d\(\(1,2,0,3\)\) 3x4x5)": FOLDS,
    r"pool (Max|Avg|LP)Pool1d\(.*\) 3x\d$": FOLDS,
    r"pool AdaptiveMaxPool(1d|2d)\(.*\) 3x.(x.)?$": FOLDS,
    r"pool AdaptiveAvgPool(1d|2d|3d)\(.*\) 3x.(x.){0,2}$": FOLDS,
    r"pool (Max|Avg)Pool3d\(.*\) .x.x.x.$": FOLDS,
    r"recurrent (RNN|GRU|LSTM)\((?!.*(batch_first|True\) 2x4x5))": FOLDS,
    r"spectral_norm\((?!.*('bias'| eval))": "power iteration is Python code",
    "^(LBFGS|Muon)$": "is Python code",
    r"MultiLabelMarginLoss.* 5x4": "is made by Python",
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
    scores = nn.Sigmoid() if "BCELoss(" in row.text else nn.Identity()
    net = Scaled(layer, x.shape[1:], row.call) if y is None else Scaled(scores, x.shape[1:], "")

    def loss(o, target):
        found = (o * o) if y is None else layer(o, target)
        return found.mean() if found.ndim else found

    optimiser = optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.01)
    fastnano.manual_seed(7)
    kind(net, loss, optimiser, 7).run_epoch(x, np.zeros(SAMPLES, np.float32) if y is None else y)
    return net


def check(name, train):
    """A plan trains as it is done eagerly, or says why not."""
    reasons = [REFUSED[pattern] for pattern in matches(REFUSED, name)]
    if reasons:
        with pytest.raises(NotPlannable, match=reasons[0]):
            train(Plan)
    else:
        assert_close(train(Plan), train(Eager))


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_layers_and_losses(row):
    x, y = (*samples(row), None)[:2]
    check(str(row), lambda kind: trained(kind, row, x, y))


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


@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimisers(name):
    check(name, lambda kind: optimised(kind, name))


@pytest.mark.parametrize("pattern", [*WHOLE, *REFUSED])
def test_every_exception_is_of_something(pattern):
    """And of one thing no two; that what REFUSED names is refused is tested with it."""
    found = [name for name in (*map(str, TABLE), *OPTIMISERS) if re.search(pattern, name)]
    assert found
    assert all(len(matches(WHOLE if pattern in WHOLE else REFUSED, name)) == 1 for name in found)

"""A plan trains as the eager steps do: networks, losses, ops, data, instruction sets and threads."""

import numpy as np
import pytest

import fastnano
from cases import CASES
from fastnano import Tensor, nn, ops, optim
from fastnano._kernels import _native
from fastnano.autograd import apply
from fastnano.nn.module import evaluating
from fastnano.plan import Plan
from twins import MLP, RNG, Eager, Twins, X, Y, assert_close, bits, build, check, plain_input
from variants import NATIVE

F = nn.functional

# Networks


class Residual(nn.Module):
    """Sums with what was before, one layer used twice."""

    def __init__(self):
        super().__init__()
        self.first, self.twice = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.out = nn.Linear(168, 5)

    def forward(self, x):
        x = self.first(x)
        x = x + self.twice(x.relu())
        x = self.twice(x) + x
        return self.out(x.relu().flatten(1))


class Branches(nn.Module):
    """Two ways from the same array, parameters that scale and shift, and a result used three times."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(84, 5), nn.Linear(84, 5, bias=False)
        self.gain, self.shift = (nn.Parameter(np.ones(n, np.float32)) for n in ((5,), (1, 5)))

    def forward(self, x):
        x = x.reshape((len(x), 84))
        left, right = self.left(x), self.right(x.tanh())
        return (left * self.gain + right) * 0.5 - left * right.sigmoid() + self.shift


class Loop(nn.Module):
    """A recurrent network by its cell, from states that are made for each batch."""

    def __init__(self):
        super().__init__()
        self.cell, self.out = nn.GRUCell(12, 9), nn.Linear(9, 5)

    def forward(self, x):
        h, gain = fastnano.zeros(len(x), 9), fastnano.full((len(x), 1), 1.5)
        for t in range(x.shape[2]):
            h = self.cell(x[:, :, t].flatten(1), h) * gain
        return self.out(h + fastnano.ones_like(h))


class Moved(nn.Module):
    """Slices, permutations, paddings and other shapes."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(6, 20), nn.Linear(60, 5)

    def forward(self, x):
        x = F.pad(x[:, :, 1::2, :], (0, 0, 1, 1))  # (N, 2, 5, 6)
        y = self.one(x[:, 1, -2]).reshape((len(x), 5, 4)).permute((0, 2, 1))  # (N, 4, 5)
        z = x.transpose(2, 3)[:, 0, :4] * y
        return self.two(F.pad(z, (0, 10)).flatten(1)) + y[:, 2]


class Sequence(nn.Module):
    """Batch normalisation and softmax of (N, C, L)."""

    def __init__(self):
        super().__init__()
        self.norm, self.out = nn.BatchNorm1d(2), nn.Linear(84, 5)

    def forward(self, x):
        x = self.norm(x.reshape((len(x), 2, 42)))
        x = F.softmax(x, 1) + F.log_softmax(x.reshape((len(x), 14, 6)), 1).reshape((len(x), 2, 42))
        return self.out(x.flatten(1))


def frozen():
    net = build("Conv2d(2, 3, 3), ReLU(), Flatten(), Linear(60, 9), Tanh(), Linear(9, 5)")
    for p in (net[0].weight, net[3].bias, *net[5].parameters()):
        p.requires_grad_(False)
    return net


def one_layer_in_evaluation():
    net = build("Conv2d(2, 3, 3), BatchNorm2d(3), ReLU(), Flatten(), Dropout(0.5), Linear(60, 5)")
    net[1].eval()
    net[4].eval()
    return net


def graph():
    nodes = {"conv": nn.Conv2d(2, 2, 3, padding=1), "relu": nn.ReLU(), "add": lambda a, b: a + b,
             "flat": nn.Flatten(), "out": nn.Linear(84, 5)}  # fmt: skip
    edges = "input conv, conv relu, relu add, input add, add flat, flat out"
    return nn.Graph(nodes, [tuple(edge.split()) for edge in edges.split(", ")])


NETWORKS = [
    "Flatten(), Linear(84, 5)",
    "Flatten(), Linear(84, 17, bias=False), ReLU(), Linear(17, 33), Tanh(), Linear(33, 5, bias=False)",
    "Flatten(), Linear(84, 16), Sigmoid(), Dense(16, 9), LeakyReLU(0.1), Linear(9, 5)",
    "Flatten(), Linear(84, 9), Softmax(1), Linear(9, 5), LogSoftmax(1)",
    "Flatten(), Dropout(0.1), Linear(84, 9), Identity(), ReLU(), Dropout(0.5), Linear(9, 5)",
    "Conv2d(2, 3, 3), ReLU(), MaxPool2d(2), Flatten(), Linear(12, 5)",
    "Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0)), Tanh(), Flatten(), Linear(80, 5)",
    "Conv2d(2, 4, 2, padding='same'), ReLU(), Conv2d(4, 4, 3, padding='same', groups=2), Flatten(), Linear(168, 5)",
    "Conv2d(2, 3, (2, 3), padding='same', dilation=(1, 2)), Flatten(), Linear(126, 5)",
    "Conv2d(2, 6, 3, dilation=2, groups=2), ReLU(), AvgPool2d(2), Flatten(), Linear(6, 5)",
    "AvgPool2d(3, stride=2, padding=1, count_include_pad=False), Conv2d(2, 3, 1, bias=False), Flatten(), Linear(36, 5)",
    "MaxPool2d(3, stride=2, padding=1, ceil_mode=True), Conv2d(2, 3, 2), Flatten(), Linear(27, 5)",
    "Conv2d(2, 3, 3), BatchNorm2d(3), ReLU(), Flatten(), Linear(60, 9), BatchNorm1d(9, momentum=None), Linear(9, 5)",
    "Conv2d(2, 3, 3, bias=False), BatchNorm2d(3, affine=False), LeakyReLU(), Flatten(), Linear(60, 5)",
    "Conv2d(2, 3, 3), BatchNorm2d(3, track_running_stats=False), Sigmoid(), Flatten(), Linear(60, 5)",
    "Flatten(), Linear(84, 12), BatchNorm1d(12, bias=False, eps=0.1, momentum=0.9), Sigmoid(), Linear(12, 5)",
    Residual, Branches, Moved, Loop, Sequence, frozen, one_layer_in_evaluation, graph,
]  # fmt: skip


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n if isinstance(n, str) else n.__name__)
def test_networks_are_trained_as_they_are_eagerly(network):
    twins = check(network)
    with evaluating(twins.eager.model):
        want = twins.eager.model(Tensor(X)).data
    np.testing.assert_allclose(twins.plan.predict(X), want, rtol=1e-4, atol=1e-4 * np.abs(want).max())


# Losses

WEIGHT = np.array([1, 2, 0.5, 1, 3], np.float32)
SHARES = RNG.random((61, 5)).astype(np.float32)
SHARES /= SHARES.sum(1, keepdims=True)
SIGNS = (2 * np.eye(5) - 1)[Y].astype(np.float32)
SOME_IGNORED = np.where(RNG.random(61) < 0.3, -100, Y)
FIRST_IGNORED = np.where(np.arange(61) < 5, -100, Y)

LOSSES = [
    ("CrossEntropyLoss()", Y),
    ("CrossEntropyLoss(label_smoothing=0.1)", Y),
    ("CrossEntropyLoss(reduction='sum')", Y),
    (f"CrossEntropyLoss(weight={WEIGHT.tolist()})", Y),
    (f"CrossEntropyLoss(weight={WEIGHT.tolist()}, label_smoothing=0.2, reduction='sum')", Y),
    ("CrossEntropyLoss(ignore_index=2)", Y),
    ("CrossEntropyLoss(ignore_index=7)", Y),
    ("CrossEntropyLoss(ignore_index=2**40)", Y),
    ("CrossEntropyLoss()", SOME_IGNORED),
    ("CrossEntropyLoss()", FIRST_IGNORED),
    ("CrossEntropyLoss()", SHARES),
    (f"CrossEntropyLoss(weight={WEIGHT.tolist()}, label_smoothing=0.1)", SHARES),
    ("NLLLoss()", Y),
    (f"NLLLoss(weight={WEIGHT.tolist()}, ignore_index=1)", Y),
    ("MultiMarginLoss()", Y),
    (f"MultiMarginLoss(p=2, margin=0.3, weight={WEIGHT.tolist()})", Y),
    ("HingeLoss()", Y),
    ("HingeLoss(margin=0.3, reduction='sum')", Y),
    ("HingeLoss()", SIGNS),
    ("MSELoss()", SHARES),
    ("MSELoss(reduction='sum')", SHARES),
    ("L1Loss()", SHARES),
    ("L1Loss(reduction='sum')", SHARES),
]


@pytest.mark.parametrize(("loss", "labels"), LOSSES, ids=lambda v: v if isinstance(v, str) else v.dtype.name)
def test_losses(loss, labels):
    check(MLP, loss, "SGD(p, lr=0.01)", y=labels)


FORMULAS = [  # of the scores o and the labels y, (N, 5) both, and s, o between 0 and 1
    "((o - y) * (o - y)).sum(1).mean() + (o * o).mean() * 0.1",
    "o.exp().sum(1).log().mean() - (o * y).sum(1).mean()",
    "((o - y) ** 2 + 0.1).sqrt().mean()",
    "(-o / (y + 1.0)).clamp_min(0.0).sum()",
    "(o - y).abs().mean() + o.maximum(y).mean() - o.minimum(y).sum() / 100",
    "((1 + s) ** (1 + y)).mean() + (2 / (1 + s)).mean()",
    "(o[:, 1:] * o[:, :-1]).mean() + (o[:, 0] - y[:, 3]).abs().sum()",
    "(o.reshape((len(o), 5, 1)) * y.reshape((len(y), 1, 5))).sum((1, 2)).mean()",
    "(o - o.sum(1, keepdim=True) * 0.2).abs().mean()",
    "o.sum() / 61 + (o * o).sum()",
    "-(y * s.log() + (1 - y) * (1 - s).log()).mean()",
    "(o.reshape((len(o), 5)).tanh() - y.relu()).abs().mean()",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_losses_made_of_tensor_operations(formula):
    def loss(o, y):
        return eval(formula, {"o": o, "y": fastnano.as_tensor(y), "s": o.sigmoid()})

    check(MLP, loss, "SGD(p, lr=0.01)", y=SHARES)


def test_a_loss_of_every_pixel():
    check("Conv2d(2, 4, 3, padding=1)", y=RNG.integers(0, 4, (61, 7, 6)).astype(np.uint8))


# Ops

NATIVE_KERNELS = _native.load()


def in_a_plan(case):
    """Whether an op has gradients, all native, and the case finite numbers."""
    op = ops.OPS.get(case.name)
    return case.smooth and op and op.gradients and all(c.name in NATIVE_KERNELS for c in case.contracts)


class OneOp(nn.Module):
    """An op of the table on scaled samples; its other inputs are parameters or constants, its labels ``y``."""

    def __init__(self, case):
        super().__init__()
        self.case, self.gain = case, None
        self.batched = [a.name for a in case.contract.given if a.letters[0] in ("n", "...")]
        for name, array in case.inputs("f").items():
            if name == "x" and name in self.batched:
                self.gain = nn.Parameter(np.ones(array.shape[1:], np.float32))
            elif name not in self.batched and array.dtype == np.float32:
                setattr(self, name, nn.Parameter(array))
            elif name not in self.batched:
                self.register_buffer(name, Tensor(array))
            elif array.dtype == np.float32:  # all samples have the first one's
                setattr(self, name, nn.Parameter(array[0]))

    def forward(self, x):
        return x if self.gain is None else x * self.gain

    def loss(self, scaled, y):
        data = {"target": fastnano.as_tensor(y), "x": scaled, "like": scaled}
        data["index"] = scaled if self.gain is None else fastnano.as_tensor(y).to(np.int32)
        for name in set(self.batched) - set(data):
            one = getattr(self, name)
            data[name] = one.expand(len(scaled), *one.shape)
        inputs = [
            data[a.name] if a.name in self.batched else getattr(self, a.name)
            for a in self.case.contract.given
        ]
        found = apply(ops.OPS[self.case.name], *inputs, **self.case.scalars)
        return found if found.ndim == 0 else (found * found).mean()


@pytest.mark.parametrize("case", [case for case in CASES if in_a_plan(case)], ids=str)
def test_one_op_alone(case):
    case, found = case.with_batch(20), []
    inputs = case.inputs("f")
    for kind in (Plan, Eager):
        net = OneOp(case)
        part = kind(net, net.loss, optim.SGD(net.parameters(), lr=0.01), 17)
        x = next(inputs[name] for name in ("like", "x", "index") if name in inputs)
        y = next((inputs[n] for n in ("target", "index") if n in net.batched), np.zeros(20, np.int64))
        part.run_epoch(x, y)
        found.append(net)
    assert_close(*found)


# Data

CONVOLUTION = "Conv2d(2, 3, 3), BatchNorm2d(3), ReLU(), MaxPool2d(2), Flatten(), Dropout(0.2), Linear(12, 5)"


@pytest.mark.parametrize("batch", [1, 2, 15, 16, 17, 32, 33, 60, 61, 100])
def test_batches_of_every_size(batch):
    check(CONVOLUTION, batch=batch, steps=min(50, 600 // batch))


@pytest.mark.parametrize("samples", [1, 2, 3, 5])
def test_few_samples(samples):
    check(batch=2, x=X[:samples], y=Y[:samples], steps=10)


IMAGES = [  # shape of a sample of bytes, mean, standard deviation, network
    ((9,), 0.0, 1.0, "Linear(9, 5)"),
    ((33,), 0.3, 0.7, "Linear(33, 5)"),
    ((7, 6), 0.1307, 0.3081, "Conv2d(1, 3, 3), ReLU(), Flatten(), Linear(60, 5)"),
    ((1, 7, 6), 0.1307, 0.3081, "Conv2d(1, 3, 3), ReLU(), Flatten(), Linear(60, 5)"),
    ((3, 5, 4), (0.1, 0.2, 0.3), (0.5, 0.6, 0.7), "Conv2d(3, 3, 3), ReLU(), Flatten(), Linear(18, 5)"),
    ((2, 5, 5), 0.5, (0.25, 0.5), "Flatten(), Linear(50, 5)"),
]


@pytest.mark.parametrize(("shape", "mean", "std", "network"), IMAGES)
def test_bytes_are_scaled_and_normalised_per_channel(shape, mean, std, network):
    x = np.random.default_rng(0).integers(0, 256, (61, *shape), np.uint8)
    twins = check(network, optimizer="SGD(p, lr=0.01)", x=x, mean=mean, std=std)
    want = twins.eager.model(Tensor(plain_input(x, mean, std))).data
    np.testing.assert_allclose(twins.plan.predict(x), want, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "x",
    [X.astype(np.float64), np.asfortranarray(X), X.repeat(2, 3)[..., ::2], X[::-1], (3 * X).astype(np.int16)],
    ids=["float64", "column order", "strided", "reversed", "whole numbers"],
)
def test_other_arrays_are_converted(x):
    check(x=x)


class Blind(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(1, 5)

    def forward(self, x):
        return self.out(fastnano.ones(len(x), 1))


def test_images_without_pixels_are_refused():
    model = Blind()
    p = Plan(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), 8)
    with pytest.raises(ValueError, match=r"images have shape \(20, 0, 4, 4\), no pixels"):
        p.run_epoch(np.zeros((20, 0, 4, 4), np.uint8), Y[:20])


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.int64, np.uint64])
def test_classes_of_every_integer_type(dtype):
    check(y=Y.astype(dtype), steps=10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_targets_of_every_float_type(dtype):
    check(loss="MSELoss()", y=SHARES.astype(dtype), steps=10)


def test_new_data_of_other_kinds_are_taken_too():
    twins = Twins("Conv2d(1, 3, 3), ReLU(), Flatten(), Linear(60, 5)", mean=0.5, std=0.3)
    bytes_ = np.random.default_rng(0).integers(0, 256, (40, 7, 6), np.uint8)
    for x, y in ((bytes_, Y[:40]), (X[:50, :1], Y[:50].astype(np.uint8)), (bytes_[:20], Y[:20])):
        twins.train(x, y, epochs=2)
        twins.check(x, y)


# Threads and instruction sets


def trained(threads=1, epochs=3):
    """The bits of a network after some epochs on so many threads."""
    fastnano.set_num_threads(threads)
    x, y = np.concatenate([X] * 5), np.concatenate([Y] * 5)
    model = build(
        "Conv2d(2, 8, 3), BatchNorm2d(8), ReLU(), Flatten(), Linear(160, 99), Dropout(0.5), Linear(99, 5)"
    )
    plan = Plan(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()), 100, clip_norm=1.0)
    measures = [plan.run_epoch(x, y) for _ in range(epochs)]
    return bits(model), measures, plan.predict(x).tobytes()


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_any_number_of_threads_gives_the_same_bits_every_time(threads):
    assert trained(threads) == trained(1)


@pytest.mark.parametrize("variant", NATIVE)
@pytest.mark.parametrize("network", [CONVOLUTION, Branches, Moved, NETWORKS[3], NETWORKS[9]], ids=range(5))
def test_every_instruction_set(variant, network, monkeypatch):
    monkeypatch.setenv("FASTNANO_ISA", variant.removeprefix("cython-"))
    check(network)


def names(plan):
    return [line.split()[0] for line in plan.explain().splitlines() if line.startswith("    ")]


@pytest.mark.parametrize(
    ("network", "order"),
    [
        ("Conv2d(2, 3, 3), ReLU(), MaxPool2d(2), Flatten(), Linear(12, 5)", "pooling first"),
        ("ReLU(), MaxPool2d(3, 1), Flatten(), Linear(40, 5)", "pooling first"),
        ("Conv2d(2, 3, 3), LeakyReLU(-1), MaxPool2d(2), Flatten(), Linear(12, 5)", "as written"),
    ],
)
def test_a_monotone_function_goes_behind_pooling(network, order):
    twins = check(network)
    twins.plan.run_epoch(X, Y)
    found = [n for n in names(twins.plan) if n.startswith(("relu", "leaky", "max_pool"))]
    first = found[0].startswith("max_pool")
    assert first == (order == "pooling first")


def test_a_function_that_others_read_stays_before_pooling():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.whole, self.pooled = nn.Linear(84, 5), nn.Linear(18, 5)

        def forward(self, x):
            y = F.relu(x)
            return self.whole(y.reshape((-1, 84))) + self.pooled(F.max_pool2d(y, 2).reshape((-1, 18)))

    twins = check(Both)
    assert next(n for n in names(twins.plan) if n.startswith(("relu", "max_pool"))) == "relu_forward"


def test_a_large_gradient_is_taken_up_where_it_is_made():
    """The gradient of the first layer waits for its update, which must wait for the weights' last reader."""
    network = "Flatten(), Linear(84, 3200), ReLU(), Linear(3200, 90), ReLU(), Linear(90, 5)"
    twins = check(network, steps=10)
    lines = twins.plan.explain().splitlines()
    phases = [i for i, line in enumerate(lines) if line.startswith("phase")]

    def phase(name, shape):
        (at,) = (i for i, line in enumerate(lines) if line.split()[:1] == [name] and f"-> {shape}" in line)
        return max(p for p in phases if p < at)

    assert phase("linear_dx", "[n,3200]") < phase("linear_dweight", "[90,3200]")
    assert phase("linear_dweight", "[90,3200]") == phase("sgd_momentum", "[90,3200]")

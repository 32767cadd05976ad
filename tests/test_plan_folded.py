"""Plans of networks that fold axes of a sample into the batch, and of what is of no sample at all."""

import numpy as np
import pytest

import fastnano
from fastnano import Tensor, nn, optim
from fastnano.plan import Plan
from twins import MLP, RNG, Eager, Twins, X, Y, assert_close, bits, build, check

F = nn.functional

TIMES = RNG.standard_normal((61, 6, 4)).astype(np.float32)  # (N, T, C)
TAGS = RNG.integers(0, 5, (61, 6))  # a label for every time


def rows_of_18(x):
    return x.reshape((-1, 18))


class Heads(nn.Module):
    """(N, T, H d) taken apart to (N H, T, d), a softmax of each, and back."""

    def __init__(self):
        super().__init__()
        self.inner, self.out = nn.Linear(4, 6), nn.Linear(36, 5)

    def forward(self, x):
        heads = self.inner(x).reshape((len(x), 6, 2, 3)).permute(0, 2, 1, 3)
        heads = heads.reshape((2 * len(x), 6, 3))
        heads = F.softmax(heads, 1) + heads.tanh() * heads.sum(1, keepdim=True)
        back = heads.reshape((len(x), 2, 6, 3)).permute(0, 2, 1, 3)
        return self.out(back.reshape((len(x), 36)))


class Positions(nn.Module):
    """What is learned of every place is added to all samples, and itself goes through a layer."""

    def __init__(self):
        super().__init__()
        self.places = nn.Parameter(TIMES[0].copy())
        self.inner, self.out = nn.Linear(4, 4), nn.Linear(24, 5)

    def forward(self, x):
        x = x + self.inner(F.softmax(self.places, 1)) * self.places.sum(0)
        return self.out(x.flatten(1))


class Unfolded(nn.Module):
    """Rows of (N T) that meet what is shared and what is each row's own."""

    def __init__(self):
        super().__init__()
        self.out, self.gain = nn.Linear(24, 5), nn.Parameter(np.ones(4, np.float32))

    def forward(self, x):
        rows = x.reshape((-1, 4))
        rows = (rows - rows.sum(1, keepdim=True) * 0.25) * self.gain + rows.exp().sum(1).log().unsqueeze(1)
        return self.out(rows.reshape((len(x), 24)))


NETWORKS = [  # of times
    "Linear(4, 3), ReLU(), Linear(3, 9), Tanh(), Flatten(), Linear(54, 5)",
    "Linear(4, 7, bias=False), Softmax(-1), Flatten(), Linear(42, 5)",
    "Softmax(2), LogSoftmax(-1), Linear(4, 4), Softmax(1), Flatten(), Linear(24, 5)",
    lambda: nn.Sequential(
        *build("Flatten(0, 1), Linear(4, 9), BatchNorm1d(9), ReLU(), Dropout(0.2), Linear(9, 3)"),
        nn.Lambda(rows_of_18),
        nn.Linear(18, 5),
    ),
    "LayerNorm(4), Linear(4, 3), Flatten(), Linear(18, 5)",
    Heads,
    Positions,
    Unfolded,
]


@pytest.mark.parametrize("batch", [13, 16, 50])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n if isinstance(n, str) else n.__name__)
def test_folded_networks(network, batch):
    twins = check(network, x=TIMES, batch=batch)
    want = twins.eager.model.eval()(Tensor(TIMES)).data
    for samples in (61, 3):
        np.testing.assert_allclose(twins.plan.predict(TIMES[:samples]), want[:samples], rtol=1e-3, atol=1e-4)


LOSSES = {
    "of all rows": lambda o, y: F.cross_entropy(o.reshape((-1, 5)), fastnano.as_tensor(y).reshape((-1,))),
    "of places": lambda o, y: F.cross_entropy(o.transpose(1, 2), y),
    "smoothed": lambda o, y: F.cross_entropy(
        o.reshape((-1, 5)), fastnano.as_tensor(y).reshape((-1,)), label_smoothing=0.1
    ),
    "sums of rows": lambda o, y: F.nll_loss(
        F.log_softmax(o, -1).reshape((-1, 5)), fastnano.as_tensor(y).reshape((-1,)), reduction="sum"
    ),
}


@pytest.mark.parametrize("batch", [13, 32])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_losses_of_every_time(loss, batch):
    check("Linear(4, 7), Tanh(), Linear(7, 5)", loss, "SGD(p, lr=0.01)", x=TIMES, y=TAGS, batch=batch)


def test_outputs_may_be_folded_too():
    twins = check("Flatten(0, 1), Linear(4, 5)", LOSSES["of all rows"], "SGD(p, lr=0.1)", x=TIMES, y=TAGS)
    want = twins.eager.model(Tensor(TIMES)).data
    for samples in (61, 2):
        got = twins.plan.predict(TIMES[:samples])
        np.testing.assert_allclose(got, want[: 6 * samples], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("batch", [200, 300, 700])
@pytest.mark.parametrize(
    "network",
    [
        "Flatten(), Linear(84, 9), BatchNorm1d(9), Linear(9, 5)",
        "Conv2d(2, 3, 3), BatchNorm2d(3), Flatten(), Linear(60, 5)",
    ],
)
def test_statistics_of_large_batches(network, batch):
    check(network, x=np.resize(X + 5, (700, *X.shape[1:])), y=np.resize(Y, 700), batch=batch, steps=5)


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_any_number_of_threads_gives_the_same_bits(threads):
    def trained(count):
        fastnano.set_num_threads(count)
        model = build(NETWORKS[3])
        plan = Plan(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), 50)
        fastnano.manual_seed(7)
        return plan.run_epoch(TIMES, Y), bits(model)

    assert trained(threads) == trained(1)


WORDS = RNG.integers(0, 11, (61, 6))


@pytest.mark.parametrize(
    "network", ["Embedding(11, 4), Linear(4, 3), Tanh()", "Embedding(11, 3, padding_idx=2)"]
)
def test_numbers_of_rows_of_a_table(network):
    twins = check(f"{network}, Flatten(), Linear(18, 5)", x=WORDS)
    want = twins.eager.model.eval()(Tensor(WORDS)).data
    for samples in (61, 3):
        np.testing.assert_allclose(twins.plan.predict(WORDS[:samples]), want[:samples], rtol=1e-3, atol=1e-4)
    with pytest.raises(IndexError, match="input holds 99, expected rows from 0 to 10"):
        twins.plan.run_epoch(np.where(WORDS == 3, 99, WORDS), Y)


# Matrix products


class Attention(nn.Module):
    """Every time looks at all times, in two heads."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(4, 8) for _ in range(4))
        self.out = nn.Linear(48, 5)

    def heads(self, x):
        return x.reshape((len(x), 6, 2, 4)).permute(0, 2, 1, 3)

    def forward(self, x):
        q, k, v = (self.heads(layer(x)) for layer in (self.q, self.k, self.v))
        shares = F.softmax(q @ k.transpose(2, 3) * 0.5, -1)
        return self.out((shares @ v).permute(0, 2, 1, 3).flatten(1))


PRODUCTS = {  # of x (N, 6, 4), a row r (N, 4) of it, and parameters of the named shapes
    "a matrix for all": ((4, 3), lambda x, _, w: x @ w),
    "rows and a matrix": ((4, 3), lambda _, r, w: r @ w),
    "a matrix in front": ((3, 6), lambda x, _, w: w @ x),
    "a vector behind": ((4,), lambda x, _, w: x @ w),
    "rows and a vector": ((4,), lambda _, r, w: r @ w),
    "a vector in front": ((6,), lambda x, _, w: w @ x),
    "matrices for all": ((2, 4, 3), lambda x, _, w: x.unsqueeze(1) @ w),
    "one of many axes": ((1, 4, 3), lambda x, _, w: x @ w),
    "of samples": ((4,), lambda x, _, w: (x * w) @ x.transpose(1, 2)),
    "with a row": ((4,), lambda x, r, w: x @ (r * w).unsqueeze(2)),
    "of parts": ((4,), lambda x, _, w: x.reshape((-1, 2, 3, 4)) @ (x * w).unsqueeze(1).transpose(2, 3)),
    "of parameters": ((4, 3), lambda x, _, w: (x * (w @ w.T @ w).sum(1)).tanh()),
}  # fmt: skip


class Product(nn.Module):
    def __init__(self, shape, function):
        super().__init__()
        self.weight = nn.Parameter(np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape))
        self.first, self.function = nn.Linear(4, 4), function
        with fastnano.no_grad():
            features = self.function(*self.given(Tensor(TIMES)), self.weight)[0].numel()
        self.out = nn.Linear(features, 5)

    def given(self, x):
        x = self.first(x)
        return x, x[:, 1]

    def forward(self, x):
        return self.out(self.function(*self.given(x), self.weight).reshape((len(x), -1)))


@pytest.mark.parametrize("batch", [13, 32])
@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_matrix_products(product, batch):
    check(lambda: Product(*product), optimizer="SGD(p, lr=0.01)", x=TIMES, batch=batch)


def test_attention():
    twins = check(Attention, x=TIMES)
    want = twins.eager.model(Tensor(TIMES)).data
    for samples in (61, 3):
        np.testing.assert_allclose(twins.plan.predict(TIMES[:samples]), want[:samples], rtol=1e-3, atol=1e-4)
    assert "matmul_forward" in twins.plan.explain()


# What is not one element after another

OTHERS = {
    "a mean of rows": lambda o: o.mean(1, keepdim=True) * o,
    "a mean of all axes but one": lambda o: o.reshape((len(o), 5, 1)).mean((1, 2)).unsqueeze(1) + o,
    "parts one behind the other": lambda o: fastnano.cat([o[:, 3:], o[:, :2] * 2, o[:, 2:3]], 1),
    "parts side by side": lambda o: fastnano.stack([o, o * o], 2).sum(2),
    "a padding of ones": lambda o: F.pad(o, (1, 2), value=1.0)[:, 1:6] * F.pad(o[:, :3], (1, 1), value=-2.0),
    "a padding of infinity": lambda o: F.pad(o, (0, 3), value=-np.inf).exp()[:, 2:7],
}


@pytest.mark.parametrize("function", OTHERS.values(), ids=OTHERS)
def test_other_expressions(function):
    def loss(o, y):
        return F.cross_entropy(function(o) + o, y)

    check(MLP, loss, "SGD(p, lr=0.05)")


@pytest.mark.parametrize("loss", ["MSELoss()", "L1Loss(reduction='sum')"])
def test_whole_numbers_as_targets(loss):
    check("Linear(4, 1), Flatten()", loss, "SGD(p, lr=0.001)", x=TIMES, y=TAGS)


# What is of no sample

PENALTIES = {
    "squares": lambda w: (w**2).sum() * 0.01,
    "sizes": lambda w: 0.01 * w.abs().sum(),
    "rows": lambda w: (w.sum(1) * w.sum(1)).mean() * 0.1,
    "columns": lambda w: ((w * w).sum(0, keepdim=True) + 1e-3).sqrt().sum() * 0.01,
    "a spread": lambda w: (w - w.mean()).abs().mean(),
    "turned round": lambda w: (w.transpose(0, 1)[1:] * w.transpose(0, 1)[:-1]).sum() * 0.01,
    "shares": lambda w: (F.softmax(w, 1) * w).sum() * 0.1,
}


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
def test_penalties_on_parameters(penalty):
    nets = [build("Flatten(), Linear(84, 9), Tanh(), Linear(9, 5)") for _ in range(2)]
    for kind, net in zip((Plan, Eager), nets, strict=True):

        def loss(o, y, net=net):
            return F.cross_entropy(o, y) + penalty(net[1].weight) + penalty(net[3].weight)

        part = kind(net, loss, optim.SGD(net.parameters(), lr=0.1, momentum=0.9), 13)
        for _ in range(5):
            part.run_epoch(X, Y)
    assert_close(*nets)


# What the eager step refuses


NORMED = "Flatten(), Linear(84, 9), BatchNorm1d(9), Linear(9, 5)"


def test_a_lone_sample_that_a_layer_refuses_is_refused():
    model = build(NORMED)
    plan = Plan(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), 12)
    before = bits(model)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"input of shape \(1, 9\) has one value per channel"):
            plan.run_epoch(X, Y)
    assert bits(model) == before
    plan.run_epoch(X[:60], Y[:60])
    assert bits(model) != before


def test_a_batch_whose_labels_are_all_ignored_is_refused():
    labels = np.where((np.arange(61) >= 26) & (np.arange(61) < 39), -100, Y)
    twins = Twins(MLP)
    for part in twins.parts:
        with pytest.raises(ValueError, match="the weights of all targets add up to 0"):
            part.run_epoch(X, labels)
    assert_close(twins.plan.model, twins.eager.model)


def test_gradients_that_are_no_numbers_are_not_learned_from():
    scale = np.ones((61, 5), np.float32)
    scale[30] = 0  # in the third batch; the root of 0 has no gradient

    def loss(o, y):
        return (o * y).abs().sum(1).sqrt().mean()

    twins = Twins(MLP, loss, "Adam(p, lr=0.01)", clip_norm=1.0)
    with pytest.raises(ValueError, match="the gradients have norm nan"), np.errstate(all="ignore"):
        twins.eager.run_epoch(X, scale)
    with pytest.raises(FloatingPointError, match="the gradients are not finite in step 3"):
        twins.plan.run_epoch(X, scale)
    assert_close(twins.plan.model, twins.eager.model)
    assert {float(s["step"][0]) for s in twins.plan.optimizer.state.values()} == {2.0}

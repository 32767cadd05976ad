"""The learning-rate range test, and that it leaves everything as it was."""

import copy
import warnings

import numpy as np
import pytest

import fastnano as fn
from fastnano import data, nn, optim
from fastnano.data import DataLoader, TensorDataset

RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 6)).astype(np.float32)
Y = (X @ RNG.standard_normal((6, 3))).argmax(1)


def network():
    fn.manual_seed(3)
    return nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 3).eval()
    )


def find(model, optimizer=None, **options):
    optimizer = optimizer or optim.SGD(model.parameters(), lr=0.1)
    return fn.lr_find(model, nn.CrossEntropyLoss(), optimizer, (X, Y), batch_size=20, **options)


def test_rates_grow_by_the_same_factor_until_the_loss_is_lost():
    found = find(network(), start_lr=1e-5, end_lr=1e4, num_iter=91)
    assert 40 < len(found.lrs) < 91
    np.testing.assert_allclose(found.lrs, 1e-5 * 10 ** (0.1 * np.arange(len(found.lrs))), rtol=1e-9)
    assert found.smoothed[-1] <= 4 * found.smoothed.min()
    s, expected = 0.0, []
    for t, loss in enumerate(found.losses, 1):
        s = 0.8 * s + 0.2 * loss
        expected.append(s / (1 - 0.8**t))
    np.testing.assert_allclose(found.smoothed, expected, rtol=1e-12)


def test_the_suggestion_is_where_the_smoothed_loss_falls_most_steeply():
    lrs = np.geomspace(1e-4, 1, 81)
    smoothed = 2 - np.tanh(np.log10(lrs / 0.01) * 3) + 3 * np.maximum(np.log10(lrs / 0.1), 0) ** 2
    smoothed[2] = 1.9  # rough beginnings do not count
    smoothed[-1] = 1.5  # nor does a fall behind the lowest
    found = fn.RateRange(lrs, smoothed, smoothed)
    assert found.suggestion == pytest.approx(0.01)
    assert repr(found) == "RateRange(81 steps up to 1, suggestion=0.01)"


def test_losses_are_those_of_a_training_at_these_rates():
    found = find(network(), num_iter=30)
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(TensorDataset(X, Y), 20, shuffle=True, seed=0)
    batches = [b for epoch in range(3) for b in (loader.set_epoch(epoch) or list(loader))]
    model.train()
    for lr, expected, (x, y) in zip(found.lrs, found.losses, batches, strict=False):
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(fn.tensor(x)), y)
        assert loss.item() == expected
        loss.backward()
        optimizer.step()


@pytest.mark.filterwarnings("ignore:lr_find. the loss hardly falls")  # in so few steps
@pytest.mark.parametrize("kind", ["Adam", "SGD", "Rprop"])
def test_everything_is_as_it_was(kind):
    def made():
        model = network()
        groups = [{"params": model[0].parameters()}, {"params": model[4].parameters(), "lr": 0.02}]
        return model, getattr(optim, kind)(groups, lr=0.01)

    def train(model, optimizer):
        for i in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(fn.tensor(X[i::7])), Y[i::7]).backward()
            optimizer.step()

    one, other = made(), made()
    for model, optimizer in (one, other):
        fn.manual_seed(5)
        train(model, optimizer)
    model, optimizer = other
    before = copy.deepcopy(optimizer.state_dict())
    addresses = [t.data.ctypes.data for t in (*model.parameters(), *model.buffers())]
    gradients = [p.grad for p in model.parameters()]
    loader = DataLoader(TensorDataset(X, Y), 20, shuffle=True, seed=1)
    loader.set_epoch(7)
    key = fn.Generator(1)  # the layers' own state is looked at through what they drop
    found = fn.lr_find(model, nn.CrossEntropyLoss(), optimizer, loader, num_iter=25)
    assert len(found.lrs) == 25 or found.lrs[-1] < 10
    assert loader.epoch == 7
    assert key.state.tolist() == [1, 0]
    assert [t.data.ctypes.data for t in (*model.parameters(), *model.buffers())] == addresses
    assert all(p.grad is g for p, g in zip(model.parameters(), gradients, strict=True))
    assert [m.training for m in model] == [True] * 4 + [False]
    assert repr(optimizer.state_dict()) == repr(before)
    fn.manual_seed(6)
    train(*other)
    fn.manual_seed(6)
    train(*one)
    for a, b in zip(one[0].state_dict().values(), model.state_dict().values(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.filterwarnings("ignore:lr_find. the loss hardly falls")  # in so few steps
def test_random_numbers_go_on_where_they_were():
    model = network()
    fn.manual_seed(9)
    expected = model(fn.tensor(X)).data, nn.Linear(3, 3).weight.data.copy()
    fn.manual_seed(9)
    model = network()
    fn.manual_seed(9)
    find(model, num_iter=20)
    np.testing.assert_array_equal(model(fn.tensor(X)).data, expected[0])
    np.testing.assert_array_equal(nn.Linear(3, 3).weight.data, expected[1])


def test_groups_keep_the_ratios_of_their_rates():
    model, seen = network(), []

    class Watched(optim.SGD):
        def step(self, closure=None):
            seen.append([group["lr"] for group in self.param_groups])
            return super().step(closure)

    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[4].parameters(), "lr": 0.4}]
    found = find(model, Watched(groups))
    np.testing.assert_allclose(np.array(seen)[: len(found.lrs), 0], found.lrs)
    np.testing.assert_allclose(np.array(seen)[:, 1], 4 * np.array(seen)[:, 0])


def test_images_are_fed_as_the_trainer_does():
    digits = data.load("synthetic", train=False)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    found = fn.lr_find(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()), digits)
    assert 1e-4 < found.suggestion < 0.3


@pytest.mark.parametrize("kind", ["Adam", "SGD"])
def test_rates_too_small_to_learn_by_are_told_of(kind):
    model = network()
    optimizer = getattr(optim, kind)(model.parameters(), lr=0.1)
    with pytest.warns(
        UserWarning, match=r"hardly falls from .* between the rates 1e-09 and 1e-06, .* a guess"
    ):
        assert find(model, optimizer, start_lr=1e-9, end_lr=1e-6).is_flat
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not find(model, optimizer).is_flat


def test_the_picture(tmp_path):
    figure = find(network(), num_iter=40).plot(tmp_path / "rates.png")
    assert (tmp_path / "rates.png").stat().st_size > 10_000
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert [line.get_label() for line in axes.lines][:2] == ["loss", "smoothed"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"start_lr": 0}, ValueError, "start_lr=0 must be above 0 and below end_lr"),
        ({"start_lr": 1, "end_lr": 0.1}, ValueError, "start_lr=1 must be above 0 and below end_lr=0.1"),
        ({"num_iter": 10}, ValueError, "num_iter=10 must be a whole number above 10"),
        ({"num_iter": 20.5}, ValueError, "num_iter=20.5 must be a whole number"),
        ({"diverge": 1}, ValueError, "diverge=1 must be above 1"),
    ],
)
def test_refused(options, error, message):
    with pytest.raises(error, match=message):
        find(network(), **options)


def test_data_with_nan():
    model = network()
    with pytest.raises(
        FloatingPointError, match="the loss is nan at a learning rate of 1e-07, after 0 steps"
    ):
        fn.lr_find(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters()), (X * np.nan, Y))

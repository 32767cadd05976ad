"""Early stopping that restores, Monte-Carlo dropout, frozen layers evaluated once."""

from collections import deque

import numpy as np
import pytest

import fastnano as fn
from fastnano import callbacks, nn, optim

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((90, 6)).astype("f"), RNG.integers(0, 3, 90)


# Early stopping


class Watch(callbacks.Callback):
    """The weights after each epoch."""

    def __init__(self):
        self.weights = []

    def on_epoch_end(self, trainer, record):
        self.weights.append([t.data.copy() for t in trainer.model.state_dict().values()])


@pytest.mark.parametrize("compile", [False, "auto"])
def test_the_best_weights_are_restored(compile):
    fn.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
    stop, watch = callbacks.EarlyStopping(3, restore_best_weights=True), Watch()
    trainer = fn.Trainer(
        net, nn.CrossEntropyLoss(), optim.Adam(net.parameters(), 0.05), callbacks=[stop, watch]
    )
    history = trainer.fit((X[:60], Y[:60]), (X[60:], Y[60:]), epochs=60, progress=False, compile=compile)
    best = int(np.argmin(history["val_loss"]))
    assert stop.best_epoch == best + 1 < len(history) < 60
    for t, kept, last in zip(net.state_dict().values(), watch.weights[best], watch.weights[-1], strict=True):
        np.testing.assert_array_equal(t.data, kept)
        assert not np.array_equal(kept, last)
    assert trainer.evaluate((X[60:], Y[60:]))["loss"] == pytest.approx(stop.best)


def test_a_small_gain_is_none():
    stop = callbacks.EarlyStopping(patience=2, monitor="val_accuracy", min_delta=0.1)
    assert [stop.improved({"val_accuracy": v, "epoch": e}) for e, v in enumerate([0.5, 0.58, 0.61, 0.4])] == [
        True,
        False,
        True,
        False,
    ]
    with pytest.raises(ValueError, match="min_delta=-1 must be at least 0"):
        callbacks.EarlyStopping(min_delta=-1)


# Monte-Carlo dropout


def dropping():
    fn.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))


def test_mc_dropout_is_its_formula():
    net = dropping()
    fn.manual_seed(5)
    mean, std, entropy = fn.mc_dropout(net, X, samples=4)
    fn.manual_seed(5)
    net.eval()[2].train()
    with fn.no_grad():
        passes = np.stack([nn.functional.softmax(net(fn.tensor(X)), 1).data for _ in range(4)])
    np.testing.assert_allclose(mean, passes.mean(0), rtol=1e-5)
    np.testing.assert_allclose(std, passes.std(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(entropy, -(passes.mean(0) * np.log(passes.mean(0))).sum(1), rtol=1e-5)
    assert mean.dtype == np.float32


def test_mc_dropout_changes_neither_modes_nor_statistics():
    net = dropping()
    net[3].eval()
    before = {name: t.data.copy() for name, t in net.state_dict().items()}
    found = fn.mc_dropout(net, fn.tensor(X), samples=3, batch_size=40)
    assert found.mean.shape == (90, 3)
    assert [m.training for m in net.modules()] == [True, True, True, True, False]
    for name, t in net.state_dict().items():
        np.testing.assert_array_equal(t.data, before[name])


def test_mc_dropout_of_outputs_as_they_are():
    net = nn.Sequential(nn.Linear(6, 1), nn.Dropout(0.9))
    found = fn.mc_dropout(net, X, samples=50, softmax=False)
    assert found.entropy is None
    assert (found.std > 0).all()
    one = fn.mc_dropout(net, X[:1], samples=1, softmax=False)
    np.testing.assert_array_equal(one.std, 0)


def test_mc_dropout_of_functions_and_recurrent_layers():
    class Functional(nn.Module):
        def __init__(self, drop):
            super().__init__()
            self.rnn, self.drop = nn.GRU(3, 8, num_layers=2, dropout=0.5, batch_first=True), drop

        def forward(self, x):
            y = self.rnn(x.reshape(-1, 2, 3))[0][:, -1]
            return self.drop(y, 0.5, self.training)

    F = nn.functional
    for drop in (F.dropout, F.alpha_dropout, F.dropout1d, lambda x, *_: x):
        net = Functional(drop)
        assert (fn.mc_dropout(net, X, samples=5, softmax=False).std > 0).mean() > 0.8
        net.eval()
        with fn.no_grad():
            assert np.array_equal(net(fn.tensor(X)).data, net(fn.tensor(X)).data)  # and no longer


def test_mc_dropout_scales_bytes_as_the_training_did(digits):
    train, test = digits
    fn.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(784, 10))
    trainer = fn.Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net.parameters(), 0.1))
    trainer.fit(fn.data.Subset(train, np.arange(64)), progress=False)
    found = []
    for x in (test.images[:20], trainer.transform(test.images[:20])):
        fn.manual_seed(1)
        found.append(fn.mc_dropout(net, x, samples=3).mean)
    np.testing.assert_allclose(*found, rtol=1e-6)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda: fn.mc_dropout(nn.Linear(6, 2), X), r"Linear has no dropout with p above 0; put in a layer"),
        (lambda: fn.mc_dropout(nn.Sequential(nn.Dropout(0)), X), r"has no dropout with p above 0"),
        (lambda: fn.mc_dropout(dropping(), X, samples=0), r"samples=0 must be at least 1"),
        (lambda: fn.mc_dropout(dropping(), X[:0]), r"x has shape \(0, 6\), expected at least one sample"),
    ],
)
def test_mc_dropout_refuses(run, message):
    with pytest.raises(ValueError, match=message):
        run()


# Frozen layers


class Counted(nn.Linear):
    """A layer that counts how often and on how many samples it ran in evaluation and training."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.ran = deque()  # a list that forward changes would keep plans away

    def forward(self, x):
        self.ran.append(len(x))
        return super().forward(x)


def fine_tuned(cache, compile="auto", **options):
    fn.manual_seed(2)
    net = nn.Sequential(
        Counted(6, 10), nn.Tanh(), nn.Linear(10, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3)
    )
    net[0].requires_grad_(False)
    trainer = fn.Trainer(net, nn.CrossEntropyLoss(), optim.Adam(net.parameters(), 0.02))
    options = {"epochs": 5, "batch_size": 16, "seed": 3, "progress": False} | options
    trainer.fit((X[:60], Y[:60]), (X[60:], Y[60:]), cache_frozen=cache, compile=compile, **options)
    return net, trainer


@pytest.mark.parametrize("compile", [False, True])
def test_frozen_layers_run_once_and_give_the_same_training(compile):
    (plain, one), (cached, two) = fine_tuned(False, compile), fine_tuned(True, compile)
    assert two.history.cached == "layers 0 (Counted), 1 (Tanh); layer 2, Linear, is not frozen"
    assert one.history.cached == ""
    assert list(cached[0].ran) == [60, 30]  # its tests ran on a copy
    assert sum(fine_tuned(False, False)[0][0].ran) == 1 + 5 * 90  # one sample first, to see that it fits
    for a, b in zip(plain.parameters(), cached.parameters(), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-4, atol=1e-5)
    for name in ("loss", "val_loss", "val_accuracy"):
        np.testing.assert_allclose(one.history[name], two.history[name], rtol=1e-4)
    np.testing.assert_allclose(one.predict(X), two.predict(X), rtol=1e-3, atol=1e-4)
    assert two.history.eager == ("" if compile else "compile=False")


def test_it_says_so_and_a_later_fit_runs_them_again(capsys):
    net, trainer = fine_tuned(True, epochs=1, progress=True)
    assert "Frozen layers were evaluated once: layers 0 (Counted), 1 (Tanh)" in " ".join(
        capsys.readouterr().out.split()
    )
    ran = len(net[0].ran)
    trainer.fit((X, Y), epochs=1, progress=False, compile=False)
    assert len(net[0].ran) > ran
    assert trainer.history.cached == ""


def refused(*layers, **options):
    net = nn.Sequential(*layers, nn.Linear(6, 3))
    net[:-1].requires_grad_(False)
    trainer = fn.Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net.parameters()))
    trainer.fit((X, Y), progress=False, cache_frozen=True, **options)
    return trainer.history.cached


def centred(x):
    return x - x.mean(0)


@pytest.mark.parametrize(
    "layer",
    [nn.Dropout(0.3), nn.BatchNorm1d(6), nn.Lambda(centred)],
    ids=["chance", "batch statistics", "samples together"],
)
def test_what_changes_from_step_to_step_ends_the_cache(layer):
    assert f"0 (Linear); layer 1, {type(layer).__name__}, gives other values" in refused(
        nn.Linear(6, 6), layer
    )
    if isinstance(layer, nn.BatchNorm1d):
        assert layer.num_batches_tracked.item() == 2  # of the training itself


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda: refused(nn.Dropout(0.5), nn.Linear(6, 6)), r"layer 0, Dropout, gives other values"),
        (lambda: refused(nn.ReLU()), r"no frozen layers at the front.*layer 1, Linear, is not frozen"),
        (lambda: refused(nn.Linear(6, 6), augment=lambda x: x), r"augment, mix or a loader's transform"),
    ],
)
def test_caching_refuses(run, message):
    with pytest.raises(ValueError, match=f"cache_frozen: .*{message}"):
        run()


def test_caching_takes_sequentials_only():
    net = nn.Linear(6, 3)
    trainer = fn.Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net.parameters()))
    with pytest.raises(ValueError, match="the model is a Linear, expected a Sequential"):
        trainer.fit((X, Y), progress=False, cache_frozen=True)

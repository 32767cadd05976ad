"""The trainer's plans: when it has one, that it trains as it does without, who is told, and where it goes on."""

import numpy as np
import pytest

import fastnano
from fastnano import NotPlannable, callbacks, checkpoint, nn, optim
from fastnano.architecture import parse_layers
from fastnano.data import DataLoader, Subset, TensorDataset
from fastnano.train import Trainer
from twins import assert_close, bits

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (130, 6, 6), np.uint8)
Y = RNG.integers(0, 4, 130).astype(np.uint8)
LAYERS = "conv 4 3, batchnorm, relu, flatten, dropout 0.2, dense 16, tanh, dense 4"


def trainer(model=None, loss=None, schedule=None, optimizer=optim.Adam, **options):
    fastnano.manual_seed(0)
    model = model or parse_layers(LAYERS, (1, 6, 6))
    optimizer = optimizer(model.parameters(), lr=0.01)
    return Trainer(
        model, loss or nn.CrossEntropyLoss(), optimizer, schedule and schedule(optimizer), **options
    )


def fit(t, data=(X, Y), seed=1, **options):
    if seed is not None:
        fastnano.manual_seed(seed)  # of dropout
    return t.fit(data, progress=False, **{"batch_size": 16, "compile": True} | options)


def one_cycle(optimizer):
    return optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=27)


def stairs(optimizer):
    return optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)


SET_UPS = {
    "plain": {},
    "clipped": {"clip_norm": 0.5, "clip_value": 0.1},
    "a schedule per batch": {"schedule": one_cycle},
    "a schedule per epoch": {"schedule": stairs},
}


@pytest.mark.parametrize("options", SET_UPS.values(), ids=SET_UPS)
def test_with_and_without_a_plan_it_trains_the_same(options):
    found = []
    for compile in (True, False):
        t = trainer(optimizer=optim.SGD, **options)
        history = fit(t, validation=(X[:50], Y[:50]), epochs=3, compile=compile)
        found.append((t, history))
    (got, history), (want, expected) = found
    assert (history.eager, expected.eager) == ("", "compile=False")
    assert_close(got.model, want.model)
    for name in ("loss", "accuracy", "val_loss", "val_accuracy", "lr"):
        assert history[name] == pytest.approx(expected[name], rel=1e-3), name
    assert got.optimizer.state_dict()["param_groups"] == want.optimizer.state_dict()["param_groups"]
    if got.scheduler:
        assert got.scheduler.state_dict() == want.scheduler.state_dict()
    assert got.status.images == want.status.images == 130
    assert got.status.correct == want.status.correct


SOURCES = {
    "a data set": lambda: TensorDataset(X, Y),
    "a loader": lambda: DataLoader(TensorDataset(X, Y), 16, shuffle=True, seed=3),
    "whole batches": lambda: DataLoader(TensorDataset(X, Y), 16, shuffle=True, drop_last=True),
    "a part": lambda: Subset(TensorDataset(X, Y), np.arange(100, 20, -3)),
    "a part of a part": lambda: Subset(
        Subset(TensorDataset(X, Y), np.arange(0, 130, 2)), np.array([-1, 5, 5, 7])
    ),
    "floats": lambda: (RNG.standard_normal((50, 1, 6, 6)), Y[:50]),
    "floats of one's own": lambda: (
        np.sin(np.arange(180, dtype=np.float32)).reshape(5, 1, 6, 6),
        Y[:5].astype(np.int32),
    ),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_data_of_every_kind(source):
    data = source()
    nets = [trainer(optimizer=optim.SGD) for _ in range(2)]
    for t, compile in zip(nets, (True, False), strict=True):
        fit(t, data, epochs=2, compile=compile)
    assert_close(*(t.model for t in nets))
    assert nets[0].history["loss"] == pytest.approx(nets[1].history["loss"], rel=1e-4)


# Why not


class Doubled(fastnano.Function):
    def forward(self, x):
        return 2 * x

    def backward(self, dz):
        return 2 * dz


class Own(TensorDataset):
    def __getitem__(self, index):
        return super().__getitem__(index)


def with_a_function():
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 4), nn.Graph({"two": Doubled()}, [("in", "two")]))


def doubled(x):
    return 2 * x[:, None].astype(np.float32)


REASONS = {
    "transform": (
        lambda t, **o: fit(t, transform=doubled, **o),
        r"transform=<function doubled .* is Python code",
    ),
    "augment": (
        lambda t, **o: fit(t, augment=lambda x: x[..., ::-1], **o),
        "images go through .* is Python code",
    ),
    "data set": (lambda t, **o: fit(t, Own(X, Y), **o), "the data set .* is Python code"),
    "Function": (lambda _, **o: fit(trainer(with_a_function()), **o), "Doubled is Python code"),
    "float64": (lambda t, **o: fit(trainer(t.model.double()), **o), "float64 .*plans are float32"),
    "back end": (lambda t, **o: in_numpy(lambda: fit(t, **o)), "the numpy back end is in use"),
}


def in_numpy(function):
    with fastnano.use_backend("numpy"):
        return function()


@pytest.mark.parametrize(("run", "reason"), REASONS.values(), ids=REASONS)
def test_it_says_why_it_has_no_plan(run, reason):
    with pytest.raises(NotPlannable, match=reason):
        run(trainer())
    history = run(trainer(), compile="auto")
    assert len(history) == 1
    with pytest.raises(NotPlannable, match=reason):
        raise NotPlannable(history.eager)


def test_the_numba_back_end_has_no_plan():
    fastnano.use_backend("numba")
    t = trainer(nn.Sequential(nn.Flatten(), nn.Linear(36, 4)), optimizer=optim.SGD)
    assert "numba back end" in fit(t, compile="auto").eager


def test_the_reason_is_of_the_last_training():
    t = trainer()
    assert fit(t, compile=False).eager == "compile=False"
    assert fit(t, compile="auto").eager == ""
    with pytest.raises(ValueError, match="compile='yes' must be True, False or 'auto'"):
        fit(t, compile="yes")


# Who is told


class Watch(callbacks.Callback):
    def __init__(self, stop=None, change=None):
        self.seen, self.stop, self.change = [], stop, change

    def on_step_end(self, trainer):
        status = trainer.status
        self.seen.append((status.epoch, status.step, status.images, round(status.loss, 3), status.correct))
        if (status.epoch, status.step) == self.stop:
            trainer.stop = "enough"
        if self.change:
            self.change(trainer)


@pytest.mark.parametrize("stop", [None, (2, 1), (2, 9)])
def test_callbacks_are_told_of_every_step(stop):
    found = []
    for compile in (True, False):
        watch = Watch(stop)
        t = trainer(optimizer=optim.SGD, callbacks=[watch])
        fit(t, epochs=3, compile=compile)
        found.append((watch.seen, t.history.stopped, t.history["epoch"], t))
    assert found[0][:3] == found[1][:3]
    assert len(found[0][0]) == {None: 27, (2, 1): 10, (2, 9): 18}[stop]
    assert_close(found[0][3].model, found[1][3].model)


def test_callbacks_may_set_the_rate_and_look_at_the_model():
    def change(t):
        t.optimizer.param_groups[0]["lr"] *= 0.9
        t.predict(X[:2])

    nets = [trainer(optimizer=optim.SGD, callbacks=[Watch(change=change)]) for _ in range(2)]
    for t, compile in zip(nets, (True, False), strict=True):
        fit(t, epochs=2, compile=compile)
    assert_close(*(t.model for t in nets))


def test_the_step_without_a_number_is_named():
    x = (X[:, None] / 255).astype(np.float32)
    x[50] = np.nan
    for compile in (True, False):
        with (
            pytest.raises(
                FloatingPointError, match=r"the loss is nan in epoch 1, step 4 \(learning rate 0.01\)"
            ),
            np.errstate(all="ignore"),
        ):
            fit(trainer(), (x, Y), shuffle=False, compile=compile)


def test_whole_numbers_train_layer_by_layer():
    x = X.reshape(len(X), -1).astype(np.int64)
    model = nn.Linear(x.shape[1], 10)
    t = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=1e-6))
    assert fit(t, (x, Y), epochs=1, compile="auto").eager.startswith("the inputs are int64")


# What changes between two trainings


@pytest.mark.parametrize(
    "change",
    [
        lambda t: setattr(t, "loss", nn.CrossEntropyLoss(reduction="sum")),
        lambda t: setattr(t, "clip_norm", 1e-3),
        lambda t: setattr(t, "clip_value", 1e-3),
        lambda t: setattr(t, "scheduler", one_cycle(t.optimizer)),
        lambda t: setattr(t, "optimizer", optim.SGD(t.model.parameters(), lr=0.001)),
        lambda t: t.model[1].eval(),
    ],
    ids=["loss", "clip_norm", "clip_value", "scheduler", "optimizer", "a layer's mode"],
)
def test_a_second_training_takes_what_is_new(change):
    nets = [trainer(optimizer=optim.SGD) for _ in range(2)]
    for t, compile in zip(nets, (True, False), strict=True):
        fit(t, compile=compile)
        change(t)
        fit(t, compile=compile)
    assert_close(*(t.model for t in nets))


@pytest.mark.parametrize("schedule", [None, one_cycle, stairs], ids=["no schedule", "per batch", "per epoch"])
def test_a_training_goes_on_from_its_checkpoint_bit_for_bit(schedule, tmp_path):
    whole, half, rest = (trainer(schedule=schedule) for _ in range(3))
    fit(whole, epochs=3)
    fit(half, epochs=1)
    checkpoint.save_training(tmp_path / "training", half)
    fastnano.manual_seed(5)
    checkpoint.load_training(tmp_path / "training", rest)
    fit(rest, epochs=2, seed=None)
    assert bits(rest.model) == bits(whole.model)
    assert rest.history["loss"] == whole.history["loss"]
    fastnano.manual_seed(5)
    checkpoint.load_training(tmp_path / "training", whole)  # one that has a plan already
    fit(whole, epochs=2, seed=None)
    assert bits(rest.model) == bits(whole.model)


class Changing(callbacks.Callback):
    """Changes something after the second batch of each epoch."""

    def __init__(self, change):
        self.change = change

    def on_step_end(self, trainer):
        if trainer.status.step == 2:
            self.change(trainer)


@pytest.mark.parametrize(
    ("change", "eager"),
    [
        (lambda t: setattr(t.model[-1].weight, "data", t.model[-1].weight.data * 0.9), ""),
        (lambda t: t.model[-1].weight.requires_grad_(False), ""),
        (lambda t: setattr(t.loss, "label_smoothing", 0.3), ""),
        (lambda t: setattr(t, "loss", nn.CrossEntropyLoss(label_smoothing=0.3)), ""),
        (lambda t: t.model[1].eval(), ""),
        (lambda t: setattr(t, "stop", "enough"), ""),
        (lambda t: t.model[0].register_forward_hook(lambda *call: call[-1] * 2), "a hook of"),
    ],
    ids=["an array", "a frozen layer", "smoothing", "another loss", "a mode", "the end", "a hook"],
)
def test_what_a_callback_changes_counts_from_the_next_step_on(change, eager):
    nets = [trainer(optimizer=optim.SGD) for _ in range(2)]
    for t, compile in zip(nets, ("auto", False), strict=True):
        t.callbacks.append(Changing(change))
        fit(t, compile=compile, epochs=2)
    plan, layers = nets
    assert plan.history.eager[: len("a hook of")] == eager
    assert_close(plan.model, layers.model)
    assert plan.history["loss"] == pytest.approx(layers.history["loss"], rel=1e-4)
    assert plan.history["accuracy"] == pytest.approx(layers.history["accuracy"])
    assert plan.status.step == layers.status.step


def test_a_schedule_goes_on_from_what_a_callback_sets():
    def halve(t):
        t.optimizer.param_groups[0]["lr"] *= 0.5

    nets = [trainer(optimizer=optim.SGD, schedule=one_cycle) for _ in range(2)]
    for t, compile in zip(nets, (True, False), strict=True):
        t.callbacks.append(Changing(halve))
        fit(t, compile=compile, epochs=2)
    plan, layers = nets
    assert_close(plan.model, layers.model)
    assert plan.history["lr"] == pytest.approx(layers.history["lr"])
    assert plan.optimizer.param_groups[0]["lr"] == pytest.approx(layers.optimizer.param_groups[0]["lr"])

"""The trainer and what watches it."""

import csv
import io
import json
import os
import signal
import threading

import numpy as np
import pytest
from rich.console import Console

import fastnano
from fastnano import callbacks, data, nn, optim
from fastnano._training_data import Prepare
from fastnano.architecture import parse_layers
from fastnano.data import DataLoader, TensorDataset
from fastnano.train import Trainer

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 120).astype(np.uint8)
X = (RNG.random((120, 5, 5)) * 80 + 80 * (np.arange(25).reshape(5, 5) % 3 == Y[:, None, None])).astype(
    np.uint8
)


def network():
    fastnano.manual_seed(0)
    return parse_layers("flatten, dense 16, batchnorm, relu, dropout 0.2, dense 3", (1, 5, 5))


def trainer(model=None, lr=0.02, **options):
    model = model or network()
    return Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr), **options)


def weights(t):
    return np.concatenate([tensor.data.ravel() for tensor in t.model.state_dict().values()])


def test_it_learns_and_records_every_epoch():
    t = trainer()
    history = t.fit((X, Y), (X, Y), epochs=12, batch_size=16, progress=False)
    assert history["epoch"] == list(range(1, 13))
    assert set(history.last) == {
        "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "lr", "seconds", "images_per_second",
    }  # fmt: skip
    assert history.last["loss"] < history.epochs[0]["loss"]
    assert t.evaluate((X, Y)) == {"loss": history.last["val_loss"], "accuracy": history.last["val_accuracy"]}
    assert history.last["val_accuracy"] > 0.9
    assert (t.predict(X).argmax(1) == Y).mean() == history.last["val_accuracy"]


def test_arrays_data_sets_and_loaders_give_the_same():
    results = []
    for source in ((X, Y), TensorDataset(X, Y), DataLoader(TensorDataset(X, Y), 16, shuffle=True, seed=4)):
        t = trainer()
        t.fit(source, epochs=2, batch_size=16, seed=4, progress=False)
        results.append(weights(t))
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


def test_a_second_fit_goes_on():
    once = trainer()
    once.fit((X, Y), epochs=3, batch_size=32, progress=False)
    twice = trainer()
    twice.fit((X, Y), epochs=1, batch_size=32, progress=False)
    assert len(twice.fit((X, Y), epochs=2, batch_size=32, progress=False)) == 3
    assert np.array_equal(weights(once), weights(twice))


def test_images_are_normalised_as_their_data_set_says(digits):
    train, test = digits
    fastnano.manual_seed(0)
    t = trainer(parse_layers("flatten, dense 10"))
    part = data.Subset(train, np.arange(64))
    history = t.fit(part, epochs=1, progress=False)
    assert history.dataset == train.name
    assert (t.transform.mean, t.transform.std) == (train.mean, train.std)
    x = t.transform(test.images[:2])
    assert x.shape == (2, 1, 28, 28)
    assert x.dtype == np.float32
    np.testing.assert_allclose(
        x[:, 0], (test.images[:2] / 255 - train.mean) / train.std, rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(t.predict(test.images[:2]), t.predict(x), rtol=1e-6)


def test_prediction_needs_no_training_and_remembers_nothing():
    t = trainer()
    np.testing.assert_allclose(t.predict(X), t.predict(X[:, None] / np.float32(255)), rtol=1e-4, atol=1e-5)
    assert t.transform is None


def test_a_saved_model_is_fed_as_it_was_trained(digits, tmp_path):
    train, test = digits
    fastnano.manual_seed(0)
    t = trainer(parse_layers("flatten, dense 10"))
    t.fit(data.Subset(train, np.arange(640)), progress=False)
    fastnano.save(tmp_path / "model", t.model)
    arrays = test.images[:500], test.labels[:500]
    expected = t.evaluate(arrays)
    for model in (t.model, fastnano.load(tmp_path / "model")):
        again = trainer(model)
        assert again.evaluate(arrays) == expected
        assert np.array_equal(again.predict(arrays[0]), t.predict(arrays[0]))
    again.fit(arrays, progress=False)
    assert (again.transform.mean, again.transform.std) == (train.mean, train.std)
    other = trainer(t.model, transform=lambda x: x.astype(np.float32)[:, None])
    other.fit(arrays, progress=False)
    assert trainer(t.model).evaluate(arrays) == trainer(t.model, transform=Prepare()).evaluate(arrays)


@pytest.mark.parametrize("shape", [(120,), (120, 1)])
def test_truth_values_are_labels_with_a_plan_and_without(shape):
    losses = []
    for compile in (True, False):
        fastnano.manual_seed(0)
        model = parse_layers(f"flatten, dense {3 - len(shape)}", (1, 5, 5))
        loss = nn.CrossEntropyLoss() if len(shape) == 1 else nn.BCEWithLogitsLoss()
        t = Trainer(model, loss, optim.SGD(model.parameters(), 0.1))
        history = t.fit((X, (Y > 0).reshape(shape)), epochs=3, compile=compile, progress=False)
        losses.append([*history["loss"], t.evaluate((X, (Y > 0).reshape(shape)))["loss"]])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


@pytest.mark.parametrize("compile", ["auto", False])
def test_a_model_of_whole_batches_is_trained_layer_by_layer(compile):
    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.norm = nn.Linear(25, 3), nn.BatchNorm1d(3)

        def forward(self, x):
            return self.norm(self.layer(x.reshape(40, 25)))

    t = trainer(Whole())
    t.fit((X, Y), (X[:40], Y[:40]), epochs=2, batch_size=40, compile=compile, progress=False)
    assert t.model.norm.num_batches_tracked.item() == 6  # none is of the look before
    if compile:
        assert "the model takes no sample alone (ValueError: reshape: shape=(40, 25)" in t.history.eager
        with pytest.raises(fastnano.NotPlannable, match="no sample alone"):
            t.fit((X, Y), batch_size=40, compile=True, progress=False)
    with pytest.raises(ValueError, match=r"shape=\(40, 25\) does not fit the 750 elements"):
        t.fit((X, Y), batch_size=30, compile=compile, progress=False)


def test_regression_has_no_accuracy():
    x = RNG.random((40, 4))
    y = (x @ [[1.0], [2.0], [-1.0], [0.5]]) + 1
    model = nn.Linear(4, 1)
    t = Trainer(model, nn.MSELoss(), optim.Adam(model.parameters(), 0.1))
    history = t.fit((x, y), epochs=60, batch_size=8, progress=False)
    assert "accuracy" not in history.last
    assert history.last["loss"] < 1e-3
    assert t.predict(x).shape == (40, 1)


def test_modes_are_restored_layer_by_layer():
    t = trainer()
    t.model.train()
    t.model[2].eval()
    modes = [m.training for m in t.model.modules()]
    t.evaluate((X, Y))
    t.predict(X)
    assert [m.training for m in t.model.modules()] == modes


def test_prediction_goes_batch_by_batch():
    sizes = []

    class Watch(nn.Module):
        def forward(self, x):
            sizes.append(len(x))
            assert not x.requires_grad
            return x.flatten(1)

    t = Trainer(Watch(), nn.MSELoss(), optim.SGD([fastnano.tensor([0.0], requires_grad=True)]))
    assert t.predict(X, batch_size=50).shape == (120, 25)
    assert sizes == [50, 50, 20]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_no_number_stops_before_the_model_is_changed(bad):
    x = np.ones((20, 1, 5, 5), np.float32)
    t = trainer(parse_layers("flatten, dense 3", (1, 5, 5)))
    t.fit((x, Y[:20]), epochs=1, batch_size=5, progress=False)
    x[13] = bad
    before = weights(t)
    with (
        pytest.raises(FloatingPointError, match=r"epoch 2, step 3 .*lower the learning rate"),
        np.errstate(all="ignore"),
    ):
        t.fit((x, Y[:20]), epochs=1, batch_size=5, shuffle=False, progress=False)
    assert np.isfinite(weights(t)).all()
    assert not np.array_equal(weights(t), before)


def test_gradients_are_clipped():
    model = parse_layers("flatten, dense 3", (1, 5, 5))
    for options, limit in (({"clip_norm": 1e-3}, 1.001e-3), ({"clip_value": 1e-4}, 1e-4 * np.sqrt(78))):
        before = np.concatenate([p.data.ravel() for p in model.parameters()])
        t = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=1.0), **options)
        t.fit((X, Y), batch_size=120, progress=False)
        after = np.concatenate([p.data.ravel() for p in model.parameters()])
        assert 0 < np.linalg.norm(after - before) <= limit * 1.01


def test_schedules_are_stepped_per_batch_or_per_epoch():
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    t = Trainer(model, nn.CrossEntropyLoss(), optimizer, optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1))
    assert t.fit((X, Y), epochs=3, batch_size=40, progress=False)["lr"] == pytest.approx([1, 0.1, 0.01])
    cycle = optim.lr_scheduler.OneCycleLR(optimizer, 0.1, epochs=2, steps_per_epoch=3)
    t = Trainer(model, nn.CrossEntropyLoss(), optimizer, cycle)
    t.fit((X, Y), epochs=2, batch_size=40, progress=False)
    assert cycle.last_epoch == 6


# Stopping


class InterruptAt(callbacks.Callback):
    def __init__(self, epoch, step):
        self.place = (epoch, step)

    def on_step_end(self, trainer):
        if (trainer.status.epoch, trainer.status.step) == self.place:
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_stops_at_the_end_of_a_step():
    before = signal.getsignal(signal.SIGINT)
    t = trainer(callbacks=[InterruptAt(2, 3)])
    history = t.fit((X, Y), (X, Y), epochs=5, batch_size=16, progress=False)
    assert history.stopped == "interrupted"
    assert history["epoch"] == [1]
    assert t.status.step == 3
    assert np.isfinite(weights(t)).all()
    assert signal.getsignal(signal.SIGINT) == before


def test_ctrl_c_in_the_last_step_keeps_the_epoch():
    t = trainer(callbacks=[InterruptAt(2, 4)])
    assert t.fit((X, Y), epochs=5, batch_size=32, progress=False)["epoch"] == [1, 2]


def test_it_trains_in_other_threads_too():
    found = []
    thread = threading.Thread(target=lambda: found.append(trainer().fit((X, Y), epochs=1, progress=False)))
    thread.start()
    thread.join()
    assert len(found[0]) == 1


def test_an_optimiser_of_another_model_is_refused():
    model, other = network(), network()
    optimizer, before = optim.SGD(other.parameters(), 0.1), weights(trainer(other))
    t = Trainer(model, nn.CrossEntropyLoss(), optimizer)
    assert t.evaluate((X, Y))["loss"] > 0  # which needs no optimiser
    plan = fastnano.compile(model, nn.CrossEntropyLoss(), optimizer)
    for train in (
        lambda: t.fit((X, Y), compile=False),
        lambda: t.fit((X, Y)),
        lambda: plan.run_epoch(X, Y),
        lambda: fastnano.lr_find(model, nn.CrossEntropyLoss(), optimizer, (X, Y)),
    ):
        with pytest.raises(ValueError, match=r"SGD\(\.\.\.\) has none of the 6 parameters of Sequential"):
            train()
    assert np.array_equal(weights(trainer(other)), before)
    optimizer.add_param_group({"params": model[1].parameters()})  # a part of them will do
    assert len(t.fit((X, Y), progress=False)) == 1


def test_a_loss_may_be_all_that_learns():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(np.ones(3, np.float32))

        def forward(self, x, y):
            return nn.functional.cross_entropy(x * self.scale, y)

    model, loss = network(), Scaled()
    t = Trainer(model, loss, optim.SGD(loss.parameters(), 0.5))
    t.fit((X, Y), progress=False)
    assert (loss.scale.data != 1).all()


def test_two_fits_at_once_are_refused():
    refused = []

    class FitAgain(callbacks.Callback):
        def on_epoch_end(self, trainer, record):
            thread = threading.Thread(target=self.fit, args=[trainer])
            thread.start()
            thread.join()
            self.fit(trainer)

        def fit(self, trainer):
            with pytest.raises(RuntimeError, match="this Trainer is training already") as raised:
                trainer.fit((X, Y), progress=False)
            refused.append(raised)

    t = trainer(callbacks=[FitAgain()])
    assert len(t.fit((X, Y), epochs=2, progress=False)) == 2
    assert len(refused) == 4
    t.callbacks.clear()
    assert len(t.fit((X, Y), progress=False)) == 3


def test_early_stopping_waits_for_its_patience():
    t = trainer(lr=0.0, callbacks=[callbacks.EarlyStopping(patience=2)])
    history = t.fit((X, Y), (X, Y), epochs=50, batch_size=120, progress=False)
    assert "val_loss no better than in epoch" in history.stopped
    assert len(history) < 50


def test_what_is_not_measured_cannot_be_watched():
    t = trainer(callbacks=[callbacks.EarlyStopping()])
    with pytest.raises(ValueError, match=r"monitor='val_loss' is not measured.*validation="):
        t.fit((X, Y), progress=False)
    assert t.epoch == t.status.epoch == 0  # told before the first epoch
    t = trainer(callbacks=[callbacks.EarlyStopping(monitor="recall")])
    with pytest.raises(ValueError, match=r"monitor='recall' is not measured, there is epoch, loss"):
        t.fit((X, Y), progress=False)


def test_the_best_model_is_kept(tmp_path):
    path = tmp_path / "best.safetensors"
    best = callbacks.BestCheckpoint(path, "val_accuracy")
    t = trainer(callbacks=[best])
    history = t.fit((X, Y), (X, Y), epochs=4, batch_size=16, progress=False)
    assert best.best == max(history["val_accuracy"])
    kept = Trainer(fastnano.load(path), nn.CrossEntropyLoss(), t.optimizer)
    assert kept.evaluate((X, Y))["accuracy"] == best.best


# Logs and progress


def test_logs_hold_every_epoch_even_of_two_fits(tmp_path):
    logs = [callbacks.JSONLogger(tmp_path / "log.jsonl"), callbacks.CSVLogger(tmp_path / "log.csv")]
    t = trainer(callbacks=logs)
    t.fit((X, Y), epochs=2, progress=False)
    history = t.fit((X, Y), epochs=1, progress=False)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == history.epochs
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert [float(row["loss"]) for row in rows] == history["loss"]


def test_json_has_no_nan(tmp_path):
    log = callbacks.JSONLogger(tmp_path / "log.jsonl")
    log.on_epoch_end(trainer(), {"epoch": 1, "val_loss": float("nan")})
    assert json.loads((tmp_path / "log.jsonl").read_text()) == {"epoch": 1, "val_loss": None}


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_is_plain_lines_where_there_is_no_terminal(terminal):
    out = io.StringIO()
    bar = callbacks.ProgressBar(Console(file=out, force_terminal=terminal, width=100, highlight=False))
    bar.every = 0.0
    t = trainer(callbacks=[bar])
    t.fit((X, Y), (X, Y), epochs=2, batch_size=16, progress=False)
    text = out.getvalue()
    assert ("\x1b" in text) == terminal
    assert ("s left" in text) == terminal
    rows = [line for line in text.splitlines() if line.endswith(("0.0", "0.1"))]
    assert [row.split("/2 ")[0][-1] for row in rows] == ["1", "2"]
    assert "accuracy on" in text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.fit((X, Y), epochs=0), "epochs=0"),
        (lambda t: t.fit((X, Y, Y)), "expected the pair"),
        (lambda t: t.fit((X, Y[:3])), "samples"),
        (lambda t: t.fit((X, Y), batch_size=0), "batch_size is 0"),
        (lambda _: trainer(clip_norm=-1), "clip_norm=-1 must be above 0"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(trainer())

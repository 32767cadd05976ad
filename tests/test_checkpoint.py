"""Models and trainings on disk."""

import json
import os

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import fastnano
from fastnano import callbacks, checkpoint, nn, optim
from fastnano.architecture import parse_layers

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (96, 6, 6), np.uint8)
Y = RNG.integers(0, 4, 96).astype(np.uint8)


def network():
    return parse_layers("conv 3 3, batchnorm, relu, flatten, dropout 0.3, dense 4", (1, 6, 6))


def test_a_saved_model_comes_back_bit_for_bit(tmp_path):
    model = network()
    model.train()(fastnano.from_numpy(RNG.random((8, 1, 6, 6), np.float32)))  # moves the running statistics
    path = tmp_path / "below" / "model.safetensors"
    fastnano.save(path, model, dataset="none", accuracy=0.25)
    same = fastnano.load(path)
    assert not same.training
    for name, tensor in model.state_dict().items():
        assert np.array_equal(same.state_dict()[name].data, tensor.data)
        assert same.state_dict()[name].dtype == tensor.dtype
        assert same.state_dict()[name].shape == tensor.shape
    assert checkpoint.load_metadata(path) == {"dataset": "none", "accuracy": 0.25}
    assert set(load_file(path)) == set(model.state_dict())
    assert os.listdir(path.parent) == ["model.safetensors"]


def test_loading_takes_nothing_from_the_random_stream(tmp_path):
    fastnano.save(tmp_path / "m", network())
    fastnano.manual_seed(1)
    expected = nn.Linear(3, 3).weight.data
    fastnano.manual_seed(1)
    fastnano.load(tmp_path / "m")
    assert np.array_equal(nn.Linear(3, 3).weight.data, expected)


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)


def test_a_model_of_unknown_classes_is_saved_by_its_weights(tmp_path):
    model, path = Own(), tmp_path / "own"
    fastnano.save(path, model)
    with pytest.raises(ValueError, match=r"without their architecture.*Own.*load\(path, model=...\)"):
        fastnano.load(path)
    same = fastnano.load(path, Own())
    assert np.array_equal(same.layer.weight.data, model.layer.weight.data)
    with pytest.raises(ValueError, match="does not fit the model"):
        fastnano.load(path, nn.Linear(2, 2))


def test_metadata_must_be_json(tmp_path):
    with pytest.raises(TypeError, match="JSON"):
        fastnano.save(tmp_path / "m", network(), what=object())
    assert not list(tmp_path.iterdir())


def damaged(header=None, version="1", kind="model"):
    header = json.dumps({"kind": kind, "architecture": {"type": "Nonsense"}}) if header is None else header
    return {"format": "fastnano", "format_version": version, "fastnano": header}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "was not written by fastnano"),
        ({"format": "pt"}, "was not written by fastnano"),
        (damaged(version="2"), "format version '2'.*install a newer"),
        (damaged(version="x"), "format version 'x'"),
        (damaged(header="{"), "header is damaged"),
        (damaged(header="[]"), "header is damaged"),
        (damaged(kind="training"), "holds a training, expected a model"),
        (damaged(), "unknown layer class 'Nonsense'"),
    ],
)
def test_foreign_newer_and_damaged_files_are_told_apart(tmp_path, metadata, message):
    path = tmp_path / "file"
    save_file({"x": np.zeros(2, np.float32)}, path, metadata)
    with pytest.raises(ValueError, match=message):
        fastnano.load(path)


def test_cut_and_missing_files(tmp_path):
    path = tmp_path / "file"
    fastnano.save(path, network())
    whole = path.read_bytes()
    for length in (0, 4, 40, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="damaged"):
            fastnano.load(path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        fastnano.load(tmp_path / "nothing")


# Trainings


def trainer(kind, folder, schedule="OneCycleLR"):
    fastnano.manual_seed(3)
    model = network()
    optimizer = kind(model.parameters(), lr=0.02)
    if schedule == "OneCycleLR":
        scheduler = optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=4 * 6)
    else:
        scheduler = optim.lr_scheduler.StepLR(optimizer, 2)
    watching = [callbacks.EarlyStopping(9, "loss"), callbacks.TrainingCheckpoint(folder / "training")]
    return fastnano.Trainer(model, nn.CrossEntropyLoss(), optimizer, scheduler, callbacks=watching)


def fit(t, epochs):
    return t.fit((X, Y), (X, Y), epochs=epochs, batch_size=16, seed=5, progress=False)


def sgd(parameters, lr):
    return optim.SGD(parameters, lr, momentum=0.9)


@pytest.mark.parametrize("schedule", ["OneCycleLR", "StepLR"])
@pytest.mark.parametrize("kind", [sgd, optim.Adam, optim.AdamW])
def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(tmp_path, kind, schedule):
    whole = trainer(kind, tmp_path / "whole", schedule)
    expected = fit(whole, 4)
    fit(trainer(kind, tmp_path, schedule), 2)
    resumed = trainer(kind, tmp_path, schedule)
    fastnano.manual_seed(99)  # another process would have other random numbers
    checkpoint.load_training(tmp_path / "training", resumed)
    assert resumed.epoch == 2
    found = fit(resumed, 2)
    for name, tensor in whole.model.state_dict().items():
        assert np.array_equal(resumed.model.state_dict()[name].data, tensor.data), name
    for name in ("loss", "accuracy", "val_loss", "lr"):
        assert found[name] == expected[name]
    assert resumed.callbacks[0].best == whole.callbacks[0].best


def test_a_training_that_does_not_fit_is_refused(tmp_path):
    fit(trainer(optim.Adam, tmp_path), 1)
    other = trainer(sgd, tmp_path)
    with pytest.raises(ValueError, match="does not fit the trainer"):
        checkpoint.load_training(tmp_path / "training", other)
    other = trainer(optim.Adam, tmp_path)
    other.callbacks = []
    with pytest.raises(
        ValueError, match="had callbacks EarlyStopping, TrainingCheckpoint, this one has none"
    ):
        checkpoint.load_training(tmp_path / "training", other)
    other = trainer(optim.Adam, tmp_path)
    other.scheduler = None
    with pytest.raises(ValueError, match="schedule"):
        checkpoint.load_training(tmp_path / "training", other)

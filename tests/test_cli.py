"""The command ``fastnano``: what it prints and what it writes."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import fastnano
from fastnano import _state, checkpoint
from fastnano.cli import COMMANDS, _options, main
from fastnano.data import SyntheticDigits, write_idx
from refusals import fails

LAYERS = "conv 4 5 stride=2, relu, maxpool 2, flatten, dense 10"
FILES = {
    "model.safetensors", "training.safetensors", "run.toml", "log.jsonl",
    "curves.png", "confusion.png", "filters.png",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch, tmp_path):
    """Commands run in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FASTNANO_DEBUG", raising=False)


@pytest.fixture
def _no_pictures(monkeypatch):
    """They take a second each."""
    monkeypatch.setattr("fastnano.cli.train.pictures", lambda _: "")


def train(few, *more, dataset="mnist"):
    return main(["train", "--dataset", dataset, "--data-dir", str(few), *more])


@pytest.fixture(scope="module")
def run(few, tmp_path_factory):
    """A run that is done, not to be changed."""
    folder = tmp_path_factory.mktemp("runs") / "done"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_state, "_newest_choice", _state._newest_choice)
        assert train(few, "--layers", LAYERS, "--epochs", "2", "--out", str(folder)) == 0
    return folder


def records(folder):
    """The log without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in r.items() if k not in ("seconds", "images_per_second")} for r in lines]


def weights(folder):
    return {name: t.data for name, t in fastnano.load(folder / "model.safetensors").state_dict().items()}


def same_weights(a, b):
    a, b = weights(a), weights(b)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


# train


def test_a_run_folder_has_everything(run, few):
    assert set(os.listdir(run)) == FILES
    about = tomllib.loads((run / "run.toml").read_text())
    assert about["options"]["layers"] == LAYERS
    assert about["options"]["data-dir"] == str(few)
    assert about["data"]["name"] == "MNIST"
    assert about["data"]["verified"] is False
    assert len(about["data"]["sha256"]) == 64
    assert about["versions"]["fastnano"] == fastnano.__version__
    assert about["result"]["epochs"] == 2
    kept = checkpoint.load_metadata(run / "model.safetensors")
    assert kept["test_accuracy"] == about["result"]["test-accuracy"]
    assert (kept["dataset"], kept["sha256"]) == ("mnist", about["data"]["sha256"])
    assert [r["epoch"] for r in records(run)] == [1, 2]


@pytest.mark.usefixtures("_no_pictures")
def test_it_says_first_what_the_data_are_and_names_them_with_every_accuracy(few, capsys):
    assert train(few, "--layers", LAYERS, "--epochs", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"Data    MNIST from {few} (given folder), not verified")
    assert any(" % on MNIST test (100 images)" in line for line in lines)
    assert "accuracy on MNIST" in "\n".join(lines)
    assert all("\x1b" not in line for line in lines)  # no terminal, no colours
    assert lines[-1].startswith("The run is in runs/")


@pytest.mark.usefixtures("_no_pictures")
def test_distortions_are_trained_on_layer_by_layer(few, capsys):
    options = ["--layers", LAYERS, "--epochs", "1", "--augment", "noise=0.2,cutout,erase=0.3,elastic=20"]
    assert train(few, *options, "--out", "distorted") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "layer by layer" in out
    assert "GaussianNoise(mean=0.0, sigma=0.2, clip=True)" in out


@pytest.mark.usefixtures("_no_pictures")
def test_augmented_training_is_compiled(few, capsys):
    options = ["--layers", LAYERS, "--epochs", "1", "--augment", "shift=2,rotate=10"]
    assert train(few, *options, "--out", "augmented") == 0
    assert "layer by layer" not in capsys.readouterr().out


@pytest.mark.usefixtures("_no_pictures")
def test_runs_overwrite_nothing(few, run, capsys):
    assert "overwrite nothing" in fails(
        capsys, ["train", "--dataset", "mnist", "--data-dir", str(few), "--out", str(run)]
    )
    folders = set()
    for _ in range(2):
        assert train(few, "--layers", LAYERS, "--epochs", "1", "--batch-size", "240") == 0
        folders.add(capsys.readouterr().out.splitlines()[-1].split()[-1])
    assert len(folders) == 2


@pytest.mark.usefixtures("_no_pictures")
def test_a_run_repeats_itself_from_its_file(run, tmp_path):
    again = tmp_path / "again"
    assert main(["train", "--config", str(run / "run.toml"), "--out", str(again)]) == 0
    assert records(again) == records(run)
    assert same_weights(again, run)
    other = tmp_path / "other"
    assert main(["train", "--config", str(run / "run.toml"), "--out", str(other), "--seed", "1"]) == 0
    assert not same_weights(other, run)


def test_repeating_needs_the_same_images(run, few, tmp_path, capsys):
    changed = tmp_path / "changed"
    shutil.copytree(few, changed)
    images = np.array(SyntheticDigits(True, size=480, seed=1).images)
    write_idx(changed / "train-images-idx3-ubyte", images)
    error = fails(capsys, ["train", "--config", str(run / "run.toml"), "--data-dir", str(changed)])
    assert "SHA-256" in error


INTERRUPTED = """
import os, signal, sys
from fastnano import callbacks, cli

class JSONLogger(callbacks.JSONLogger):
    def on_step_end(self, trainer):
        if (trainer.status.epoch, trainer.status.step) == (3, 20):
            os.kill(os.getpid(), signal.SIGINT)

callbacks.JSONLogger = JSONLogger
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.usefixtures("_no_pictures")
def test_an_interrupted_run_resumes_bit_for_bit(few, tmp_path):
    """Ctrl-C in a process of its own, in the third of four epochs."""
    options = ["--layers", f"dropout 0.1, {LAYERS}", "--epochs", "4", "--batch-size", "8"]
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert train(few, *options, "--out", str(whole)) == 0
    command = ["train", "--dataset", "mnist", "--data-dir", str(few), *options, "--out", str(part)]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *command],
        env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(fastnano.__file__))},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 130
    assert f"`fastnano train --resume {part}` goes on" in done.stdout
    assert [record["epoch"] for record in records(part)] == [1, 2]
    assert main(["train", "--resume", str(part)]) == 0
    assert records(part) == records(whole)
    assert same_weights(part, whole)


@pytest.mark.usefixtures("_no_pictures")
def test_a_run_that_is_interrupted_in_its_first_epoch_begins_again(few, tmp_path, capsys, monkeypatch):
    class Impatient(fastnano.callbacks.JSONLogger):
        def on_step_end(self, trainer):
            trainer.stop = "interrupted"

    folder = tmp_path / "part"
    with monkeypatch.context() as patch:
        patch.setattr(fastnano.callbacks, "JSONLogger", Impatient)
        assert train(few, "--layers", LAYERS, "--epochs", "1", "--out", str(folder)) == 130
    out = capsys.readouterr().out
    assert "no epoch was completed; tested in" in out
    assert f"`fastnano train --config {folder / 'run.toml'}` begins again" in out
    assert tomllib.loads((folder / "run.toml").read_text())["result"]["stopped"] == "interrupted"
    assert main(["train", "--config", str(folder / "run.toml"), "--out", str(tmp_path / "again")]) == 0


@pytest.mark.usefixtures("_no_pictures")
def test_a_run_that_ended_before_its_model_was_written_is_finished(run, tmp_path):
    part = tmp_path / "part"
    shutil.copytree(run, part)
    (part / "model.safetensors").unlink()
    about = (part / "run.toml").read_text()
    (part / "run.toml").write_text(about[: about.index("[result]")])
    assert main(["train", "--resume", str(part)]) == 0
    assert same_weights(part, run)
    result = [tomllib.loads((folder / "run.toml").read_text())["result"] for folder in (part, run)]
    assert result[0] == result[1]


def test_a_folder_that_cannot_be_written(few, capsys, tmp_path):
    (tmp_path / "file").touch()
    out = str(tmp_path / "file" / "run")
    error = fails(capsys, ["train", "--dataset", "mnist", "--data-dir", str(few), "--out", out])
    assert f"{out}: runs cannot be written there" in error
    assert "--out" in error


def test_what_cannot_be_resumed(run, capsys, tmp_path):
    assert "nothing is left of its 2 epochs" in fails(capsys, ["train", "--resume", str(run)])
    assert "--lr cannot change" in fails(capsys, ["train", "--resume", str(run), "--lr", "0.1"])
    for option in ("--epochs=3", "--batch-size=64", "--seed=0", "--validation=0.05"):  # their defaults
        assert f"{option.split('=')[0]} cannot change" in fails(
            capsys, ["train", "--resume", str(run), option]
        )
    assert "there is no such folder; name a run's" in fails(
        capsys, ["train", "--resume", str(tmp_path / "nothing")]
    )
    assert set(os.listdir(run)) == FILES


def test_a_damaged_training_is_not_resumed(run, few, capsys, tmp_path):
    shutil.copytree(run, tmp_path / "damaged")
    checkpoint = tmp_path / "damaged" / "training.safetensors"
    for content in (b"", b"garbage", checkpoint.read_bytes()[:1000]):
        checkpoint.write_bytes(content)
        error = fails(capsys, ["train", "--resume", str(checkpoint.parent), "--data-dir", str(few)])
        assert f"{checkpoint}: is damaged" in error
        assert "begin again with --config" in error
        assert len(error.splitlines()) == 1
        assert checkpoint.read_bytes() == content


def test_options_beside_a_runs_file_prevail(run, tmp_path):
    path = str(run / "run.toml")
    for option in (["--model=lenet5"], ["--model", "lenet5"]):
        assert _options.parse(["--config", path, *option]).model == "lenet5"
    text = (run / "run.toml").read_text()
    assert 'optimizer = "adam"' in text
    args = _options.parse(["--config", path, "--optimizer", "sgd"])
    assert (args.lr, args.momentum) == (0.05, None)  # its own, not adam's


@pytest.mark.usefixtures("_no_pictures")
def test_auto_falls_back_to_synthetic_digits_and_says_so(capsys, empty_cache, monkeypatch):
    monkeypatch.setattr(SyntheticDigits.__init__, "__defaults__", (True, 0, 200, 1.0))
    assert main(["train", "--layers", "flatten, dense 10", "--epochs", "1"]) == 0
    captured = capsys.readouterr()
    why = "MNIST, which was not found, and not downloaded, as FASTNANO_OFFLINE is set"
    assert captured.out.splitlines()[0].startswith(f"Data    Synthetic digits (instead of {why}) from")
    assert "MNIST was not found" in captured.err
    about = tomllib.loads(next(Path("runs").glob("*/run.toml")).read_text())
    assert about["options"]["dataset"] == "synthetic"
    assert about["data"]["instead-of"] == why
    assert " % on Synthetic digits test" in captured.out
    assert "MNIST test" not in captured.out


def test_mnist_that_cannot_be_had_is_an_error_that_says_how_to_get_it(tmp_path):
    source = os.path.dirname(os.path.dirname(fastnano.__file__))
    env = {
        **os.environ,
        "FASTNANO_OFFLINE": "1",
        "FASTNANO_CACHE": str(tmp_path / "cache"),
        "PYTHONPATH": source,
    }
    command = [sys.executable, "-m", "fastnano", "train", "--dataset", "mnist"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "fastnano data fetch mnist" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("_no_pictures")
@pytest.mark.parametrize(
    "options",
    [
        ["--loss", "hinge", "--optimizer", "sgd", "--schedule", "cosine", "--momentum", "0.8"],
        ["--loss", "multi-margin", "--optimizer", "adamw", "--schedule", "step", "--clip-norm", "1"],
        ["--loss", "mse", "--schedule", "none", "--validation", "0", "--augment", "shift=1,rotate=5,flip"],
        ["--label-smoothing", "0.1", "--optimizer", "sgd", "--weight-decay", "1e-4"],
        ["--optimizer", "rmsprop", "--schedule", "cyclic", "--momentum", "0.5", "--compile", "always"],
        ["--optimizer", "adagrad", "--schedule", "onecycle", "--compile", "always"],
        ["--optimizer", "lion", "--schedule", "plateau", "--compile", "always"],
        ["--optimizer", "nadam", "--schedule", "cyclic", "--compile", "always"],
        ["--optimizer", "adamax", "--schedule", "restarts"],
        ["--optimizer", "radam", "--schedule", "linear"],
        ["--optimizer", "adadelta", "--schedule", "exponential"],
    ],
)
def test_losses_optimisers_and_schedules(few, options):
    assert train(few, "--layers", "flatten, dense 10", "--epochs", "1", *options, "--out", "run") == 0
    assert records(Path("run"))[0]["loss"] > 0


def test_the_learning_rate_is_looked_for(few, capsys):
    assert train(few, "--layers", "flatten, dense 10", "--epochs", "1", "--lr", "auto", "--out", "run") == 0
    rate = tomllib.loads(Path("run/run.toml").read_text())["options"]["lr"]
    assert 1e-4 < rate < 1
    assert f"Rate    {rate:g}, where the loss falls fastest" in capsys.readouterr().out
    assert Path("run/rates.png").stat().st_size > 10_000
    again = ["--layers", "flatten, dense 10", "--epochs", "1", "--lr", str(rate), "--out", "again"]
    assert train(few, *again) == 0
    assert same_weights(Path("run"), Path("again"))


@pytest.mark.parametrize("name", [*_options.LOSSES, *_options.ONE_HOT_LOSSES])
def test_every_loss_is_lower_for_the_right_labels(name):
    loss, x, labels = (
        _options.loss(_options.parse(["--loss", name])),
        4 * np.eye(4, 3, dtype="f"),
        [0, 1, 2, 0],
    )
    good, bad = (loss(fastnano.tensor(x), np.array(y)).item() for y in (labels, [1, 2, 0, 2]))
    assert 0 <= good < bad


# The other commands


def test_eval(run, capsys):
    assert main(["eval", str(run)]) == 0
    out = capsys.readouterr().out
    expected = tomllib.loads((run / "run.toml").read_text())["result"]["test-accuracy"]
    assert f"{100 * expected:.2f} % on MNIST test (100 images)" in out


def test_predict_a_test_image(run, few, capsys):
    assert main(["predict", str(run / "model.safetensors"), "--index", "7", "--data-dir", str(few)]) == 0
    lines = capsys.readouterr().out.splitlines()
    shares = [float(line.split()[1]) for line in lines[:10]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.1)
    assert lines[-1].startswith("MNIST test image 7 is labelled ")
    assert "images 0 to 99" in fails(capsys, ["predict", str(run), "--index", "100"])


def test_predict_a_picture_dark_on_light_or_light_on_dark(run, tmp_path, capsys):
    image = pytest.importorskip("PIL.Image")
    pixels = np.array(SyntheticDigits(False, size=100).images[3])
    outputs = []
    for name, array in (("light.png", pixels), ("dark.png", 255 - pixels)):
        image.fromarray(array).save(tmp_path / name)
        assert main(["predict", str(run), "--image", str(tmp_path / name)]) == 0
        outputs.append(capsys.readouterr().out.splitlines()[:10])
    assert outputs[0] == outputs[1]
    ink = np.zeros((28, 28, 4), np.uint8)  # black, where it is not transparent
    ink[..., 3] = pixels
    image.fromarray(ink).save(tmp_path / "ink.png")
    assert main(["predict", str(run), "--image", str(tmp_path / "ink.png")]) == 0
    assert capsys.readouterr().out.splitlines()[:10] == outputs[0]


def test_pictures_that_are_none(run, few, tmp_path, capsys):
    pytest.importorskip("PIL.Image")
    (tmp_path / "text.png").write_text("hello")
    assert "text.png: is damaged, or not a picture" in fails(
        capsys, ["predict", str(run), "--image", str(tmp_path / "text.png")]
    )
    assert "none.png: there is no such file" in fails(capsys, ["predict", str(run), "--image", "none.png"])
    assert "image 999: MNIST test has the images 0 to 99" in fails(
        capsys, ["filters", str(run), "--image", "999", "--data-dir", str(few)]
    )


def test_filters(run, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    assert main(["filters", str(copy), "--image", "7"]) == 0
    out = capsys.readouterr().out
    assert "4 filters 5×5" in out
    assert (copy / "filters-0.png").read_bytes().startswith(b"\x89PNG")
    assert (copy / "responses-0.png").read_bytes().startswith(b"\x89PNG")


def test_summary(run, capsys):
    assert main(["summary", str(run)]) == 0
    assert "Conv2d" in capsys.readouterr().out
    assert main(["summary", "--model", "lenet5"]) == 0
    assert "61,706" in capsys.readouterr().out


def test_data(few, empty_cache, capsys):
    assert main(["data", "where", "mnist", str(few)]) == 0
    assert "4 of 4 files" in capsys.readouterr().out
    assert main(["data", "verify", "mnist", str(few)]) == 2
    assert "not as published" in capsys.readouterr().out
    assert "SHA-256" in fails(capsys, ["data", "import", "mnist", str(few)])


def test_info_and_help(capsys):
    assert main(["info"]) == 0
    assert fastnano.__version__ in capsys.readouterr().out
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(command in out for command in COMMANDS)
    assert main(["--version"]) == 0
    for command in COMMANDS:
        with pytest.raises(SystemExit) as stop:
            main([command, "--help"])
        assert stop.value.code == 0


def test_help_imports_nothing_heavy():
    code = "import sys; from fastnano.cli import main; main(['--help']); print('numpy' in sys.modules)"
    source = os.path.dirname(os.path.dirname(fastnano.__file__))
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": source}, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "False"

"""The command ``fastnano``: what it says of a user's mistakes."""

import os
import subprocess
import sys

import pytest

import fastnano
from fastnano.cli import main
from refusals import fails


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch, tmp_path):
    """Commands run in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FASTNANO_DEBUG", raising=False)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["trian"], ["unknown command 'trian'", "did you mean 'train'"]),
        (["train", "--epohcs", "3"], ["unknown option '--epohcs'", "did you mean '--epochs'"]),
        (["train", "--dataset", "mnits"], ["unknown data set 'mnits'", "did you mean 'mnist'"]),
        (["train", "--optimizer", "addam"], ["did you mean 'adam'"]),
        (["train", "--loss", "hing"], ["did you mean 'hinge'"]),
        (["train", "--schedule", "onecycl"], ["did you mean 'onecycle'"]),
        (["train", "--backend", "cyton"], ["did you mean 'cython'"]),
        (["train", "--epochs", "0"], ["--epochs", "'0' is not a whole number at least 1"]),
        (["train", "--lr", "0"], ["'0' is not a number above 0"]),
        (["train", "--validation", "1"], ["at least 0 and below 1"]),
        (["train", "--augment", "shft"], ["did you mean 'shift'"]),
        (["train", "--augment", "cutout=0"], ["size is 0", "such as cutout=8"]),
        (["train", "--augment", "rotate=x"], ["'x' is not a whole number; such as rotate=10"]),
        (["train", "--model", "cnnn"], ["unknown model 'cnnn'", "did you mean 'cnn'"]),
        (["train", "--layers", "cnv 3"], ["layer 1 ('cnv 3')", "did you mean 'conv'"]),
        (["train", "--model", "mlp", "--layers", "relu"], ["one of --model and --layers"]),
        (["train", "--momentum", "0.5"], ["--momentum is for --optimizer sgd"]),
        (["train", "--config", "nothing.toml"], ["nothing.toml: there is no such file"]),
        (["train", "--config", ""], ["argument --config: '' names no file or folder"]),
        (["train", "--data-dir", "nowhere"], ["--data-dir nowhere: there is no such folder"]),
        (["train", "--resume", "nowhere"], ["--resume nowhere: there is no such folder; name a run's"]),
        (["train", "--threads", "0"], ["--threads", "'0' is not a whole number at least 1"]),
        (["train", "--threads", "9999999999"], ["--threads", "and below 2147483648"]),
        (["train", "--lr", "nan"], ["--lr", "'nan' is not a finite number above 0"]),
        (["train", "--lr", "inf"], ["--lr", "'inf' is not a finite number above 0"]),
        (["train", "--layers", "flatten, dense 99999999999"], ["--layers", "Unable to allocate"]),
        (["train", "--layers", "flatten, dense 1.5"], ["--layers", "out_features=1.5 must be an integer"]),
        (["eval", "nothing"], ["nothing: no run is here", "fastnano train"]),
        (["predict", "nothing"], ["one of --image FILE and --index N"]),
        (["data", "import", "synthetic", "."], ["data fetch synthetic"]),
        (["data", "fetch", "mnist", "here"], ["unexpected argument 'here'"]),
        (["summary"], ["one of RUN, --model NAME and --layers"]),
        (["summary", "--model", "lenet"], ["did you mean 'lenet5'"]),
        (["summary", "--layers", "conv 3"], ["layer 1 ('conv 3')"]),
        (["data", "fetsh", "mnist"], ["did you mean 'fetch'"]),
        (["data", "fetch", "minst"], ["did you mean 'mnist'"]),
        (["data", "import", "mnist"], ["name the folder"]),
    ],
)
def test_errors_are_short_and_say_what_was_meant(capsys, argv, words):
    error = fails(capsys, argv)
    assert len(error.splitlines()) == 1
    for word in words:
        assert word in error


def test_networks_are_checked_against_the_data_before_anything_is_written(few, capsys):
    argv = ["train", "--dataset", "mnist", "--data-dir", str(few)]
    assert "end with 'dense 10'" in fails(capsys, [*argv, "--layers", "flatten, dense 7"])
    assert "unknown model 'cn'; did you mean 'cnn'" in fails(capsys, [*argv, "--model", "cn"])
    assert not os.listdir()


def test_a_config_that_is_wrong(capsys, tmp_path):
    path = tmp_path / "run.toml"
    for text, words in (
        ("[options", "is not TOML"),
        ("[data]", "no table [options]"),
        ("epochs = 1", "run.toml: epochs stands in no table; options stand below a line [options]"),
        ("data = 1\n[options]", "run.toml: data stands in no table"),
        ("[options]\nepochs = -1", "run.toml: argument --epochs: '-1' is not a whole number at least 1"),
        ("[options]\nlr = 'nan'", "run.toml: argument --lr: 'nan' is not a finite number above 0"),
        ("[options]\nlayers = 'conv 8'", "run.toml: train: --layers: layer 1 ('conv 8')"),
        ("[options]\nmomentum = 0.5", "run.toml: train: --momentum is for --optimizer sgd"),
        ("[options]\nout = 'x'", "run.toml: [options] cannot hold out; give --out on the command line"),
        ("[options]\ndata-dir = 3", "run.toml: data-dir is 3, expected a folder's name"),
        ("[options]\nepocs = 3", "did you mean '--epochs'"),
        ("[options]\nepochs = 'many'", "'many' is not a whole number"),
    ):
        path.write_text(text)
        for config in (path, tmp_path):
            error = fails(capsys, ["train", "--config", str(config)])
            assert words in error
            assert len(error.splitlines()) == 1


def test_a_back_end_in_the_environment_is_checked():
    source = os.path.dirname(os.path.dirname(fastnano.__file__))
    for name, code in (("numpy", 0), ("nupy", 2)):
        env = {**os.environ, "FASTNANO_BACKEND": name, "PYTHONPATH": source}
        command = [sys.executable, "-m", "fastnano", "info"]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert done.returncode == code
        assert name in (done.stderr if code else done.stdout)


def test_debug_shows_the_traceback(monkeypatch):
    monkeypatch.setenv("FASTNANO_DEBUG", "1")
    with pytest.raises(Exception, match="trian"):
        main(["trian"])

"""The examples run, on few images."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnano
from fastnano.data import SyntheticDigits, write_idx

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A folder in MNIST's format, with few images."""
    folder = tmp_path_factory.mktemp("few")
    for train, size, stem in ((True, 640, "train"), (False, 200, "t10k")):
        digits = SyntheticDigits(train, size=size)
        write_idx(folder / f"{stem}-images-idx3-ubyte", np.array(digits.images))
        write_idx(folder / f"{stem}-labels-idx1-ubyte", np.array(digits.labels))
    return folder


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*LEARNING, "textbook_graph"}


def run(name, *options):
    environment = {**os.environ, "PYTHONPATH": str(Path(fastnano.__file__).parents[1])}
    command = [sys.executable, "-W", "error", EXAMPLES / f"{name}.py", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


LEARNING = {"train_mnist": 30, "custom_network": 30, "by_hand": 80}  # and the least accuracy in per cent


@pytest.mark.parametrize(("name", "least"), LEARNING.items())
def test_examples_learn(name, least, few):
    few_steps = ["--steps", "150"] if name == "by_hand" else []
    lines = run(name, "--dataset", "mnist", "--data-dir", few, *few_steps).splitlines()
    found = next(line for line in lines if line.endswith("% on MNIST test"))
    assert float(found.split()[0]) > least


def test_the_textbook_graph_prints_its_gradients():
    out = run("textbook_graph")
    assert "do/da = c = 4.0   do/db = c = 4.0   do/dc = a + b = 5.0" in out
    assert "MaxNode(x, y)" in out

"""The examples run, on few images."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastnano

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*LEARNING, "textbook_graph", "own_layers"}


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


def test_layers_of_ones_own_learn_and_are_checked():
    out = run("own_layers")
    assert "rbf: True" in out
    assert "swish: True dy * (0.5 * (1 + tanh(" in out
    assert "layer by layer, since Round is Python code" in out
    assert float(out.split(" % on rings")[0].split()[-1]) > 90
    assert "gradient of x by hand: (4, 2)" in out

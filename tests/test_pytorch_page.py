"""docs/pytorch.md lists what PyTorch has and fastnano has not, and why; nothing is forgotten, nothing stale."""

import importlib
import inspect
from operator import attrgetter
from pathlib import Path

import pytest

import fastnano
from oracle import torch

PAGE = (Path(__file__).parents[1] / "docs" / "pytorch.md").read_text(encoding="utf-8")
MODULES = (
    *("nn", "nn.functional", "nn.init", "nn.utils", "nn.utils.rnn", "nn.utils.parametrizations"),
    *("nn.utils.parametrize", "optim", "optim.lr_scheduler", "optim.swa_utils"),
)
CLASSES = ("nn.Module", "nn.ParameterDict", "optim.Optimizer", "optim.lr_scheduler.LRScheduler")


def listed(section):
    """The names of a section: its indented lines."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [name for line in text.splitlines() if line.startswith("    ") for name in line.split()]


def public(module):
    """The functions and classes of a module, without what other packages gave it."""
    found = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return {
        name
        for name, value in found.items()
        if callable(value)
        and not inspect.ismodule(value)
        and (getattr(value, "__module__", None) or "torch").startswith("torch")
    }


@pytest.mark.skipif(not torch.__version__.startswith("2.13"), reason="the page is of PyTorch 2.13")
@pytest.mark.parametrize("name", MODULES)
def test_every_name_that_is_left_out_is_listed(name):
    theirs, ours = (importlib.import_module(f"{library}.{name}") for library in ("torch", "fastnano"))
    missing = public(theirs) - set(dir(ours))
    names = listed(f"torch.{name}")
    assert len(names) == len(set(names))
    assert sorted(missing - set(names)) == [], "add them, with the reason"
    assert sorted(set(names) - missing) == [], "take them off the page"


@pytest.mark.skipif(not torch.__version__.startswith("2.13"), reason="the page is of PyTorch 2.13")
def test_every_method_that_is_left_out_is_listed():
    missing = []
    for name in CLASSES:
        own, other = (attrgetter(name)(library) for library in (fastnano, torch))
        missing += [
            f"{own.__name__}.{n}" for n in dir(other) if not n.startswith("_") and not hasattr(own, n)
        ]
    found = {m for m in missing if not m.startswith("ParameterDict.") or not hasattr(torch.nn.Module, m[14:])}
    names = listed("Methods of Module, Optimizer and LRScheduler")
    assert sorted(found - set(names)) == [], "add them, with the reason"
    assert sorted(set(names) - found) == [], "take them off the page"


@pytest.mark.parametrize("section", ["torch", "torch.Tensor"])
def test_the_functions_and_methods_listed_are_not_there(section):
    names = listed(section)
    own, other = (fastnano, torch) if section == "torch" else (fastnano.Tensor, torch.Tensor)
    assert len(names) == len(set(names))
    assert [n for n in names if hasattr(own, n)] == []
    assert [n for n in names if not hasattr(other, n)] == []

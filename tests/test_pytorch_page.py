"""docs/pytorch.md lists what PyTorch has and fastnano has not, and why; nothing is forgotten, nothing stale."""

import importlib
import inspect
from fnmatch import fnmatchcase
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
CONTAINERS = tuple(
    f"nn.{name}" for name in ("ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential")
)
CLASSES = ("nn.Module", *CONTAINERS, "optim.Optimizer", "optim.lr_scheduler.LRScheduler")


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
        inherited = dir(torch.nn.Module) if name in CONTAINERS else ()
        missing += [
            f"{own.__name__}.{n}"
            for n in dir(other)
            if not n.startswith("_") and not hasattr(own, n) and n not in inherited
        ]
    found = set(missing)
    names = listed("Methods of Module, Optimizer and LRScheduler")
    assert sorted(found - set(names)) == [], "add them, with the reason"
    assert sorted(set(names) - found) == [], "take them off the page"


@pytest.mark.skipif(not torch.__version__.startswith("2.13"), reason="the page is of PyTorch 2.13")
def test_every_method_of_a_single_class_that_is_left_out_is_listed():
    inherited = {n for name in CLASSES if name not in CONTAINERS for n in dir(attrgetter(name)(torch))}
    missing = set()
    for name in ("nn", "optim", "optim.lr_scheduler", "optim.swa_utils"):
        ours, theirs = (importlib.import_module(f"{library}.{name}") for library in ("fastnano", "torch"))
        for own in (
            n for n in ours.__all__ if n != "Parameter" and inspect.isclass(getattr(theirs, n, None))
        ):
            public = {n for n in dir(getattr(theirs, own)) if not n.startswith("_")}
            missing |= public - inherited - set(dir(getattr(ours, own)))
    names = listed("Methods of single classes")
    assert sorted(missing - set(names)) == [], "add them, with the reason"
    assert sorted(set(names) - missing) == [], "take them off the page"


@pytest.mark.skipif(not torch.__version__.startswith("2.13"), reason="the page is of PyTorch 2.13")
@pytest.mark.parametrize("section", ["torch", "torch.Tensor"])
def test_every_function_and_tensor_method_that_is_left_out_is_listed(section):
    patterns = listed(section)
    if section == "torch":
        theirs = public(torch) | {n for n in torch.__all__ if not n.startswith("_")}
        missing = theirs - {*dir(fastnano), *dir(fastnano.nn.functional)}
        twins: set[str] = set()
    else:
        missing = {n for n in dir(torch.Tensor) if not n.startswith("_")} - set(dir(fastnano.Tensor))
        twins = {n for n in missing if n.endswith("_") and n[:-1] in missing}
    assert len(patterns) == len(set(patterns))
    unlisted = {n for n in missing - twins if not any(fnmatchcase(n, p) for p in patterns)}
    assert sorted(unlisted) == [], "add them, with the reason"
    assert [p for p in patterns if not any(fnmatchcase(n, p) for n in missing)] == [], (
        "take them off the page"
    )

"""What PyTorch and fastnano both have takes the same arguments, in the same order, with the same defaults.

Ours may take more, behind PyTorch's or by keyword.  What is left out on purpose is listed, with the reason, in the
section "Arguments" of docs/pytorch.md: ``name`` for all functions, ``function.name`` for one, ``nn.name`` for layers.
"""

import importlib
import inspect
import typing
from functools import cache
from inspect import Parameter

import pytest

import fastnano
from oracle import torch
from test_pytorch_page import listed

pytestmark = pytest.mark.skipif(
    not torch.__version__.startswith("2.13"), reason="the page is of PyTorch 2.13"
)

MODULES = (
    *("nn", "nn.functional", "nn.init", "nn.utils", "nn.utils.parametrizations", "nn.utils.parametrize"),
    *("nn.utils.rnn", "optim", "optim.lr_scheduler", "optim.swa_utils"),
)
BY_PLACE = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
VARIABLE = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
RENAMED = {"self": "input", "from": "from_"}  # as Python has them


def parameters(function):
    """The parameters of a function; None where Python does not know them, or only that there are some."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        return None
    given = [p for p in found if p.name != "self"]
    return None if given and all(p.kind in VARIABLE for p in given) else found


def schemas(name):
    """The signatures of a native function that Python can call."""
    found = []
    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{name}"):
        arguments = schema.arguments
        strange = any(
            a.is_out or "Dimname" in str(a.type) or a.name in ("names", "out_dtype") for a in arguments
        )
        full = f"{schema.name}.{schema.overload_name}".rstrip(".")
        if not strange and torch._C._dispatch_has_kernel(full):
            found.append([of_schema(a) for a in arguments])
    return found


def of_schema(argument):
    kind = Parameter.KEYWORD_ONLY if argument.kwarg_only else Parameter.POSITIONAL_OR_KEYWORD
    default = argument.default_value if argument.has_default_value() else Parameter.empty
    return Parameter(RENAMED.get(argument.name, argument.name), kind, default=default)


@cache
def overrides():
    return torch.overrides.get_testing_overrides()


def theirs(function, name):
    """The signatures of a function of PyTorch's: those that Python, the schemas or the tests of overrides know."""
    make = getattr(function, "__init__", None) if inspect.isclass(function) else None
    overloads = typing.get_overloads(make) if inspect.isfunction(make) else []
    if found := [p for overload in overloads if (p := parameters(overload)) is not None]:
        return found
    if (found := parameters(function)) is not None:
        return [found]
    indices = getattr(torch.nn.functional, f"{name}_with_indices", None)
    if inspect.isfunction(function) and indices is not None:  # one function for two
        return [parameters(indices)]
    native = [] if inspect.isfunction(function) or inspect.isclass(function) else schemas(name)
    found = native or [parameters(overrides().get(function))]
    return [] if found == [None] else found


def same(ours, default):
    """Whether a default means what PyTorch's does."""
    if ours is None and default == 4:  # a dtype: the code of int64, which None stands for
        return True
    if callable(default):
        return getattr(ours, "__name__", None) == default.__name__
    if isinstance(default, (list, tuple)) and len(set(default)) < 2 and not isinstance(ours, tuple):
        return ours in default or (not default and ours is None)  # 0 for (0, 0), None for ()
    return ours == default and isinstance(ours, bool) == isinstance(default, bool)


def faults(ours, signature, left_out):
    """What keeps our parameters from taking a call that is right for a signature of PyTorch's."""
    named, places = {p.name: p for p in ours}, [p for p in ours if p.kind is not Parameter.KEYWORD_ONLY]
    shifted = False  # behind what is left out arguments are named
    for i, p in enumerate(signature):
        found, there = named.get(p.name), places[i] if i < len(places) else None
        if p.kind is Parameter.VAR_KEYWORD:
            continue
        if left_out(p.name):
            shifted = True
        elif (
            there is not None
            and there.kind is Parameter.VAR_POSITIONAL
            and p.kind is not Parameter.KEYWORD_ONLY
        ):
            continue  # sizes one by one
        elif p.kind is Parameter.VAR_POSITIONAL:
            yield f"*{p.name} is not taken"
        elif found is None:
            yield f"{p.name} is missing"
        elif p.kind in BY_PLACE and there is not found and not shifted:
            yield f"{p.name} is not argument {i}"
        elif p.default is not Parameter.empty and not same(found.default, p.default):
            yield f"{p.name}={found.default!r}, expected {p.default!r}"


def pairs():
    """Everything that both have: path, ours, PyTorch's."""
    for module in MODULES:
        own, other = (importlib.import_module(f"{library}.{module}") for library in ("fastnano", "torch"))
        for name in dir(own):
            mine, foreign = getattr(own, name), getattr(other, name, None)
            imported = inspect.isclass(mine) and not mine.__module__.startswith(f"fastnano.{module}")
            if name.startswith("_") or not callable(mine) or foreign is None or imported:
                continue
            yield f"{module}.{name}", mine, foreign
            if inspect.isclass(mine) and inspect.isclass(foreign) and mine is not fastnano.nn.Parameter:
                yield from methods(f"{module}.{name}", mine, foreign)
    for name in dir(fastnano):
        if inspect.isfunction(value := getattr(fastnano, name)) and hasattr(torch, name):
            yield f"torch.{name}", value, getattr(torch, name)
    yield from methods("Tensor", fastnano.Tensor, torch.Tensor)


def methods(path, own, other):
    """Those that are not just inherited from a class that is compared itself."""
    bases = [base for base in own.__mro__[1:] if base.__name__ in ("Module", "Optimizer", "LRScheduler")]
    for name, function in inspect.getmembers(own, callable):
        inherited = any(getattr(base, name, None) is function for base in bases) and name not in vars(other)
        if (
            not name.startswith("_")
            and hasattr(other, name)
            and not inherited
            and not inspect.isclass(function)
        ):
            yield f"{path}.{name}", function, getattr(other, name)


class Table:
    """The arguments that the page lists, and which of them were met."""

    def __init__(self):
        self.listed, self.met = listed("Arguments"), set()

    def left_out(self, path, name):
        module, _, function = path.rpartition(".")
        keys = {name, f"{function}.{name}", f"{module}.{name}"}
        found = keys.intersection(self.listed)
        self.met |= found
        return bool(found)

    def differs(self, path):
        """Whether it is another function of the same name."""
        found = f"{path}()" in self.listed
        self.met |= {f"{path}()"} if found else set()
        return found


def compared(path, own, other, table):
    """What is wrong with a function of ours: one signature of PyTorch's must fit, and all names be known."""
    ours, signatures = parameters(own), theirs(other, path.rpartition(".")[2])
    if ours is None or not signatures or table.differs(path):
        return []
    if inspect.isfunction(own) and path.startswith(("Tensor.", "nn.", "optim.")):
        ours = ours[1:] if path.startswith("Tensor.") else [p for p in ours if p.name != "self"]
    receivers = ("self", "input") if path.startswith("Tensor.") else ("self",)
    signatures = [[p for p in s if p.name not in receivers] for s in signatures]
    found = [list(faults(ours, s, lambda name: table.left_out(path, name))) for s in signatures]
    return min(found, key=len) + [f for some in found for f in some if f.endswith("is missing")]


def test_arguments_are_those_of_pytorch():
    table = Table()
    everything = list(pairs())
    wrong = {path: found for path, *both in everything if (found := compared(path, *both, table))}
    unknown = [
        p for p, own, other in everything if parameters(own) is None or not theirs(other, p.split(".")[-1])
    ]
    assert len(everything) > 1000 > 20 > len(unknown)
    assert not wrong, "\n".join(f"{path}: {', '.join(sorted(set(found)))}" for path, found in wrong.items())
    assert len(table.listed) == len(set(table.listed))
    assert sorted(set(table.listed) - table.met) == [], "take them off the page"


@pytest.mark.parametrize(
    ("ours", "their", "expected"),
    [
        ("input, dim=0", "input, dim=0", []),
        ("x, dim=0", "input, dim=0", ["input is missing"]),
        ("dim, input", "input, dim", ["input is not argument 0", "dim is not argument 1"]),
        ("input, dim=1", "input, dim=0", ["dim=1, expected 0"]),
        ("input, flag=0", "input, flag=False", ["flag=0, expected False"]),
        ("input, stride=1", "input, stride=(1, 1)", []),
        ("input, *, more=0", "input", []),
        ("input, *, more=0", "input, device, more=0", []),
        ("input, *size", "input, size", []),
        ("input", "*input", ["*input is not taken"]),
    ],
)
def test_what_is_wrong_is_seen(ours, their, expected):
    own, other = (
        list(inspect.signature(eval(f"lambda {text}: 0")).parameters.values()) for text in (ours, their)
    )
    assert list(faults(own, other, "device".__eq__)) == expected

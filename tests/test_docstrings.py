"""Every public name says what it does; layers, losses, optimisers and the like by formula, shapes and source."""

import importlib
import inspect
import pkgutil
import re

import pytest

import fastnano
from fastnano import data, nn, optim
from fastnano.optim import lr_scheduler, swa_utils

CODE = re.compile(r"``[^`]*``|^    .*$", re.MULTILINE)  # what is in it shows use
# y = ..., w ← ..., Σ ..., max(...), log(...), |...|
FORMULA = re.compile(r"[=←Σ√‖|]|\b(?:max|log)\b")
# (N, C, H, W), (N,), (*), (*, in_features), (...)
SHAPES = re.compile(r"\((?:\*|\.\.\.|[A-Z])(?:,[^()]*)?\)")
# A. Author; M.-L. Zhang
AUTHOR = re.compile(r"\b[A-Z]\.(?:-[A-Z]\.)? [A-Z][\w'’-]+")
# 1998; arXiv:1502.03167, whose first digits are the year and the month
DATE = re.compile(r"\b(?:19|20)\d\d\b|\barXiv:\d{4}\.\d{5}\b|\barXiv:\d{4}\.\d{4}\b")

HOLDERS = ("Sequential", "ModuleList", "ModuleDict", "Graph", "ParameterList", "ParameterDict")
BASES = ("Module", "Parameter", "Optimizer", "LRScheduler", "Transform")
COMBINED = ("SequentialLR", "ChainedScheduler", "Compose")
NO_FORMULA = {
    **dict.fromkeys(HOLDERS, "holds others"),
    **dict.fromkeys(BASES, "what it computes, its heirs say"),
    **dict.fromkeys(COMBINED, "does what those do that it is made of"),
}
NO_SHAPES = {
    **dict.fromkeys(HOLDERS, "holds others, of whatever shapes"),
    "Lambda": "a function of the user's",
    "Module": "what it takes, its heirs say",
}
NO_SOURCE = {
    **NO_FORMULA,
    **dict.fromkeys(("Lambda", "LambdaLR", "MultiplicativeLR"), "a function of the user's"),
    **dict.fromkeys(
        ("Identity", "Flatten", "Unflatten", "ToFloat"), "the values as they are, in another form"
    ),
    "Tanhshrink": "PyTorch's; no paper is known that has it",
}


def classes(package):
    """The public classes of a package by name."""
    return {name: c for name in package.__all__ if inspect.isclass(c := getattr(package, name))}


MODULES = {name: c for name, c in classes(nn).items() if issubclass(c, nn.Module)}
TRANSFORMS = {
    name: c
    for name, c in classes(data).items()
    if c.__module__.endswith((".transforms", ".distortions", ".mixing"))
}
ALL = {**classes(nn), **classes(optim), **classes(lr_scheduler), **classes(swa_utils), **TRANSFORMS}


def lacking(named, *signs):
    """The classes whose own docstring lacks one of the signs."""
    texts = {name: CODE.sub("", own_doc(c)) for name, c in named.items()}
    return sorted(name for name, text in texts.items() if not all(sign.search(text) for sign in signs))


def own_doc(member):
    """The docstring that was written for it: not inherited, not a dataclass's signature."""
    text = (vars(member).get("__doc__") if inspect.isclass(member) else member.__doc__) or ""
    return "" if text.startswith(f"{getattr(member, '__name__', '')}(") else inspect.cleandoc(text)


def test_classes_say_what_they_compute():
    assert lacking(ALL, FORMULA) == sorted(NO_FORMULA)


def test_layers_and_losses_say_their_shapes():
    assert lacking(MODULES, SHAPES) == sorted(NO_SHAPES)


def test_classes_name_their_source():
    assert lacking(ALL, AUTHOR, DATE) == sorted(NO_SOURCE)


def test_the_reference_loses_no_stars():
    """Two in a paragraph are emphasis to Markdown, which takes the stars out of (*, in) and (*, out)."""
    functions = {name: getattr(nn.functional, name) for name in nn.functional.__all__}
    paragraphs = [(name, p) for name, c in {**ALL, **functions}.items() for p in own_doc(c).split("\n\n")]
    assert [name for name, p in paragraphs if len(re.findall(r"\(\*|\*\)", CODE.sub("", p))) > 1] == []


def modules():
    """All but the kernels, which their rows and definitions describe, and the commands, which help does."""
    names = [found.name for found in pkgutil.walk_packages(fastnano.__path__, "fastnano.")]
    hidden = ("fastnano._kernels", "fastnano.cli", "fastnano.__main__")
    return [fastnano, *(importlib.import_module(name) for name in names if not name.startswith(hidden))]


def silent(owner, home, prefix=""):
    """The public functions, classes, methods and properties that a module makes, and says nothing of."""
    for name, value in vars(owner).items():
        member = getattr(value, "__func__", value)  # of a classmethod
        maker = getattr(member, "fget", None) or getattr(member, "func", None) or member  # of properties
        if name.startswith("_") or not callable(maker) or getattr(maker, "__module__", None) != home:
            continue
        if not (own_doc(member) or overrides(owner, name)):
            yield prefix + name
        if inspect.isclass(member):
            yield from silent(member, home, f"{prefix}{name}.")


def overrides(owner, name):
    """Whether the method does what a class above says that it does, as every ``forward``."""
    above = owner.__mro__[1:] if inspect.isclass(owner) else ()
    return any(own_doc(vars(c)[name]) for c in above if name in vars(c))


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_public_names_say_what_they_do(module):
    assert module.__doc__
    assert list(silent(module, module.__name__)) == []


# Errors

RAISES = re.compile(r"^ +raise \w*Error\b", re.MULTILINE)
SAYS = re.compile(r"\braises\b|\brefused\b|\w+Error\b", re.IGNORECASE)
PUBLIC = (fastnano, nn, nn.functional, nn.init, nn.utils, optim, lr_scheduler, swa_utils, data)
SILENT = """
AveragedModel.update_parameters Function.backward Function.forward LRScheduler.lr MessagePassing.propagate
Module.forward Optimizer.check Optimizer.rows ParameterList.extend Transform.apply bilinear binary_step bincount
celu channel_shuffle cosine_embedding_loss diag_embed dirac_ dropout1d dropout2d dropout3d gaussian_nll_loss gelu
hardtanh hinge_loss index_add instance_norm local_response_norm margin_ranking_loss maxout meshgrid
multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss repeat_interleave rrelu smooth_l1_loss softplus
softshrink t update_bn vector_to_parameters
"""  # names are taken off this list, and none are added


def raising():
    """Public functions and methods that raise something themselves, and the docstring of their class."""
    for value in (getattr(module, name) for module in PUBLIC for name in module.__all__):
        own = (
            vars(value).items()
            if inspect.isclass(value)
            else [(value.__name__, value)]
            if callable(value)
            else ()
        )
        for name, member in own:
            public = inspect.isfunction(member) and not any(
                p[:1] == "_" for p in member.__qualname__.split(".")
            )
            if public and RAISES.search(inspect.getsource(member)) and not overrides(value, name):
                yield member, own_doc(value)


def test_what_is_raised_is_said():
    silent = {f.__qualname__ for f, above in raising() if not SAYS.search(f"{own_doc(f)} {above}")}
    assert sorted(silent - set(SILENT.split())) == [], "say in the docstring what is raised"
    assert sorted(set(SILENT.split()) - silent) == [], "take them off the list"

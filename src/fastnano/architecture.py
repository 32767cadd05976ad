"""Networks as text: the architecture line, named models, and descriptions that can be saved.

    parse_layers("conv 16 5, relu, maxpool 2, flatten, dense 10", input_shape=(1, 28, 28))

A layer is a word, its numbers in the order of ``WORDS``, then any of its class's arguments as ``key=value``
(``conv 16 3x5 padding=same``).  The sizes that follow from the layer before are worked out.
"""

# Design: shapes are found by running each layer, as it is made, on one blank image: the line knows nothing of
# convolution arithmetic and serves every layer there will be.  Rejected: a shape rule per layer, which would
# have to agree with the kernels' own.

from __future__ import annotations

import difflib
import inspect
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # layers are imported when one is made, so that `fastnano --help` does not wait for them
    from . import nn

Shape = tuple[int, ...]

MODELS = {
    "mlp": "flatten, dense 512, relu, dense 10",
    "lenet5": "conv 6 5 padding=2, relu, maxpool 2, conv 16 5, relu, maxpool 2, flatten, "
    "dense 120, relu, dense 84, relu, dense 10",
    "cnn": "conv 8 5 padding=2, maxpool 2, batchnorm, relu, conv 24 5, maxpool 2, batchnorm, relu, flatten, "
    "dense 128, relu, dense 10",
    "bncnn": "conv 16 3 padding=1, batchnorm, relu, maxpool 2, conv 32 3 padding=1, batchnorm, relu, "
    "maxpool 2, conv 32 3 padding=1, batchnorm, relu, maxpool 2, flatten, dense 10",
}


@dataclass(frozen=True)
class Word:
    """What a word of the architecture line makes: classes by the axes they take, and its numbers."""

    layers: dict[int | None, str]  # class name by the number of axes of a sample; None takes any
    numbers: tuple[str, ...] = ()
    required: int = 0  # of the numbers
    inferred: str = ""  # the argument that is the size of the input's first axis
    meets: str = ""  # the shape it expects, for errors


IMAGE = "(channels, height, width)"
WORDS = {
    "conv": Word(
        {3: "Conv2d"}, ("out_channels", "kernel_size", "stride", "padding"), 2, "in_channels", IMAGE
    ),
    "dense": Word({1: "Linear"}, ("out_features",), 1, "in_features", "(features,); put flatten before it"),
    "maxpool": Word({3: "MaxPool2d"}, ("kernel_size", "stride", "padding"), 1, meets=IMAGE),
    "avgpool": Word({3: "AvgPool2d"}, ("kernel_size", "stride", "padding"), 1, meets=IMAGE),
    "convtranspose": Word(
        {3: "ConvTranspose2d"}, ("out_channels", "kernel_size", "stride", "padding"), 2, "in_channels", IMAGE
    ),
    "adaptiveavgpool": Word({3: "AdaptiveAvgPool2d"}, ("output_size",), 1, meets=IMAGE),
    "upsample": Word({3: "Upsample"}, ("scale_factor",), meets=IMAGE),
    "batchnorm": Word(
        {3: "BatchNorm2d", 1: "BatchNorm1d"}, inferred="num_features", meets=f"(features,) or {IMAGE}"
    ),
    "dropout": Word({None: "Dropout"}, ("p",)),
    "flatten": Word({None: "Flatten"}),
    "relu": Word({None: "ReLU"}),
    "leakyrelu": Word({None: "LeakyReLU"}, ("negative_slope",)),
    "sigmoid": Word({None: "Sigmoid"}),
    "tanh": Word({None: "Tanh"}),
    "softmax": Word({None: "Softmax"}, ("dim",)),
    "logsoftmax": Word({None: "LogSoftmax"}, ("dim",)),
    "identity": Word({None: "Identity"}),
}
ALIASES = {"conv2d": "conv", "linear": "dense", "maxpool2d": "maxpool", "avgpool2d": "avgpool",
           "convtranspose2d": "convtranspose", "adaptiveavgpool2d": "adaptiveavgpool",
           "batchnorm1d": "batchnorm", "batchnorm2d": "batchnorm"}  # fmt: skip


def unknown(what: str, name: str, choices: Iterable[str]) -> str:
    """The text of an error: what is unknown, what may be meant, and, if that is short, all there is."""
    known = list(choices)
    close = difflib.get_close_matches(name.lower(), known, 1)
    meant = f"; did you mean {close[0]!r}?" if close else "."
    there = "" if close and len(known) > 20 else f" Known: {', '.join(known)}"
    return f"unknown {what} {name!r}{meant}{there}"


def model(name: str, input_shape: Shape = (1, 28, 28)) -> nn.Sequential:
    """A named model, new: ``MODELS`` has their lines.  Raises ValueError for an unknown name."""
    if name not in MODELS:
        raise ValueError(unknown("model", name, MODELS))
    return parse_layers(MODELS[name], input_shape)


def parse_layers(line: str, input_shape: Shape = (1, 28, 28)) -> nn.Sequential:
    """The network of an architecture line, for samples of ``input_shape`` (without the batch).

    Raises ValueError naming the layer's position, its text and the shape it met.
    """
    from . import nn

    items = [item.strip() for item in line.split(",")]
    if not line.strip():
        raise ValueError(
            "layers: the line is empty, expected layers such as 'flatten, dense 128, relu, dense 10'"
        )
    layers, shape = [], tuple(input_shape)
    for place, item in enumerate(items, 1):
        try:
            layer = _layer(item, shape)
            shape = output_shape(layer, shape)
        except (ValueError, TypeError, NotImplementedError, MemoryError) as error:
            raise ValueError(f"layer {place} ({item!r}), which meets {_text(shape)}: {error}") from None
        layers.append(layer)
    return nn.Sequential(*layers)


def output_shape(layer: nn.Module, shape: Shape) -> Shape:
    """The shape of one sample after a new module, which is left as it was: evaluation changes no state."""
    import numpy as np

    from ._state import no_grad, use_backend
    from .autograd import Tensor

    layer.eval()
    with no_grad(), use_backend("numpy"):
        y = layer(Tensor(np.zeros((1, *shape), np.float32)))
    layer.train()
    if not isinstance(y, Tensor):
        raise TypeError(f"a layer of a line must give one tensor, got {type(y).__name__}")
    return y.shape[1:]


def _layer(item: str, shape: Shape) -> nn.Module:
    """One layer from its text and the shape it meets."""
    from . import nn

    if not item:
        raise ValueError("there is nothing between two commas")
    name, *rest = item.split()
    key = ALIASES.get(name.lower(), name.lower())
    if key not in WORDS:
        raise ValueError(unknown("layer", name, WORDS))
    word = WORDS[key]
    if None not in word.layers and len(shape) not in word.layers:
        raise ValueError(f"{key} expects {word.meets}")
    layer = getattr(nn, word.layers[len(shape) if None not in word.layers else None])
    return layer(**_arguments(key, word, rest, layer), **({word.inferred: shape[0]} if word.inferred else {}))


def _arguments(key: str, word: Word, rest: list[str], layer: type) -> dict[str, Any]:
    """Numbers in order, then ``key=value``, as the class's arguments."""
    numbers = list(itertools.takewhile(lambda text: "=" not in text, rest))
    if not word.required <= len(numbers) <= len(word.numbers):
        form = " ".join(n if i < word.required else f"[{n}]" for i, n in enumerate(word.numbers))
        raise ValueError(f"expected '{f'{key} {form}'.strip()}', and key=value only after the numbers")
    arguments = {name: _value(text) for name, text in zip(word.numbers, numbers, strict=False)}
    accepted = {name: p for name, p in _parameters(layer).items() if name != word.inferred}
    for text in rest[len(numbers) :]:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} comes after key=value; write the numbers first")
        if name not in accepted:
            raise ValueError(unknown(f"option of {key}", name, accepted))
        if name in arguments:
            raise ValueError(f"{name} is given twice")
        arguments[name] = _value(value)
        if isinstance(accepted[name].default, bool) and not isinstance(arguments[name], bool):
            raise ValueError(f"{name}={value} must be true or false")
    return arguments


def _value(text: str) -> Any:
    """A number, ``3x5`` (two numbers), true, false, none, or a word."""
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    parts = text.lower().split("x")
    return tuple(map(int, parts)) if len(parts) == 2 and all(map(str.isdigit, parts)) else text


def _text(shape: Shape) -> str:
    return " x ".join(map(str, shape)) or "a single number"


# Descriptions


_registered: dict[str, type[nn.Module]] = {}
CODE = (
    "Module",
    "Graph",
    "Lambda",
    "ParameterList",
    "ParameterDict",
    "PenalizedLoss",
)  # what no arguments describe
LAYERED = ("Sequential", "Concat", "ModuleList", "ModuleDict")  # described by their layers


def register(layer: type[nn.Module]) -> type[nn.Module]:
    """Let a Module class of one's own be described, saved and loaded by name; usable as a decorator.

    Its ``__init__`` arguments must be numbers, words, None or lists of them, kept in attributes so named.
    """
    _registered[layer.__name__] = layer
    return layer


def registry() -> dict[str, type[nn.Module]]:
    """Every class that can be described, by name."""
    from . import nn

    layers = {name: getattr(nn, name) for name in nn.__all__}
    own = {name: c for name, c in layers.items() if inspect.isclass(c) and issubclass(c, nn.Module)}
    return {name: c for name, c in own.items() if name not in CODE} | _registered


def describe(module: nn.Module) -> dict[str, Any]:
    """What ``build`` makes the same module from: its class's name, arguments (layers among them) and, of a
    container, its layers.

    Raises TypeError for a class that is not registered, and for layers used twice.
    """
    if len(list(module.modules())) != _count(module):
        raise TypeError("describe: a layer is used in two places, which a description cannot say")
    return _describe(module)


def _count(module: nn.Module) -> int:
    return 1 + sum(map(_count, module.children()))


def _describe(module: nn.Module) -> dict[str, Any]:
    from . import nn

    kind = type(module)
    if kind is nn.Lambda:
        raise TypeError(
            f"describe: Lambda({module.extra_repr()}) holds a function, which is code and cannot be saved; make "
            "it the forward of a Module class and decorate that with fastnano.architecture.register"
        )
    if registry().get(kind.__name__) is not kind:
        raise TypeError(
            f"describe: class {kind.__name__} is not known by name; decorate it with "
            "fastnano.architecture.register"
        )
    if module._parametrized():
        raise TypeError(
            f"describe: {kind.__name__} has parameters computed from others, which a description cannot say; use "
            "nn.utils.parametrize.remove_parametrizations first"
        )
    found: dict[str, Any] = {"type": kind.__name__}
    layered = kind in [getattr(nn, name) for name in LAYERED]
    if layered:
        found["layers"] = [[name, _describe(child)] for name, child in module.named_children()]
    for name, parameter in _parameters(kind).items():
        if layered and name == "modules":
            continue
        value = getattr(module, name, parameter.default)
        if name == "bias":
            value = value is not None and value is not False
        if name == "generator":
            continue
        if isinstance(value, nn.Module):
            found[name] = _describe(value)
            continue
        if not _plain(value):
            raise TypeError(
                f"describe: {kind.__name__}.{name} is a {type(value).__name__}, which cannot be saved"
            )
        if value != parameter.default:
            found[name] = value
    return found


def build(description: dict[str, Any]) -> nn.Module:
    """A new module from its description, with initial weights.  Raises ValueError for a wrong description."""
    if not isinstance(description, dict) or not isinstance(description.get("type"), str):
        raise ValueError(f"build: {description!r:.80} is not a description of a layer")
    known = registry()
    arguments = dict(description)
    name = arguments.pop("type")
    if name not in known:
        raise ValueError(f"build: {unknown('layer class', name, known)}")
    try:
        layers = {key: build(layer) for key, layer in arguments.pop("layers")} if name in LAYERED else None
        given: list[Any] = [] if layers is None else [[*layers.values()] if name == "ModuleList" else layers]
        return known[name](*given, **{key: _argument(value) for key, value in arguments.items()})
    except (TypeError, KeyError) as error:
        raise ValueError(f"build: {name} cannot be made from {arguments!r:.200}: {error}") from error


def _parameters(layer: type) -> dict[str, inspect.Parameter]:
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    given = inspect.signature(layer).parameters
    return {name: p for name, p in given.items() if p.kind not in kinds}


def _plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _argument(value: Any) -> Any:
    """Lists as tuples, descriptions as modules."""
    if isinstance(value, dict):
        return build(value)
    return tuple(map(_argument, value)) if isinstance(value, list) else value

"""Networks made of layers: one after another, side by side, or as a graph; and layers kept in lists."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..autograd import Function, Tensor
from ..functions.movement import cat
from ._arguments import count
from ._by_name import ByName
from .module import Module

__all__ = [
    "Concat",
    "Graph",
    "Lambda",
    "ModuleDict",
    "ModuleList",
    "Residual",
    "Sequential",
]


class _Indexed(Module):
    """Layers by number, in the order they were given."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, index: int | slice) -> Module:
        names = list(self._modules)
        if isinstance(index, slice):
            return self._part({name: self._modules[name] for name in names[index]})
        return self._modules[self._name(index)]

    def _part(self, layers: dict[str, Module]) -> Module:
        """A container of some of the layers."""
        return type(self)(list(layers.values()))  # type: ignore[call-arg]

    def __setitem__(self, index: int, layer: Module) -> None:
        self.add_module(self._name(index), layer)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)
        gone = names[index] if isinstance(index, slice) else [self._name(index)]
        self._renumber([layer for name, layer in self._modules.items() if name not in gone])

    def _name(self, index: int) -> str:
        if not -len(self) <= index < len(self):
            raise IndexError(f"{type(self).__name__}: index {index} is out of range for {len(self)} layers")
        return list(self._modules)[index]

    def _renumber(self, layers: Iterable[Module]) -> None:
        layers = list(layers)
        self._modules.clear()
        for i, layer in enumerate(layers):
            self.add_module(str(i), layer)

    def append(self, module: Module) -> Any:
        """Add a layer at the end."""
        name = len(self)
        while str(name) in self._modules:  # a slice of a Sequential keeps the names it had
            name += 1
        self.add_module(str(name), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Add layers at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Put a layer before the one at ``index``; the names are numbers from 0 again."""
        layers = list(self)
        if not -len(layers) <= index <= len(layers):
            raise IndexError(f"{type(self).__name__}: index {index} is out of range for {len(layers)} layers")
        layers.insert(index, module)
        self._renumber(layers)
        return self

    def pop(self, key: int | slice = -1) -> Module:
        """Take a layer out, the last one by default, and return it."""
        layer = self[key]
        del self[key]
        return layer

    __iadd__ = extend

    def __add__(self, layers: Iterable[Module]) -> Any:
        return self._part({str(i): layer for i, layer in enumerate([*self, *layers])})


class Sequential(_Indexed):
    """Layers one after another, of any depth: ``Sequential(a, b, ...)`` or ``Sequential(OrderedDict(name=a,
    ...))``.

    Layers are found by index (``net[0]``), slice (``net[:2]``, a Sequential) and name (``net.conv1``).
    """

    def __init__(self, *layers: Module | Mapping[str, Module]) -> None:
        super().__init__()
        for name, layer in _named(layers):
            self.add_module(name, layer)

    def _part(self, layers: dict[str, Module]) -> Module:
        return Sequential(layers)

    def extend(self, sequential: Iterable[Module]) -> Sequential:
        """Add the layers of another Sequential at the end."""
        return super().extend(sequential)

    def __mul__(self, times: int) -> Sequential:
        """The same layers so many times, one after another."""
        return Sequential(*list(self) * count("Sequential", "times", times))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Sequential:
        return self.extend((self * times)[len(self) :])

    def forward(self, input: Any) -> Any:
        for layer in self._modules.values():
            input = layer(input)
        return input


def _named(layers: tuple[Any, ...]) -> Iterable[tuple[str, Module]]:
    """Layers with their names: of the one mapping that was given, else numbers."""
    if len(layers) == 1 and isinstance(layers[0], Mapping):
        return layers[0].items()
    return [(str(i), layer) for i, layer in enumerate(layers)]


class ModuleList(_Indexed):
    """Layers in a list, found by ``parameters()`` and all else that walks modules; what is done with them, the
    class that holds the list says in its ``forward``."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    def __repr__(self) -> str:
        """Equal neighbours share a line: ``(0-2): 3 x Linear(...)``."""
        lines, start = [], 0
        for text, same in itertools.groupby(map(repr, self)):
            count = len(list(same))
            several = f"({start}-{start + count - 1}): {count} x {text}"
            lines.append((several if count > 1 else f"({start}): {text}").replace("\n", "\n  "))
            start += count
        name = type(self).__name__
        return f"{name}(\n  " + "\n  ".join(lines) + "\n)" if lines else f"{name}()"


class ModuleDict(ByName):
    """Layers by name, ``layers["conv"]``; otherwise as ModuleList."""

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    @property
    def _held(self) -> dict[str, Any]:
        return self._modules

    def __setitem__(self, name: str, module: Module) -> None:
        self.add_module(name, module)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add the named layers, in place of those of the same names."""
        for name, module in dict(modules).items():
            self.add_module(name, module)


class Residual(Module):
    """y = projection(x) + function(x), or x + function(x) without a projection.

    Shapes: x (*); both must give the same shape: where ``function`` changes the channels or the size of its input, a
    projection (such as a 1 x 1 convolution of its stride) has to change those of x.
    Source: K. He et al., "Deep Residual Learning for Image Recognition", arXiv:1512.03385.
    """

    def __init__(self, function: Module, projection: Module | None = None) -> None:
        super().__init__()
        self.function = _module("Residual", "function", function)
        self.projection: Any = None
        if projection is not None:
            self.projection = _module("Residual", "projection", projection)

    def forward(self, input: Tensor) -> Tensor:
        past = input if self.projection is None else self.projection(input)
        y = self.function(input)
        if y.shape != past.shape:
            raise ValueError(
                f"Residual: function gives shape {y.shape}, but what is added to it has {past.shape}; "
                "give a projection from the one to the other"
            )
        return past + y


class Concat(_Indexed):
    """y = (a(x), b(x), ...) one after another along an axis: ``Concat(a, b, dim=1)``.

    Shapes: of branches that give (N, C₁, H, W) and (N, C₂, H, W), y (N, C₁ + C₂, H, W): they agree but along
    ``dim``.
    Source: C. Szegedy et al., "Going Deeper with Convolutions", arXiv:1409.4842.
    """

    def __init__(self, *branches: Module | Mapping[str, Module], dim: int = 1) -> None:
        super().__init__()
        self.dim = dim
        for name, branch in _named(branches):
            self.add_module(name, branch)
        if not self._modules:
            raise ValueError("Concat: no branch is given, expected at least one Module")

    def _part(self, layers: dict[str, Module]) -> Module:
        return Concat(layers, dim=self.dim)

    def forward(self, input: Tensor) -> Tensor:
        return cat([branch(input) for branch in self], self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Lambda(Module):
    """y = function(x, ...): any function of tensors as a layer, ``Lambda(lambda x: x.mean((2, 3)))``.

    It has no parameters, and is code: networks that hold one are saved by their weights alone, and pickled
    only where the function can be.  A class of one's own, with ``fastnano.architecture.register``, is saved.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        if not callable(function):
            raise TypeError(f"Lambda: function must be callable, got {type(function).__name__}")
        self.function = function

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(*inputs)

    def extra_repr(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)


def _module(owner: str, name: str, value: Any) -> Module:
    if not isinstance(value, Module):
        raise TypeError(
            f"{owner}: {name} must be a Module, got {type(value).__name__}; wrap functions as Lambda(f)"
        )
    return value


class Graph(Module):
    """A network given as named nodes and edges::

        Graph(
            nodes={"conv": Conv2d(1, 8, 3, padding=1), "relu": ReLU(), "add": Add(), ...},
            edges=[("input", "conv"), ("conv", "relu"), ("relu", "add"), ("conv", "add"), ...],
        )

    A node is a Module, a ``fastnano.Function`` or any function of tensors; it gets the results of its
    predecessors in the order of the edges.  A name that is no node is an input of the network, in order of
    first mention; a node that leads nowhere is an output.  ``forward`` runs in topological order,
    ``backward`` in reverse.
    """

    def __init__(self, nodes: Mapping[str, Any], edges: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self.nodes = dict(nodes)
        self.edges = [tuple(edge) for edge in edges]
        self._check()
        self.predecessors = {name: [a for a, b in self.edges if b == name] for name in self.nodes}
        sources = {a: None for a, _ in self.edges}
        self.inputs = [name for name in sources if name not in self.nodes]
        self.outputs = [name for name in self.nodes if name not in sources]
        self.order = self._topological_order()
        for name, node in self.nodes.items():
            if isinstance(node, Module):
                self.add_module(name, node)

    def _check(self) -> None:
        for name, node in self.nodes.items():
            if not isinstance(node, (Module, Function)) and not callable(node):
                raise TypeError(f"Graph: node {name!r} must be callable, got {type(node).__name__}")
        for edge in self.edges:
            if len(edge) != 2 or edge[1] not in self.nodes:
                raise ValueError(f"Graph: edge {edge} must lead to one of the nodes {list(self.nodes)}")
        alone = [name for name in self.nodes if all(name != b for _, b in self.edges)]
        if alone:
            raise ValueError(f"Graph: no edge leads to {', '.join(alone)}")

    def _topological_order(self) -> list[str]:
        """Kahn's algorithm (A. Kahn, CACM 5, 1962)."""
        done, waiting, order = set(self.inputs), list(self.nodes), []
        while waiting:
            ready = [name for name in waiting if done.issuperset(self.predecessors[name])]
            if not ready:
                raise ValueError(f"Graph: the nodes {', '.join(waiting)} are on a cycle or behind one")
            done.update(ready)
            order += ready
            waiting = [name for name in waiting if name not in done]
        return order

    def forward(self, *inputs: Tensor) -> Any:
        if len(inputs) != len(self.inputs):
            raise TypeError(
                f"Graph: takes {len(self.inputs)} inputs ({', '.join(self.inputs)}), got {len(inputs)}"
            )
        values: dict[str, Any] = dict(zip(self.inputs, inputs, strict=True))
        for name in self.order:
            node = self._modules.get(
                name, self.nodes[name]
            )  # a module may have been replaced: graph.conv = ...
            values[name] = node(*(values[a] for a in self.predecessors[name]))
        results = tuple(values[name] for name in self.outputs)
        return results[0] if len(results) == 1 else results

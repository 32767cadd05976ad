"""Networks made of layers: one after another, or as a graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..autograd import Function, Tensor
from .module import Module

__all__ = ["Graph", "Sequential"]


class Sequential(Module):
    """Layers one after another, of any depth: ``Sequential(a, b, ...)`` or ``Sequential(OrderedDict(name=a,
    ...))``.

    Layers are found by index (``net[0]``), slice (``net[:2]``, a Sequential) and name (``net.conv1``).
    """

    def __init__(self, *layers: Module | Mapping[str, Module]) -> None:
        super().__init__()
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            named = layers[0].items()
        else:
            named = ((str(i), layer) for i, layer in enumerate(layers))  # type: ignore[assignment]
        for name, layer in named:
            self.add_module(name, layer)

    def forward(self, x: Any) -> Any:
        for layer in self._modules.values():
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, index: int | slice) -> Module:
        names = list(self._modules)
        if isinstance(index, slice):
            return Sequential({name: self._modules[name] for name in names[index]})
        return self._modules[self._name(index)]

    def __setitem__(self, index: int, layer: Module) -> None:
        self.add_module(self._name(index), layer)

    def _name(self, index: int) -> str:
        if not -len(self) <= index < len(self):
            raise IndexError(f"Sequential: index {index} is out of range for {len(self)} layers")
        return list(self._modules)[index]

    def append(self, layer: Module) -> Sequential:
        name = len(self)
        while str(name) in self._modules:  # a slice keeps the names it had
            name += 1
        self.add_module(str(name), layer)
        return self


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

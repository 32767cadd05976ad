"""Layers on graphs given as a list of edges: messages along the edges, gathered at the nodes.

x holds a row per node, (N, F); ``edge_index`` (2, E) a column per edge: from its source to its target.  Several graphs
are one, without edges between them.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ..autograd import EXPRESSIONS, Tensor, apply, as_tensor
from ..functions.movement import cat
from ._arguments import choice, count
from ._initial import uniform_fan_in
from .init import zeros_
from .linear import Linear
from .module import Module, Parameter

__all__ = ["EdgeConv", "GCNConv", "MessagePassing", "aggregate"]

AGGREGATIONS = ("add", "sum", "mean", "max")


def aggregate(x: Any, index: Any, size: int, aggr: str = "add") -> Tensor:
    """The sum, mean or maximum of the rows of x that ``index`` sends to each of ``size`` places; 0 where there is none.

    Messages at their targets, or nodes at their graphs.  The largest of several rows gets the gradient; equal ones
    share it.
    """
    x, index = as_tensor(x), as_tensor(index).data
    choice("aggregate", "aggr", aggr, AGGREGATIONS)
    if index.shape != x.shape[:1] or index.dtype.kind not in "iu":
        raise ValueError(
            f"aggregate: index is {index.dtype} of shape {index.shape}, expected a whole number for each of the "
            f"{len(x)} rows"
        )
    if index.size and not 0 <= index.min() <= index.max() < size:
        raise ValueError(f"aggregate: index holds {index.min()} to {index.max()}, expected 0 to {size - 1}")
    if aggr == "max":
        return apply(EXPRESSIONS["segment_max"], x, index=index, size=size)
    total = apply(EXPRESSIONS["segment_sum"], x, index=index, size=size)
    if aggr != "mean":
        return total
    number = np.maximum(np.bincount(index, minlength=size), 1).astype(x.dtype)
    return total / Tensor(number.reshape((size,) + (1,) * (x.ndim - 1)))


class MessagePassing(Module):
    """x_i ← update(aggr_{j → i} message(x_i, x_j, ...)), with ``aggr`` one of "add" ("sum"), "mean", "max".

    Subclasses define ``message``, whose parameters say what it takes of the values given to ``propagate``: ``x_j`` are
    the rows of x at the edges' sources, ``x_i`` those at their targets, any other name is the value itself::

        class Mean(nn.MessagePassing):
            def __init__(self):
                super().__init__(aggr="mean")

            def forward(self, x, edge_index, weight):
                return self.propagate(edge_index, x=x, weight=weight)

            def message(self, x_j, weight):
                return weight * x_j

    Shapes: x (N, F), edge_index (2, E): sources above, targets below; messages (E, F′), y (N, F′).
    Source: J. Gilmer et al., "Neural Message Passing for Quantum Chemistry", arXiv:1704.01212.
    """

    def __init__(self, aggr: str = "add") -> None:
        super().__init__()
        self.aggr = choice(type(self).__name__, "aggr", aggr, AGGREGATIONS)

    def propagate(self, edge_index: Any, x: Any, **values: Any) -> Tensor:
        """Send messages along the edges, gather them at the nodes of x, and update."""
        x, values = as_tensor(x), {"x": as_tensor(x), **values}
        source, target = _ends(type(self).__name__, edge_index, len(x))
        places = {"_j": source, "_i": target}
        given: dict[str, Any] = {}
        for name in inspect.signature(self.message).parameters:
            if name[-2:] in places and name[:-2] in values:
                given[name] = as_tensor(values[name[:-2]])[places[name[-2:]]]
            elif name in values:
                given[name] = values[name]
            else:
                raise TypeError(
                    f"{type(self).__name__}.message: takes {name}, but propagate was given {', '.join(values)}"
                )
        return self.update(aggregate(self.message(**given), target, len(x), self.aggr))

    def message(self, x_j: Tensor) -> Tensor:
        """What goes along each edge, (E, ...): by default, what its source holds."""
        return x_j

    def update(self, gathered: Tensor) -> Tensor:
        """What becomes of the messages gathered at each node: by default, they are its new value."""
        return gathered


class GCNConv(MessagePassing):
    """y_i = Σ_{j → i} w_ji / √(d_i d_j) · W x_j + bias, with each node among its own neighbours and d_i = Σ_j w_ji.

    In matrices, D^−½ (A + I) D^−½ X Wᵀ.  Shapes: x (N, in_channels), edge_index (2, E), edge_weight (E,), ones
    where it is left out, y (N, out_channels).  A loop that is among the edges stays as it is.
    ``add_self_loops=False`` adds none, ``normalize=False`` leaves the weights as they are, and so the graph.
    Initial weight: uniform in ±√(6 / (in + out)); bias: 0.
    Source: T. Kipf, M. Welling, "Semi-Supervised Classification with Graph Convolutional Networks", arXiv:1609.02907.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        add_self_loops: bool = True,
        normalize: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__(aggr="add")
        self.in_channels = count("GCNConv", "in_channels", in_channels)
        self.out_channels = count("GCNConv", "out_channels", out_channels)
        self.add_self_loops, self.normalize = add_self_loops, normalize
        self.lin = Linear(in_channels, out_channels, bias=False)
        self.register_parameter("bias", Parameter(np.zeros(out_channels, np.float32)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial weight anew, and bias 0 again."""
        uniform_fan_in((self.in_channels + self.out_channels) / 6, self.lin.weight)
        if self.bias is not None:
            zeros_(self.bias)

    def forward(self, x: Tensor, edge_index: Any, edge_weight: Any = None) -> Tensor:
        source, target = _ends("GCNConv", edge_index, len(x))
        weight = _weights(edge_weight, len(source), x.dtype)
        if self.normalize:
            source, target, weight = self._normalized(source, target, weight, len(x))
        y = self.propagate(np.stack([source, target]), x=self.lin(x), weight=weight.reshape((-1, 1)))
        return y if self.bias is None else y + self.bias

    def _normalized(self, source: Any, target: Any, weight: Tensor, size: int) -> tuple[Any, Any, Tensor]:
        if self.add_self_loops:
            alone = np.setdiff1d(np.arange(size), source[source == target])
            source, target = np.concatenate([source, alone]), np.concatenate([target, alone])
            weight = cat([weight, Tensor(np.ones(len(alone), weight.dtype))])
        degree = aggregate(weight, target, size)
        some = Tensor((degree.data > 0).astype(weight.dtype))  # a node without neighbours gets nothing
        scale = some / (degree * some + (1 - some)).sqrt()
        return source, target, scale[source] * weight * scale[target]

    def message(self, x_j: Tensor, weight: Tensor) -> Tensor:  # type: ignore[override]
        return weight * x_j

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}"


class EdgeConv(MessagePassing):
    """y_i = max_{j → i} h(x_i, x_j − x_i), with h a network of 2 · F inputs, such as
    ``Sequential(Linear(2 * 3, 64), ReLU(), Linear(64, 64))``; ``aggr`` may be "add" or "mean" instead.

    Shapes: x (N, F), edge_index (2, E), y (N, F′).  A node that no edge leads to gets 0.
    Source: Y. Wang et al., "Dynamic Graph CNN for Learning on Point Clouds", arXiv:1801.07829.
    """

    def __init__(self, nn: Module, aggr: str = "max") -> None:
        super().__init__(aggr)
        if not isinstance(nn, Module):
            raise TypeError(f"EdgeConv: nn must be a Module, got {type(nn).__name__}")
        self.nn = nn

    def forward(self, x: Tensor, edge_index: Any) -> Tensor:
        return self.propagate(edge_index, x=x)

    def message(self, x_i: Tensor, x_j: Tensor) -> Tensor:  # type: ignore[override]
        return self.nn(cat([x_i, x_j - x_i], 1))


def _ends(owner: str, edge_index: Any, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Sources and targets of the edges, which must be among ``size`` nodes."""
    edges = as_tensor(edge_index).data
    if edges.ndim != 2 or len(edges) != 2 or edges.dtype.kind not in "iu":
        raise ValueError(
            f"{owner}: edge_index is {edges.dtype} of shape {edges.shape}, expected whole numbers (2, E): sources and "
            "targets"
        )
    if edges.size and not 0 <= edges.min() <= edges.max() < size:
        raise ValueError(
            f"{owner}: edge_index holds {edges.min()} to {edges.max()}, expected 0 to {size - 1} for {size} nodes"
        )
    return edges[0], edges[1]


def _weights(given: Any, edges: int, dtype: np.dtype) -> Tensor:
    if given is None:
        return Tensor(np.ones(edges, dtype))
    weight = as_tensor(given)
    if weight.shape != (edges,):
        raise ValueError(
            f"GCNConv: edge_weight has shape {weight.shape}, expected one for each edge, ({edges},)"
        )
    return weight

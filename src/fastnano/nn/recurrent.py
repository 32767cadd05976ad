"""Recurrent layers and their cells."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..autograd import Tensor, as_tensor
from ..functions.movement import cat, flip, stack
from . import functional as F
from ._arguments import choice, count, probability
from ._initial import empty, uniform_fan_in
from .module import Module

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]

States = tuple[Tensor, ...]  # h, or h and c


class _Weights(NamedTuple):
    """Of one layer in one direction."""

    ih: Tensor
    hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def projected(self, x: Tensor) -> Tensor:
        """What the steps add to their states' products, with both biases, which only a GRU tells apart."""
        bias = None if self.bias_ih is None or self.bias_hh is None else self.bias_ih + self.bias_hh
        return F.linear(x, self.ih, bias)


class _Recurrent(Module):
    """What layers and cells share: parameters of ``gates`` times the hidden size, and how a sequence is run."""

    gates = 1
    states = 1  # how many: h, or h and c

    def _sizes(self, input_size: int, hidden_size: int, bias: bool) -> None:
        name = type(self).__name__
        self.input_size = count(name, "input_size", input_size)
        self.hidden_size = count(name, "hidden_size", hidden_size)
        self.bias = bias

    def _add_weights(self, suffix: str, inputs: int) -> None:
        h, g = self.hidden_size, self.gates * self.hidden_size
        for name, shape in (
            ("weight_ih", (g, inputs)),
            ("weight_hh", (g, h)),
            ("bias_ih", (g,)),
            ("bias_hh", (g,)),
        ):
            if self.bias or name.startswith("weight"):
                self.register_parameter(name + suffix, empty(*shape))

    def reset_parameters(self) -> None:
        """Draw initial values anew."""
        uniform_fan_in(self.hidden_size, *self.parameters())

    def _weights(self, suffix: str) -> _Weights:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return _Weights(*(getattr(self, name + suffix, None) for name in names))  # type: ignore[arg-type]

    def _sequence(self, x: Tensor, weights: _Weights, start: States) -> tuple[Tensor, ...]:
        """Each of the states at all steps, (N, T, H), of x (N, T, input_size); start is empty for zeros."""
        raise NotImplementedError

    def _given(self, hx: Any, shape: tuple[int, ...]) -> States:
        """The states a caller passes; none at all for None."""
        if hx is None:
            return ()
        given = tuple(map(as_tensor, (hx,) if self.states == 1 else hx))
        if len(given) != self.states or any(state.shape != shape for state in given):
            expected = f"{shape}" if self.states == 1 else f"a pair (h, c) of {shape}"
            raise ValueError(
                f"{type(self).__name__}: hx has shape {', '.join(str(s.shape) for s in given)}, expected {expected}"
            )
        return given


class _Elman(_Recurrent):
    nonlinearity: str

    def _sequence(self, x: Tensor, weights: _Weights, start: States) -> tuple[Tensor, ...]:
        return (F.rnn(weights.projected(x), weights.hh, start[0] if start else None, self.nonlinearity),)


class _Lstm(_Recurrent):
    gates, states = 4, 2

    def _sequence(self, x: Tensor, weights: _Weights, start: States) -> tuple[Tensor, ...]:
        return F.lstm(weights.projected(x), weights.hh, *start)


class _Gru(_Recurrent):
    gates = 3

    def _sequence(self, x: Tensor, weights: _Weights, start: States) -> tuple[Tensor, ...]:
        return (F.gru(F.linear(x, weights.ih, weights.bias_ih), weights.hh, weights.bias_hh, *start),)


class _Layers(_Recurrent):
    """Layers one above the other, perhaps in both directions."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self._sizes(input_size, hidden_size, bias)
        self.num_layers = count(name, "num_layers", num_layers)
        self.batch_first, self.bidirectional = batch_first, bidirectional
        self.dropout = probability(name, "dropout", dropout)
        if proj_size:
            raise NotImplementedError(
                f"{name}: proj_size={proj_size} is not built; put a Linear behind the layer"
            )
        self.directions = ("", "_reverse") if bidirectional else ("",)
        for layer in range(num_layers):
            for direction in self.directions:
                inputs = hidden_size * len(self.directions) if layer else input_size
                self._add_weights(f"_l{layer}{direction}", inputs)
        self.reset_parameters()

    def flatten_parameters(self) -> None:
        """Does nothing: kernels take the weights where they lie."""

    def forward(self, input: Tensor, hx: Any = None) -> tuple[Tensor, Any]:
        if input.ndim not in (2, 3) or input.shape[-1] != self.input_size:
            layout = "(N, T, " if self.batch_first else "(T, N, "
            raise ValueError(
                f"{type(self).__name__}: input has shape {input.shape}, expected {layout}{self.input_size}) "
                f"or (T, {self.input_size})"
            )
        if input.ndim == 2:
            given = self._given(hx, (self.num_layers * len(self.directions), self.hidden_size))
            y, last = self._layers(input.unsqueeze(0), tuple(state.unsqueeze(1) for state in given))
            y, last = y[0], tuple(state[:, 0] for state in last)
        else:
            input = input if self.batch_first else input.transpose(0, 1)
            given = self._given(
                hx, (self.num_layers * len(self.directions), input.shape[0], self.hidden_size)
            )
            y, last = self._layers(input, given)
            y = y if self.batch_first else y.transpose(0, 1)
        return y, last[0] if self.states == 1 else last

    def _layers(self, x: Tensor, given: States) -> tuple[Tensor, States]:
        """The last layer's h, (N, T, H or 2H), and the last states of all, (layers · directions, N, H)."""
        last: list[States] = []
        for layer in range(self.num_layers):
            if layer:
                x = F.dropout(x, self.dropout, self.training)
            hidden = []
            for direction in self.directions:
                start = tuple(state[len(last)] for state in given)
                source = flip(x, (1,)) if direction else x
                found = self._sequence(source, self._weights(f"_l{layer}{direction}"), start)
                last.append(tuple(state[:, -1] for state in found))
                hidden.append(flip(found[0], (1,)) if direction else found[0])
            x = cat(hidden, -1) if len(hidden) > 1 else hidden[0]
        if len(last) == 1:
            return x, tuple(state.unsqueeze(0) for state in last[0])
        return x, tuple(stack(kind, 0) for kind in zip(*last, strict=True))

    def extra_repr(self) -> str:
        defaults = {
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
        }
        own = {name: getattr(self, name) for name in defaults}
        changed = (f"{name}={value}" for name, value in own.items() if value != defaults[name])
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *changed])


class RNN(_Layers, _Elman):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_{t−1} + b_hh), or ReLU of it, for all steps t, layer upon layer.

    Shapes: x (T, N, input_size), (N, T, input_size) with ``batch_first``, or (T, input_size); hx, the states before
    the first step, and h_n, those after the last, (num_layers · directions, N, hidden_size), whatever
    ``batch_first`` says; output (T, N, directions · hidden_size), the last layer's states.  ``forward(x, hx=None)``
    returns (output, h_n).  ``dropout`` acts on the output of every layer but the last.
    Parameters are named weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_ih_l0_reverse ...; initial
    values: uniform in ±1/√hidden_size.  Source: J. Elman, "Finding Structure in Time", 1990.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)
        self.nonlinearity = choice("RNN", "nonlinearity", nonlinearity, ("tanh", "relu"))


class LSTM(_Layers, _Lstm):
    """i, f, g, o = W_ih x_t + b_ih + W_hh h_{t−1} + b_hh;  c_t = σ(f) c_{t−1} + σ(i) tanh(g);  h_t = σ(o) tanh(c_t).

    Shapes: x (T, N, input_size), all else as for RNN, also layers and names; parameters have 4 · hidden_size rows
    in the order i, f, g, o.  ``forward(x, hx=None)`` takes the pair (h, c) and returns (output, (h_n, c_n)).
    Raises NotImplementedError for a ``proj_size``.
    Source: S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9, 1997.
    """


class GRU(_Layers, _Gru):
    """r = σ(W_ir x_t + b_ir + W_hr h_{t−1} + b_hr), z likewise;  n = tanh(W_in x_t + b_in + r (W_hn h_{t−1} + b_hn));
    h_t = (1 − z) n + z h_{t−1}.

    Shapes: x (T, N, input_size), all else as for RNN, also layers and names; parameters have 3 · hidden_size rows
    in the order r, z, n.
    Source: K. Cho et al., arXiv:1406.1078; the reset gate acts behind the product, as in cuDNN.
    """


class _Cell(_Recurrent):
    """One step."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__()
        self._sizes(input_size, hidden_size, bias)
        self._add_weights("", input_size)
        self.reset_parameters()
        if not bias:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise ValueError(
                f"{type(self).__name__}: input has shape {input.shape}, expected (N, {self.input_size}) or "
                f"({self.input_size},)"
            )
        given = self._given(hx, (*input.shape[:-1], self.hidden_size))
        rows = input.reshape((-1 if input.ndim == 1 else input.shape[0], 1, self.input_size))
        start = tuple(state.reshape((rows.shape[0], self.hidden_size)) for state in given)
        states = self._sequence(rows, self._weights(""), start)
        last = tuple(state.reshape((*input.shape[:-1], self.hidden_size)) for state in states)
        return last[0] if self.states == 1 else last

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(_Cell, _Elman):
    """h′ = tanh(W_ih x + b_ih + W_hh h + b_hh), or ReLU of it: one step of an RNN, ``forward(x, hx=None)`` gives h′.

    Shapes: x (N, input_size) or (input_size,), h and h′ (N, hidden_size) or (hidden_size,).
    Source: J. Elman, "Finding Structure in Time", 1990.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh"
    ) -> None:
        super().__init__(input_size, hidden_size, bias)
        self.nonlinearity = choice("RNNCell", "nonlinearity", nonlinearity, ("tanh", "relu"))

    def extra_repr(self) -> str:
        tail = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}"
        return super().extra_repr() + tail


class LSTMCell(_Cell, _Lstm):
    """One step of an LSTM, c′ = σ(f) c + σ(i) tanh(g), h′ = σ(o) tanh(c′): ``forward(x, (h, c)=None)`` gives (h′, c′).

    Shapes: x (N, input_size) or (input_size,), h and c (N, hidden_size) or (hidden_size,).
    Source: S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9, 1997.
    """


class GRUCell(_Cell, _Gru):
    """One step of a GRU, h′ = (1 − z) n + z h with z and n as in ``GRU``: ``forward(x, hx=None)`` gives h′.

    Shapes: x (N, input_size) or (input_size,), h and h′ (N, hidden_size) or (hidden_size,).
    Source: K. Cho et al., arXiv:1406.1078; the reset gate acts behind the product, as in cuDNN.
    """

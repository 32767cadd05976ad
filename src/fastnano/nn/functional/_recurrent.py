"""Recurrent layers over whole sequences, as functions of their projected inputs."""

from __future__ import annotations

from typing import Any

from ...autograd import OPS, Tensor, apply, as_tensor
from .._arguments import choice
from .._initial import constant

__all__ = ["gru", "lstm", "rnn"]


def rnn(input: Any, weight: Any, start: Any = None, nonlinearity: str = "tanh") -> Tensor:
    """h_t = tanh(x_t + weight h_{t−1}), or ReLU of it; x (N, T, H), weight (H, H), h_{−1} start (N, H), y (N, T, H)."""
    choice("rnn", "nonlinearity", nonlinearity, ("tanh", "relu"))
    x, weight = _checked("rnn", input, weight, 1)
    return apply(OPS[f"rnn_{nonlinearity}"], x, weight, _state("rnn", "start", start, x, weight))


def lstm(input: Any, weight: Any, start: Any = None, cell: Any = None) -> tuple[Tensor, Tensor]:
    """h and c (N, T, H) of all steps; x (N, T, 4H) for the gates i, f, g, o, weight (4H, H); see ``nn.LSTM``."""
    x, weight = _checked("lstm", input, weight, 4)
    states = _state("lstm", "start", start, x, weight), _state("lstm", "cell", cell, x, weight)
    both = apply(OPS["lstm"], x, weight, *states)
    return both[:, 0], both[:, 1]


def gru(input: Any, weight: Any, bias: Any = None, start: Any = None) -> Tensor:
    """h (N, T, H) of all steps; x (N, T, 3H) for r, z, n, weight (3H, H), bias (3H,) of the states; see ``nn.GRU``."""
    x, weight = _checked("gru", input, weight, 3)
    bias = constant(0, weight.shape[0], x.dtype) if bias is None else as_tensor(bias)
    return apply(OPS["gru"], x, weight, bias, _state("gru", "start", start, x, weight))


def _checked(name: str, x: Any, weight: Any, gates: int) -> tuple[Tensor, Tensor]:
    x, weight = as_tensor(x), as_tensor(weight)
    if weight.ndim != 2 or weight.shape[0] != gates * weight.shape[1]:
        times = "" if gates == 1 else f"{gates} * "
        raise ValueError(
            f"{name}: weight has shape {weight.shape}, expected ({times}hidden_size, hidden_size)"
        )
    if x.ndim != 3 or x.shape[2] != weight.shape[0] or not x.shape[1]:
        raise ValueError(
            f"{name}: input has shape {x.shape}, expected (N, T, {weight.shape[0]}) of at least one step"
        )
    return x, weight


def _state(name: str, what: str, given: Any, x: Tensor, weight: Tensor) -> Tensor:
    """The state before the first step, zeros where there is none."""
    expected = (x.shape[0], weight.shape[1])
    if given is None:
        return constant(0, expected[1], x.dtype).expand(expected)
    given = as_tensor(given)
    if given.shape != expected:
        raise ValueError(f"{name}: {what} has shape {given.shape}, expected {expected}")
    return given

"""Tensors, the tape, and the reverse pass.

# Design: the tape is the graph itself: a result holds the node that made it, the node its inputs and what its
# gradient rules read.  ``launch`` is the only place that calls a kernel, so one hook there sees all that runs.
# Rejected: a global list of operations, which keeps every result alive until somebody clears it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _kernels
from ._contract import Contract
from ._rows import Environment, Expression, Formula, Op
from ._state import current_backend, state
from .ops import EXPRESSIONS, OPS

DEFAULT_DTYPE = np.dtype(np.float32)


def launch(rule: Contract | Formula, env: Environment) -> None:
    """Run one kernel or formula on the arrays and numbers it names."""
    arguments = [env[name] for name in rule.arguments]
    if isinstance(rule, Formula):
        env[rule.output] = rule.function(*arguments)
    elif arguments[0].size:
        _kernels.select(current_backend(), rule.dtype(env))[rule.name](*arguments)
    else:  # an empty batch: sums over it are zero, and there is nothing else to write
        for written in rule.writes:
            if written.mark != "~":
                env[written.name].fill(0)


class Node:
    """How a tensor was made: the op, its inputs, and what its backward needs of the call."""

    __slots__ = ("inputs", "kept", "op", "versions", "wanted")

    def __init__(self, op: Any, inputs: tuple[Tensor, ...], output: Tensor, env: Environment) -> None:
        self.op, self.inputs, self.kept = op, inputs, op.kept(env)
        self.wanted = frozenset(
            name for name, t in zip(op.inputs, inputs, strict=True) if t.requires_grad and name in op.differentiable
        )
        tensors = zip((*op.inputs, op.output), (*inputs, output), strict=True)
        self.versions = [(t._version, t._version[0], name) for name, t in tensors if name in op.saves]

    def gradients(self, dout: np.ndarray) -> Iterator[tuple[Tensor, np.ndarray]]:
        """Each input that wants a gradient, with its share of it."""
        for counter, version, name in self.versions:
            if counter[0] != version:
                raise RuntimeError(
                    f"{self.op.name}: {name} was changed in place after it was used, and its old values are needed by "
                    f"backward; change a copy (x.detach().clone()), or run the forward pass again"
                )
        found = self.op.backpropagate(self.kept, dout, self.wanted, launch)
        for name, tensor in zip(self.op.inputs, self.inputs, strict=True):
            if name in self.wanted:
                yield tensor, found[name].astype(tensor.data.dtype, copy=False)


def apply(op: Op | Expression | Function, *inputs: Tensor, **scalars: Any) -> Tensor:
    """Run an op on tensors, and record it where an input requires a gradient."""
    return apply_full(op, inputs, scalars)[0]


def apply_full(op: Any, inputs: tuple[Tensor, ...], scalars: dict[str, Any]) -> tuple[Tensor, Environment]:
    """``apply``, with everything the call read and wrote beside the result."""
    env = op.run([t.data for t in inputs], scalars, launch)
    output = Tensor._wrap(env[op.output])
    if state.grad_enabled and output.data.dtype.kind == "f" and any(t.requires_grad for t in inputs):
        output._node = Node(op, inputs, output, env)
        output.requires_grad = bool(output._node.wanted)
    return output, env


def topological_order(root: Tensor) -> list[Tensor]:
    """Every tensor root depends on that requires a gradient, inputs before outputs; without recursion."""
    order: list[Tensor] = []
    seen: set[int] = set()
    stack = [(root, False)]
    while stack:
        tensor, inputs_done = stack.pop()
        if inputs_done:
            order.append(tensor)
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            stack.append((tensor, True))
            if tensor._node is not None:
                stack.extend((t, False) for t in reversed(tensor._node.inputs) if t.requires_grad)
    return order


def backpropagate(root: Tensor, gradient: np.ndarray) -> Iterator[tuple[Tensor, np.ndarray]]:
    """Every tensor root depends on, outputs before inputs, with the gradient of root with respect to it.

    The reverse pass: a tensor's gradient is complete when all that used it have been visited.
    """
    gradients = {id(root): gradient}
    for tensor in reversed(topological_order(root)):
        gradient = gradients.pop(id(tensor), None)
        if gradient is None:
            continue
        if tensor._node is not None:
            for parent, share in tensor._node.gradients(gradient):
                known = gradients.get(id(parent))
                gradients[id(parent)] = share if known is None else known + share
        yield tensor, gradient


class Function:
    """A node of one's own: ``forward`` takes arrays, ``backward`` the gradient of the result, and returns one
    gradient per input (None where there is none)::

        class MaxNode(fastnano.Function):
            def forward(self, x, y):
                self.first = x >= y
                return np.maximum(x, y)

            def backward(self, dz):
                return dz * self.first, dz * ~self.first

        z = MaxNode()(x, y)

    Each call works on a copy of the object, so that ``self`` may keep what backward needs.
    """

    output, saves = "z", frozenset[str]()
    inputs: tuple[str, ...] = ()

    def forward(self, *arrays: np.ndarray) -> npt.ArrayLike:
        raise NotImplementedError(f"{type(self).__name__}.forward: define it, from arrays to an array")

    def backward(self, dz: np.ndarray) -> Any:
        raise NotImplementedError(f"{type(self).__name__}.backward: define it, or use the result under no_grad")

    def __call__(self, *inputs: Any) -> Tensor:
        call = object.__new__(type(self))
        call.__dict__.update(self.__dict__)
        call.inputs = tuple(f"input {i}" for i in range(len(inputs)))
        return apply(call, *(as_tensor(x) for x in inputs))

    @classmethod
    def apply(cls, *inputs: Any) -> Tensor:
        """``cls()(*inputs)``."""
        return cls()(*inputs)

    @property
    def name(self) -> str:
        return type(self).__name__

    @property
    def differentiable(self) -> frozenset[str]:
        return frozenset(self.inputs)

    def run(self, arrays: Sequence[np.ndarray], scalars: dict[str, Any], launch: Callable) -> Environment:
        shapes = tuple(a.shape for a in arrays)
        return {"z": np.asarray(self.forward(*arrays)), "shapes": shapes}

    def kept(self, env: Environment) -> Environment:
        return env

    def backpropagate(
        self, kept: Environment, dout: np.ndarray, wanted: frozenset[str], launch: Callable
    ) -> dict[str, np.ndarray]:
        found = self.backward(dout)
        found = found if isinstance(found, tuple) else (found,)
        if len(found) != len(self.inputs):
            raise ValueError(f"{self.name}.backward: returned {len(found)} gradients for {len(self.inputs)} inputs")
        gradients = {}
        for name, shape, gradient in zip(self.inputs, kept["shapes"], found, strict=True):
            gradient = np.zeros(shape, dout.dtype) if gradient is None else np.asarray(gradient)
            if gradient.shape != shape:
                raise ValueError(
                    f"{self.name}.backward: the gradient of {name} has shape {gradient.shape}, expected {shape}"
                )
            gradients[name] = gradient
        return gradients


def native_array(data: npt.ArrayLike) -> np.ndarray:
    """data as an array in this machine's byte order; shared where it can be."""
    array = np.asarray(data)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"a tensor holds real numbers, got dtype {array.dtype}")
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        raise TypeError(f"floating tensors are float32 or float64, got {array.dtype}; convert with .astype")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def tensor(data: npt.ArrayLike, dtype: npt.DTypeLike = None, requires_grad: bool = False) -> Tensor:
    """A tensor that holds a copy of data.

    Python floats become float32, integers int64; an array keeps its dtype.
    Raises TypeError for what is not made of numbers, or an integer tensor that should require a gradient.
    """
    if isinstance(data, Tensor):
        data = data.data
    if dtype is None and not isinstance(data, (np.ndarray, np.generic)):
        array = np.asarray(data)
        dtype = DEFAULT_DTYPE if array.dtype.kind == "f" else None
    return Tensor(native_array(np.array(data, dtype=dtype, order="C")), requires_grad)


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor that shares its memory with an array: a change of one is seen in the other."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: array must be a numpy.ndarray, got {type(array).__name__}")
    if not array.dtype.isnative:
        raise TypeError(f"from_numpy: array has dtype {array.dtype}, not this machine's byte order; use tensor(array)")
    return Tensor(array)


def as_tensor(value: Any, like: Tensor | None = None) -> Tensor:
    """value as a tensor; a Python number takes the dtype of the tensor it meets."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (bool, int, float)) and like is not None:
        integer = like.data.dtype.kind != "f" and isinstance(value, int)
        floating = like.data.dtype if like.data.dtype.kind == "f" else DEFAULT_DTYPE
        return Tensor._wrap(np.asarray(value, like.data.dtype if integer else floating))
    if isinstance(value, np.ndarray):
        return Tensor(native_array(value))
    return tensor(value)


from ._tensor import Tensor  # noqa: E402  (the engine and its one data type name each other)

__all__ = ["EXPRESSIONS", "OPS", "Function", "Tensor", "apply", "as_tensor", "from_numpy", "launch", "tensor"]

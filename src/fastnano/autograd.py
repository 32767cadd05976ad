"""Tensors, the tape, and the reverse pass.

# Design: the tape is the graph itself: a result holds the node that made it, the node its inputs and what its
# gradient rules read.  ``launch`` is the only place that calls a kernel, so one hook there sees all that
# runs.
# Rejected: a global list of operations, which keeps every result alive until somebody clears it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _kernels
from ._contract import Contract
from ._errors import called
from ._rows import COPY, Environment, Formula, Reverse, compute
from ._state import current_backend, state
from .ops import EXPRESSIONS, OPS

DEFAULT_DTYPE = np.dtype(np.float32)


def launch(rule: Contract | Formula, env: Environment) -> None:
    """Run one kernel or formula on the arrays and numbers it names."""
    recording = state.recording
    if recording is not None:
        recording.before(rule, env)
    if isinstance(rule, Formula):
        env[rule.output] = np.asarray(rule.function(*[env[name] for name in rule.arguments]))
    else:
        _call(rule, env)
    if recording is not None:
        recording.after(rule, env)


def _call(rule: Contract, env: Environment) -> None:
    arguments = rule.fetch(env)
    if arguments[0].size:
        known = rule.float_argument
        dtype = env[known].dtype if known else DEFAULT_DTYPE
        kernel = rule.own or _kernel(current_backend(), dtype, rule.name)
        kernel(*arguments)
    else:  # an empty batch: sums over it are zero, and there is nothing else to write
        for written in rule.writes:
            if written.mark != "~":
                env[written.name].fill(0)


def examine(
    array: np.ndarray,
    question: Callable[[np.ndarray], Any],
    otherwise: Callable[[np.ndarray], Any] | None = None,
) -> Any:
    """The answer to a question on which the course of a computation depends, or an error it raises.

    Asked of this batch; while a plan is recorded, of the whole data set, since its steps all take one course, or, where
    the array is no part of the data as they are, the question ``otherwise``, whose answer must serve all.
    """
    recording = state.recording
    return question(array) if recording is None else recording.examine(array, question, otherwise)


@cache
def _kernel(backend: str, dtype: np.dtype, name: str) -> Callable[..., None]:
    return _kernels.select(backend, dtype)[name]


class Node:
    """How a tensor was made: the op, its inputs, and what its backward needs of the call."""

    __slots__ = ("inputs", "kept", "op", "reverse", "versions")

    def __init__(
        self, op: Any, inputs: tuple[Tensor, ...], output: Tensor, env: Environment, reverse: Reverse
    ) -> None:
        self.op, self.inputs, self.reverse = op, inputs, reverse
        self.kept = op.kept(env, reverse)
        tensors = (*inputs, output)
        self.versions = [(tensors[i]._version, tensors[i]._version[0], name) for i, name in reverse.watched]

    def gradients(self, dout: np.ndarray) -> Iterator[tuple[Tensor, np.ndarray]]:
        """Each input that wants a gradient, with its share of it."""
        for counter, version, name in self.versions:
            if counter[0] != version:
                raise RuntimeError(
                    f"{self.op.name}: {name} was changed in place after it was used, and its old values are "
                    f"needed by backward; change a copy (x.detach().clone()), or run the forward pass again"
                )
        found = self.op.backpropagate(self.kept, dout, self.reverse, launch)
        for name, tensor in zip(self.op.inputs, self.inputs, strict=True):
            if name in found:
                share = found[name]
                yield tensor, share if share.dtype == tensor.data.dtype else share.astype(tensor.data.dtype)


def apply(op: Any, /, *inputs: Tensor, **scalars: Any) -> Tensor:
    """Run an op on tensors, and record it where an input requires a gradient."""
    return apply_full(op, inputs, scalars)[0]


def apply_full(op: Any, inputs: tuple[Tensor, ...], scalars: dict[str, Any]) -> tuple[Tensor, Environment]:
    """``apply``, with everything the call read and wrote beside the result."""
    env = op.run([t.data for t in inputs], scalars, launch)
    output = Tensor._wrap(env[op.output])
    if state.grad_enabled and output.data.dtype.kind == "f":
        wants = tuple([t.requires_grad for t in inputs])
        if True in wants:
            reverse = op.reverse(wants)
            if reverse.wanted:
                output._node, output.requires_grad = Node(op, inputs, output, env, reverse), True
    return output, env


def sum_of(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x + y, for gradients that meet."""
    return compute(EXPRESSIONS["add"].forward, launch, x=x, y=y)


def copy_of(x: np.ndarray) -> np.ndarray:
    """The same values in memory of their own."""
    return compute(COPY, launch, x=x)


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
        if id(tensor) not in gradients:
            continue
        gradient = gradients.pop(id(tensor))
        if tensor._hooks:
            gradient = _hooked(tensor, gradient)
        if tensor._node is not None:
            for parent, share in tensor._node.gradients(gradient):
                known = gradients.get(id(parent))
                gradients[id(parent)] = share if known is None else sum_of(known, share)
        yield tensor, gradient


def _hooked(tensor: Tensor, gradient: np.ndarray) -> np.ndarray:
    """The gradient as the tensor's hooks leave it."""
    if state.recording is not None:
        state.recording.python("a hook of a tensor")
    for hook in list((tensor._hooks or {}).values()):
        found = hook(Tensor._wrap(gradient))
        if found is not None:
            gradient = np.asarray(as_tensor(found).data, gradient.dtype)
            if gradient.shape != tensor.shape:
                raise ValueError(
                    f"register_hook: the hook gave a gradient of shape {gradient.shape}, expected {tensor.shape}"
                )
    return gradient


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of outputs (times ``grad_outputs``) with respect to inputs, without a change of any ``.grad``.

    Raises RuntimeError where an input is not used, or with ``allow_unused`` gives None for it.
    """
    no_second_derivatives("grad", create_graph)
    outputs, inputs = ((x,) if isinstance(x, Tensor) else tuple(x) for x in (outputs, inputs))
    seeds = grad_outputs if isinstance(grad_outputs, (tuple, list)) else (grad_outputs,)
    seeds = seeds if grad_outputs is not None else (None,) * len(outputs)
    wanted, found = {id(x) for x in inputs}, dict[int, np.ndarray]()
    for output, seed in zip(outputs, seeds, strict=True):
        for tensor, share in backpropagate(output, output._seed("grad", seed)):
            if id(tensor) in wanted:
                known = found.get(id(tensor))
                found[id(tensor)] = copy_of(share) if known is None else sum_of(known, share)
    unused = [i for i, x in enumerate(inputs) if id(x) not in found]
    if unused and not allow_unused:
        raise RuntimeError(
            f"grad: input {unused[0]} is not used by the outputs; allow_unused=True gives None for such inputs"
        )
    return tuple(Tensor._wrap(found[id(x)]) if id(x) in found else None for x in inputs)


def no_second_derivatives(name: str, create_graph: bool) -> None:
    """Refuse ``create_graph=True``."""
    if create_graph:
        raise NotImplementedError(
            f"{name}: create_graph=True asks for gradients of gradients, which are not recorded: the gradient rules "
            f"run outside the tape"
        )


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

    Each call works on a copy of the object, so that ``self`` may keep what backward needs.  The arrays handed
    over are read-only views: change copies.
    """

    def forward(self, *arrays: np.ndarray) -> npt.ArrayLike:
        """The result, an array, from arrays."""
        raise NotImplementedError(f"{type(self).__name__}.forward: define it, from arrays to an array")

    def backward(self, dz: np.ndarray) -> Any:
        """The gradient of each input, or a tuple of them, from that of the result, all arrays."""
        raise NotImplementedError(
            f"{type(self).__name__}.backward: define it, or use the result under no_grad"
        )

    def __call__(self, *inputs: Any) -> Tensor:
        return self._apply(tuple(f"input {i}" for i in range(len(inputs))), *map(as_tensor, inputs))

    def _apply(self, names: tuple[str, ...], *inputs: Tensor) -> Tensor:
        return apply(_FunctionCall(self, names), *inputs)

    def _name(self) -> str:
        return type(self).__name__

    @classmethod
    def apply(cls, *inputs: Any) -> Tensor:
        """``cls()(*inputs)``."""
        return cls()(*inputs)


class _FunctionCall:
    """One call of a Function, in the place of a row."""

    output = "z"

    def __init__(self, function: Function, inputs: tuple[str, ...]) -> None:
        self.name = function._name()
        self.function = copy.copy(function)
        self.inputs = inputs

    def reverse(self, wants: tuple[bool, ...]) -> Reverse:
        wanted = frozenset(name for name, want in zip(self.inputs, wants, strict=True) if want)
        return Reverse(wanted, (), (), (), ())

    def run(self, arrays: Sequence[np.ndarray], scalars: dict[str, Any], launch: Callable) -> Environment:
        if state.recording is not None:
            state.recording.python(self.name)
        given = self.function.forward(*map(_read_only, arrays))
        if isinstance(given, (tuple, list)):
            raise TypeError(f"{self.name}.forward: returned a {type(given).__name__}, expected one array")
        z = native_array(given)
        return {"z": z if z.flags.writeable else z.copy(), "like": arrays}

    def kept(self, env: Environment, reverse: Reverse) -> Environment:
        return {"like": [(a.shape, a.dtype) for a in env["like"]]}

    def backpropagate(
        self, kept: Environment, dout: np.ndarray, reverse: Reverse, launch: Callable
    ) -> dict[str, np.ndarray]:
        given = self.function.backward(_read_only(dout))
        given = given if isinstance(given, tuple) else (given,)
        if len(given) != len(self.inputs):
            raise ValueError(
                f"{self.name}.backward: returned {len(given)} gradients for {len(self.inputs)} inputs"
            )
        found = {}
        for name, (shape, dtype), gradient in zip(self.inputs, kept["like"], given, strict=True):
            if name not in reverse.wanted:
                continue
            found[name] = np.zeros(shape, dtype) if gradient is None else np.array(gradient, dtype)
            if found[name].shape != shape:
                raise ValueError(
                    f"{self.name}.backward: the gradient of {name} has shape {found[name].shape}, "
                    f"expected {shape}"
                )
        return found


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def native_array(data: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> np.ndarray:
    """data as an array in this machine's byte order; shared where it can be.  Python's floats become
    float32, where no other dtype is given."""
    try:
        array = np.asarray(data)
    except (ValueError, RuntimeError) as error:
        raise _no_array(data, error) from error
    if array.dtype.kind not in "fiub":
        what = f"dtype {array.dtype}" + (f", {data!r}" if array.ndim == 0 else "")
        raise TypeError(
            f"{called('', ': ')}a tensor holds real numbers, got {what}; expected numbers, an array or a tensor"
        )
    if dtype is not None:
        return native_array(array.astype(dtype, copy=False))
    if (
        array.dtype.kind == "f"
        and isinstance(data, (float, list, tuple))
        and not isinstance(data, np.generic)
    ):
        return array.astype(DEFAULT_DTYPE)
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        raise TypeError(f"floating tensors are float32 or float64, got {array.dtype}; convert with .astype")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _no_array(data: Any, error: Exception) -> Exception:
    """What is wrong with a list of which NumPy makes no array."""
    if not isinstance(data, (list, tuple)):
        return error
    if any(isinstance(x, Tensor) for x in data):
        return ValueError(f"{called('', ': ')}a list of tensors is no tensor; join them by stack or cat")
    return ValueError(f"{called('', ': ')}the rows of a tensor must be equally long; pad them by 0, say")


def tensor(data: npt.ArrayLike, dtype: npt.DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """A tensor that holds a copy of data.

    Python floats become float32, integers int64; an array keeps its dtype.
    Raises TypeError for what is not made of numbers, or an integer tensor that should require a gradient.
    """
    array = data.data if isinstance(data, Tensor) else native_array(data, dtype)
    return Tensor(native_array(np.array(array, dtype=dtype, order="C")), requires_grad)


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor that shares its memory with an array: a change of one is seen in the other.

    Raises TypeError for what is no array, or one of another machine's byte order.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: array must be a numpy.ndarray, got {type(array).__name__}")
    if not array.dtype.isnative:
        raise TypeError(
            f"from_numpy: array has dtype {array.dtype}, not this machine's byte order; use tensor(array)"
        )
    return Tensor(array)


def as_tensor(value: Any, like: Tensor | None = None) -> Tensor:
    """value as a tensor; a Python number takes the dtype of the tensor it meets."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (bool, int, float, np.generic)) and like is not None:
        return Tensor._wrap(np.asarray(value, _dtype_beside(like.data.dtype, value)))
    return Tensor(value)


def _dtype_beside(dtype: np.dtype, value: Any) -> np.dtype:
    """The dtype of a Python number beside a tensor: the tensor's own where that can hold such a number."""
    if dtype.kind == "f":
        return dtype
    if not isinstance(value, (int, np.integer, np.bool_)):
        return DEFAULT_DTYPE
    if isinstance(value, (bool, np.bool_)):
        return dtype
    holds = dtype.kind != "b" and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max
    return dtype if holds else np.dtype(np.int64)


from ._tensor import Tensor  # noqa: E402  (the engine and its one data type name each other)

__all__ = [
    "EXPRESSIONS",
    "OPS",
    "Function",
    "Tensor",
    "apply",
    "as_tensor",
    "from_numpy",
    "grad",
    "launch",
    "tensor",
]

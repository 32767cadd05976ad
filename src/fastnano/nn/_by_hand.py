"""Layers driven by hand, on arrays; and layers whose backward is written by hand, on the tape."""

from __future__ import annotations

import copy
import functools
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import REFUSALS
from .._state import state
from ..autograd import Function, Tensor, as_tensor, native_array
from ._module_hooks import locate, untensored

if TYPE_CHECKING:
    from .module import Module


class _Tapes(threading.local):
    """Per thread and module, the calls made on arrays that ``backward`` has not gone back through yet."""

    # Design: outside the module, so that it can be copied, pickled and used from several threads.  The newest
    # 128 are kept: a loop that only calls forward must not fill the memory.
    def __init__(self) -> None:
        self.calls: weakref.WeakKeyDictionary[Module, deque] = weakref.WeakKeyDictionary()

    def of(self, module: Module) -> deque:
        return self.calls.setdefault(module, deque(maxlen=128))


class _Running(threading.local):
    """The calls of modules with a backward of their own in this thread; whether the layers they call are recorded."""

    calls: tuple[Module, ...] = ()
    recorded = False


tapes = _Tapes()
_running = _Running()


@contextmanager
def _set(grad_enabled: bool, calls: tuple[Module, ...], recorded: bool) -> Iterator[None]:
    outer = state.grad_enabled, _running.calls, _running.recorded
    state.grad_enabled, _running.calls, _running.recorded = grad_enabled, calls, recorded
    try:
        yield
    finally:
        state.grad_enabled, _running.calls, _running.recorded = outer


# A forward on tensors


def tensors_or_arrays(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Let a forward written for tensors take arrays too: array in, array out, recorded for ``backward``."""

    def of_arrays(self: Module, *inputs: Any, **options: Any) -> Any:
        self = original(self)
        recorded = state.grad_enabled or _running.recorded
        values = (x.data if isinstance(x, Tensor) else native_array(x) for x in inputs)
        own = [Tensor(x, recorded and x.dtype.kind == "f") for x in values]
        with _set(recorded, _running.calls, recorded=False):
            output = self._run(functools.partial(forward, self), tuple(own), options)
        result = arrays(output)
        if recorded:
            tapes.of(self).append((own, output))
            result = copy.deepcopy(result)  # the caller may change what is his; backward needs its own
        return result

    @functools.wraps(forward)
    def wrapped(self: Module, *inputs: Any, **options: Any) -> Any:
        try:
            if _running.recorded:  # called by a layer with a backward of its own
                return of_arrays(self, *inputs, **options)
            if any(isinstance(x, np.ndarray) for x in inputs):
                if not any(isinstance(x, Tensor) for x in inputs):
                    return of_arrays(self, *inputs, **options)
                inputs = tuple(as_tensor(x) if isinstance(x, np.ndarray) else x for x in inputs)
            return forward(self, *inputs, **options)
        except REFUSALS as error:
            locate(error, self)
            raise
        except AttributeError as error:
            no_tensor = untensored(error, self, inputs)
            if no_tensor is None:
                raise
            locate(no_tensor, self)
            raise no_tensor from None

    return wrapped


def arrays(value: Any) -> Any:
    """Arrays in the place of tensors, in tuples too."""
    if isinstance(value, tuple):
        return tuple(map(arrays, value))
    return value.data if isinstance(value, Tensor) else value


def tensors(value: Any) -> Any:
    """Tensors in the place of arrays, in tuples too."""
    if isinstance(value, tuple):
        return tuple(map(tensors, value))
    return as_tensor(value) if isinstance(value, (np.ndarray, np.generic)) else value


def go_back(name: str, output: Any, dy: Any) -> None:
    """The reverse pass from every output that has a gradient."""
    if not isinstance(output, tuple):
        output.backward(dy)
        return
    if not isinstance(dy, tuple) or len(dy) != len(output):
        raise TypeError(f"{name}.backward: dy must be a tuple of {len(output)} gradients")
    for y, gradient in zip(output, dy, strict=True):
        if gradient is not None:
            go_back(name, y, gradient)


# A forward and a backward on arrays


def with_own_backward(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Let the forward of a class that defines ``backward`` take tensors too, as one node of the tape."""

    @functools.wraps(forward)
    def wrapped(self: Module, *inputs: Any, **options: Any) -> Any:
        if self in _running.calls:
            return forward(self, *inputs, **options)
        try:
            if any(isinstance(x, Tensor) for x in inputs) and not _running.recorded:
                return _Pair(self, options)(*inputs)
            call = functools.partial(_run, _call_of(self), "forward")
            return arrays(self._run(lambda *x, **o: tensors(call(*x, **o)), tensors(inputs), options))
        except REFUSALS as error:
            locate(error, self)
            raise

    return wrapped


def own_backward(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Let a backward of the user's be called by hand, with the module's hooks behind it."""

    @functools.wraps(backward)
    def wrapped(self: Module, *dy: Any) -> Any:
        if self in _running.calls:
            return backward(self, *dy)
        return self._after_backward(_run(_call_of(self), "backward", *dy), dy)

    return wrapped


class _Values(np.ndarray):
    """A parameter or buffer as the NumPy code of a layer sees it: an array with a ``.grad``, which is one too."""

    of: Tensor
    name: str

    @property  # type: ignore[override]
    def data(self) -> np.ndarray:
        return self.view(np.ndarray)

    @data.setter
    def data(self, values: Any) -> None:
        self[...] = values

    @property
    def grad(self) -> np.ndarray:
        if self.of.grad is None:
            self.grad = np.zeros(self.shape)
        return np.zeros_like(self.data) if self.of.grad is None else self.of.grad.data

    @grad.setter
    def grad(self, values: Any) -> None:
        gradient = None if values is None else np.array(arrays(values), self.dtype)
        if gradient is not None and gradient.shape != self.shape:
            raise ValueError(
                f"backward: {self.name}.grad is given shape {gradient.shape}, expected {self.shape}"
            )
        if self.of.requires_grad:
            self.of.grad = None if gradient is None else Tensor._wrap(gradient)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else array  # what is computed of it is no parameter


def _call_of(module: Module) -> Module:
    """A copy of a module for one call of its own forward or backward: with arrays in place of tensors."""
    call = copy.copy(module)
    vars(call)["_original"] = module
    for store in (module._parameters, module._buffers):
        for name, tensor in store.items():
            if tensor is not None:
                vars(call)[name] = values = tensor.data.view(_Values)
                values.of, values.name = tensor, name
    return call


def is_shown(module: Module, name: str) -> bool:
    """Whether the name is that of a parameter or buffer in a call, which may be assigned new values."""
    return isinstance(vars(module).get(name), _Values)


def original(module: Module) -> Module:
    """The module that a call is one of."""
    return vars(module).get("_original", module)


def _run(call: Module, method: str, *inputs: Any, **options: Any) -> Any:
    """A method of the user's, outside the tape; what it assigns to attributes, the module gets too."""
    before = dict(vars(call))
    recorded = (
        state.grad_enabled or _running.recorded
    )  # the layers that it calls, to be gone back through by hand
    with _set(False, (*_running.calls, call), recorded):
        try:
            result = getattr(type(call), method)(call, *arrays(inputs), **options)
        except AttributeError as error:
            if not isinstance(error.obj, np.ndarray):
                raise
            raise TypeError(
                f"{type(call).__name__}: {error}; a layer that defines backward works on arrays, with NumPy"
            ) from None
    changed = {k: v for k, v in vars(call).items() if k not in before or before[k] is not v}
    vars(original(call)).update(changed)
    return arrays(result)


class _Pair(Function):
    """One call of a module whose forward and backward are the user's; its parameters are inputs as well.

    # Design: what is kept for backward is kept in a copy of the module, so that it is this call's.  The parameters'
    # ``.grad`` is put aside meanwhile: what backward sets or adds there is this call's share, which the tape hands on.
    """

    def __init__(self, module: Module, options: dict[str, Any]) -> None:
        self.call, self.options = _call_of(module), options

    def _name(self) -> str:
        return type(self.call).__name__

    def __call__(self, *inputs: Any) -> Tensor:
        given = tuple(map(as_tensor, inputs))
        named = [(name, p) for name, p in self.call.named_parameters() if p.requires_grad]
        self.parameters = [p for _, p in named]
        self.wanted = [x.requires_grad for x in given]
        names = (*(f"input {i}" for i in range(len(given))), *(name for name, _ in named))
        return self._apply(names, *given, *self.parameters)

    def forward(self, *values: np.ndarray) -> Any:
        return _run(self.call, "forward", *values[: len(self.wanted)], **self.options)

    def backward(self, dz: np.ndarray) -> Any:
        kept = [p.grad for p in self.parameters]
        for p in self.parameters:
            p.grad = None
        try:
            dx = _run(self.call, "backward", dz)
            shares = [arrays(p.grad) for p in self.parameters]
        finally:
            for p, grad in zip(self.parameters, kept, strict=True):
                p.grad = grad
        return (*self._complete(dx), *shares)

    def _complete(self, dx: Any) -> tuple[Any, ...]:
        """The gradients of all inputs; those behind the last that wants one may be left out."""
        if dx is None and any(self.wanted):
            raise TypeError(f"{self._name()}.backward: returned None, expected the gradient of its input")
        given = dx if isinstance(dx, tuple) else (dx,)
        rest = self.wanted[len(given) :]
        if any(rest) or len(given) > len(self.wanted):
            raise ValueError(
                f"{self._name()}.backward: returned {len(given)} gradients for {len(self.wanted)} inputs"
            )
        return (*given, *[None] * len(rest))

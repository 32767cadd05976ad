"""The tensor: an array that remembers how it was made."""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from . import autograd
from ._contract import FLOATS
from .ops import EXPRESSIONS, OPS

Axis = int | tuple[int, ...] | None
MaxResult = namedtuple("MaxResult", ["values", "indices"])


class Tensor:
    """An array with a gradient.  Made by ``fastnano.tensor`` (copies) or ``fastnano.from_numpy`` (shares)."""

    __slots__ = ("__weakref__", "_node", "_retains_grad", "_version", "data", "grad", "requires_grad")
    __array_priority__ = 1000  # array + tensor is a tensor

    def __init__(self, data: npt.ArrayLike, requires_grad: bool = False) -> None:
        self.data = autograd.native_array(data)
        if requires_grad and self.data.dtype.kind != "f":
            raise TypeError(f"requires_grad: only float tensors have gradients, got {self.data.dtype}")
        self.requires_grad = requires_grad
        self.grad: Tensor | None = None
        self._node: autograd.Node | None = None
        self._retains_grad = False
        self._version = [0]  # shared by all tensors of one memory

    @classmethod
    def _wrap(cls, array: np.ndarray) -> Tensor:
        """A tensor of an array known to be right."""
        t = _new(Tensor)
        t.data = array
        t.requires_grad = t._retains_grad = False
        t.grad = t._node = None
        t._version = [0]
        return t

    def __reduce__(self) -> tuple:
        if self._node is not None:
            raise RuntimeError(
                "a tensor that an op made cannot be copied or pickled with its graph; use .detach()"
            )
        return _rebuild, (type(self), self.data, self.requires_grad, self.grad)

    # What it is

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def T(self) -> Tensor:
        return self.permute(*reversed(range(self.ndim)))

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user rather than by an op that is on the tape."""
        return self._node is None

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        return self.data.size

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        if not self.ndim:
            raise TypeError("a tensor of no axes cannot be iterated over")
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __repr__(self) -> str:
        body = np.array2string(self.data, separator=", ", prefix="tensor(", precision=4)
        tail = "" if self.dtype in (np.float32, np.int64, np.bool_) else f", dtype={self.dtype}"
        if self._node is not None:
            tail += f", op={self._node.op.name}"
        elif self.requires_grad:
            tail += ", requires_grad=True"
        return f"tensor({body}{tail})"

    # Out of the graph

    def numpy(self) -> np.ndarray:
        """The array itself, shared; refused while the tensor is part of a graph (use detach() first)."""
        if self.requires_grad:
            raise RuntimeError("numpy: the tensor requires a gradient; use .detach().numpy()")
        return self.data

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def item(self) -> Any:
        if self.data.size != 1:
            raise ValueError(
                f"item: the tensor has {self.data.size} values (shape {self.shape}), expected one"
            )
        return self.data.item()

    def tolist(self) -> Any:
        return self.data.tolist()

    def detach(self) -> Tensor:
        """The same values, in the same memory, out of the graph."""
        t = Tensor._wrap(self.data)
        t._version = self._version
        return t

    def clone(self) -> Tensor:
        """A copy, on the tape."""
        return autograd.apply(EXPRESSIONS["clone"], self)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError("requires_grad_: only leaf tensors can be changed; use .detach() first")
        if requires_grad and self.dtype.kind != "f":
            raise TypeError(f"requires_grad_: only float tensors have gradients, got {self.dtype}")
        self.requires_grad = requires_grad
        return self

    def retain_grad(self) -> None:
        """Keep this tensor's gradient in ``.grad`` though it is not a leaf."""
        self._retains_grad = True

    def to(self, dtype: npt.DTypeLike) -> Tensor:
        """The values in another dtype, on the tape between float dtypes."""
        dtype = np.dtype(dtype)
        if dtype == self.dtype:
            return self
        if self.requires_grad and dtype in FLOATS:
            return autograd.apply(EXPRESSIONS["cast"], self, dtype=dtype)
        return Tensor(self.data.astype(dtype))

    def float(self) -> Tensor:
        return self.to(np.float32)

    def double(self) -> Tensor:
        return self.to(np.float64)

    def long(self) -> Tensor:
        return self.to(np.int64)

    # The reverse pass

    def backward(self, gradient: Any = None) -> None:
        """Add to ``.grad`` of every leaf this tensor depends on the gradient of this tensor (times
        ``gradient``).

        ``gradient`` has the tensor's shape; it may be left out where the tensor is a single number.
        """
        if not self.requires_grad:
            raise RuntimeError("backward: the tensor does not depend on anything that requires a gradient")
        if gradient is None:
            if self.data.size != 1:
                raise RuntimeError(
                    f"backward: gradient is needed for a tensor of shape {self.shape}; "
                    f"pass one, or reduce it (.sum())"
                )
            seed = np.ones_like(self.data)
        else:
            seed = np.array(autograd.as_tensor(gradient, self).data, dtype=self.dtype)
        if seed.shape != self.shape:
            raise ValueError(f"backward: gradient has shape {seed.shape}, expected {self.shape}")
        given: set[int] = set()
        for t, g in autograd.backpropagate(self, seed):
            if t._node is None or t._retains_grad:
                t._accumulate(g, shared=id(g) in given or t._node is not None)
                given.add(id(g))

    def _accumulate(self, gradient: np.ndarray, shared: bool) -> None:
        # A gradient may be a view, or another tensor's too (z = x + y hands one array to both); .grad is
        # one's own.
        if self.grad is not None:
            gradient = autograd.sum_of(self.grad.data, gradient)
        elif shared or gradient.base is not None or not gradient.flags.writeable:
            gradient = autograd.copy_of(gradient)
        self.grad = Tensor._wrap(gradient)

    # Arithmetic

    def _binary(self, name: str, other: Any, reflected: bool = False) -> Tensor:
        if not isinstance(other, (Tensor, np.ndarray, np.generic, int, float)):
            return NotImplemented
        other = autograd.as_tensor(other, self)
        x, y = (other, self) if reflected else (self, other)
        if x.data.dtype != y.data.dtype:
            x, y = _same_float(name, x, y)
        return autograd.apply(EXPRESSIONS[name], x, y)

    def __add__(self, other: Any) -> Tensor:
        return self._binary("add", other)

    def __radd__(self, other: Any) -> Tensor:
        return self._binary("add", other, reflected=True)

    def __sub__(self, other: Any) -> Tensor:
        return self._binary("sub", other)

    def __rsub__(self, other: Any) -> Tensor:
        return self._binary("sub", other, reflected=True)

    def __mul__(self, other: Any) -> Tensor:
        return self._binary("mul", other)

    def __rmul__(self, other: Any) -> Tensor:
        return self._binary("mul", other, reflected=True)

    def __truediv__(self, other: Any) -> Tensor:
        return self._as_float()._binary("div", other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return self._as_float()._binary("div", other, reflected=True)

    def _as_float(self) -> Tensor:
        return self if self.data.dtype.kind == "f" else self.to(autograd.DEFAULT_DTYPE)

    def __pow__(self, other: Any) -> Tensor:
        return self._binary("pow", other)

    def __rpow__(self, other: Any) -> Tensor:
        return self._binary("pow", other, reflected=True)

    def __matmul__(self, other: Any) -> Tensor:
        return self._binary("matmul", other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return self._binary("matmul", other, reflected=True)

    def __neg__(self) -> Tensor:
        return autograd.apply(EXPRESSIONS["neg"], self)

    def __abs__(self) -> Tensor:
        return self.abs()

    def maximum(self, other: Any) -> Tensor:
        return self._binary("maximum", other)

    def minimum(self, other: Any) -> Tensor:
        return self._binary("minimum", other)

    # Comparisons: no gradient

    def _compare(self, function: np.ufunc, other: Any) -> Tensor:
        other = other.data if isinstance(other, Tensor) else other
        return Tensor._wrap(np.asarray(function(self.data, other)))

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return self._compare(np.equal, other)

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return self._compare(np.not_equal, other)

    def __lt__(self, other: Any) -> Tensor:
        return self._compare(np.less, other)

    def __le__(self, other: Any) -> Tensor:
        return self._compare(np.less_equal, other)

    def __gt__(self, other: Any) -> Tensor:
        return self._compare(np.greater, other)

    def __ge__(self, other: Any) -> Tensor:
        return self._compare(np.greater_equal, other)

    __hash__ = object.__hash__

    # In place: outside the tape only

    def _update(self, ufunc: Callable[..., Any], other: Any) -> Tensor:
        if self.requires_grad and autograd.state.grad_enabled:
            raise RuntimeError(
                "a tensor that requires a gradient is changed in place only under fastnano.no_grad()"
            )
        other = autograd.as_tensor(other, self)
        if other.requires_grad and autograd.state.grad_enabled:
            raise RuntimeError(
                "a change in place is not on the tape, so the new values' gradient would be lost; "
                "make a new tensor (x = x + y), or use y.detach()"
            )
        ufunc(self.data, other.data, out=self.data, casting="same_kind")
        self._version[0] += 1
        return self

    def _operand(self, name: str, other: Any) -> Tensor:
        """The right-hand side of an update, which is not to change the dtype."""
        other = autograd.as_tensor(other, self)
        if other.dtype.kind == "f" and other.dtype != self.dtype:
            raise TypeError(
                f"{name}: a {self.dtype} tensor cannot take in {other.dtype}; convert with .to(dtype)"
            )
        return other

    def __iadd__(self, other: Any) -> Tensor:
        return self._update(np.add, self._operand("iadd", other))

    def __isub__(self, other: Any) -> Tensor:
        return self._update(np.subtract, self._operand("isub", other))

    def __imul__(self, other: Any) -> Tensor:
        return self._update(np.multiply, self._operand("imul", other))

    def __itruediv__(self, other: Any) -> Tensor:
        return self._update(np.divide, self._operand("itruediv", other))

    def copy_(self, other: Any) -> Tensor:
        """Overwrite the values with those of other, broadcast to this shape."""
        return self._update(lambda _, y, out, casting: np.copyto(out, y, casting), other)

    def zero_(self) -> Tensor:
        return self.copy_(0)

    def __setitem__(self, index: Any, value: Any) -> None:
        def assign(x: np.ndarray, y: np.ndarray, out: np.ndarray, casting: str) -> None:
            x[_plain(index)] = y

        self._update(assign, value)

    # Elementwise

    def exp(self) -> Tensor:
        return autograd.apply(EXPRESSIONS["exp"], self._as_float())

    def log(self) -> Tensor:
        return autograd.apply(EXPRESSIONS["log"], self._as_float())

    def sqrt(self) -> Tensor:
        return autograd.apply(EXPRESSIONS["sqrt"], self._as_float())

    def abs(self) -> Tensor:
        return autograd.apply(EXPRESSIONS["abs"], self)

    def relu(self) -> Tensor:
        return autograd.apply(OPS["relu"], self)

    def sigmoid(self) -> Tensor:
        return autograd.apply(OPS["sigmoid"], self)

    def tanh(self) -> Tensor:
        return autograd.apply(OPS["tanh"], self)

    def clamp_min(self, min: Any) -> Tensor:
        return autograd.apply(EXPRESSIONS["clamp_min"], self, min=min)

    # Reductions

    def sum(self, dim: Axis = None, keepdim: bool = False) -> Tensor:
        if dim is None and self.data.dtype.kind == "f":
            return _over_everything("sum", self, keepdim)
        return autograd.apply(EXPRESSIONS["sum"], self, axis=dim, keepdims=keepdim)

    def mean(self, dim: Axis = None, keepdim: bool = False) -> Tensor:
        """The mean; of nothing it is refused rather than NaN."""
        if self.dtype.kind != "f":
            raise TypeError(f"mean: needs a float tensor, got {self.dtype}; convert with .float()")
        if not self.data.size:
            raise ValueError(f"mean: the tensor of shape {self.shape} is empty")
        if dim is None:
            return _over_everything("mean", self, keepdim)
        return autograd.apply(EXPRESSIONS["mean"], self, axis=dim, keepdims=keepdim)

    def max(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The largest value; with ``dim``, the pair (values, indices) along it."""
        return self._extreme("amax", dim, keepdim)

    def min(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The smallest value; with ``dim``, the pair (values, indices) along it."""
        return self._extreme("amin", dim, keepdim)

    def _extreme(self, name: str, dim: int | None, keepdim: bool) -> Any:
        if dim is None:
            return autograd.apply(EXPRESSIONS[name], self, axis=None, keepdims=False)
        indices = (np.argmax if name == "amax" else np.argmin)(self.data, axis=dim)
        grid = list(np.ogrid[tuple(map(slice, indices.shape))])
        grid.insert(dim % self.ndim, indices)
        values, picked = self[tuple(grid)], indices
        if keepdim:
            values, picked = values.unsqueeze(dim), np.expand_dims(indices, dim)
        return MaxResult(values, Tensor._wrap(picked))

    def argmax(self, dim: int | None = None) -> Tensor:
        return Tensor._wrap(np.asarray(self.data.argmax(dim)))

    # Views

    def reshape(self, *shape: Any) -> Tensor:
        to = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return self._view(autograd.apply(EXPRESSIONS["reshape"], self, to=to))

    view = reshape

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        start, end = (_axis("flatten", d, max(self.ndim, 1), self.shape) for d in (start_dim, end_dim))
        if start > end:
            raise ValueError(f"flatten: start_dim={start_dim} comes after end_dim={end_dim}")
        return self.reshape(
            (*self.shape[:start], int(np.prod(self.shape[start : end + 1])), *self.shape[end + 1 :])
        )

    def permute(self, *dims: Any) -> Tensor:
        axes = tuple(dims[0]) if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
        axes = tuple(_axis("permute", d, self.ndim, self.shape) for d in axes)
        if len(axes) != self.ndim or len(set(axes)) != self.ndim:
            raise ValueError(f"permute: dims={axes} must name each axis of shape {self.shape} once")
        return self._view(autograd.apply(EXPRESSIONS["permute"], self, axes=axes))

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        axes = list(range(self.ndim))
        dim0, dim1 = (_axis("transpose", d, self.ndim, self.shape) for d in (dim0, dim1))
        axes[dim0], axes[dim1] = axes[dim1], axes[dim0]
        return self.permute(axes)

    def unsqueeze(self, dim: int) -> Tensor:
        return self.reshape(np.expand_dims(self.data, dim).shape)

    def squeeze(self, dim: int | None = None) -> Tensor:
        if dim is not None and self.shape[_axis("squeeze", dim, self.ndim, self.shape)] != 1:
            return self
        return self.reshape(np.squeeze(self.data, dim).shape)

    def expand(self, *shape: Any) -> Tensor:
        """The values repeated along axes of size 1; −1 keeps an axis as it is."""
        to = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        if len(to) < self.ndim:
            raise ValueError(f"expand: shape={to} must have at least the {self.ndim} axes of {self.shape}")
        own = (1,) * (len(to) - self.ndim) + self.shape
        to = tuple(n if size == -1 else size for size, n in zip(to, own, strict=True))
        return self._view(autograd.apply(EXPRESSIONS["expand"], self, to=to))

    def __getitem__(self, index: Any) -> Tensor:
        return self._view(autograd.apply(EXPRESSIONS["index"], self, index=_plain(index)))

    def _view(self, view: Tensor) -> Tensor:
        if view.data.base is not None and np.may_share_memory(view.data, self.data):
            view._version = self._version
        return view


_new = Tensor.__new__


def _rebuild(kind: type[Tensor], data: np.ndarray, requires_grad: bool, grad: Tensor | None) -> Tensor:
    """A tensor from what ``__reduce__`` keeps of it."""
    t = kind(data, requires_grad)
    t.grad = grad
    return t


def _over_everything(name: str, x: Tensor, keepdim: bool) -> Tensor:
    """A reduction of all values, by the kernel: samples by what each holds."""
    shape = x.shape
    if len(shape) != 2:
        x = x.reshape((shape[0], math.prod(shape[1:])) if shape else (1, 1))
    y = autograd.apply(OPS[name], x)
    return y.reshape((1,) * len(shape)) if keepdim else y


def _axis(name: str, dim: int, ndim: int, shape: tuple[int, ...]) -> int:
    """dim counted from the front."""
    if not -ndim <= dim < ndim:
        raise IndexError(f"{name}: dim={dim} is not an axis of shape {shape}")
    return dim % ndim


def _plain(index: Any) -> Any:
    """An index with arrays in place of tensors."""
    if isinstance(index, tuple):
        return tuple(_plain(i) for i in index)
    return index.data if isinstance(index, Tensor) else index


def _same_float(name: str, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Integers follow a float operand; two float dtypes are not mixed."""
    if x.dtype.kind == y.dtype.kind == "f":
        raise TypeError(
            f"{name}: the operands are {x.dtype} and {y.dtype}; convert one with .float() or .double()"
        )
    if x.dtype.kind == "f":
        return x, y.to(x.dtype)
    return (x.to(y.dtype), y) if y.dtype.kind == "f" else (x, y)

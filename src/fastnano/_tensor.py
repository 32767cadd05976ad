"""The tensor: an array that remembers how it was made."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import autograd
from ._contract import FLOATS
from ._hooks import RemovableHandle
from ._methods import Methods
from .functions import changes, movement
from .functions._operands import DType, named_dtype, new_shape
from .ops import EXPRESSIONS


class Tensor(Methods):
    """An array with a gradient.  Made by ``fastnano.tensor`` (copies) or ``fastnano.from_numpy`` (shares)."""

    __slots__ = (
        "__weakref__",
        "_hooks",
        "_node",
        "_retains_grad",
        "_version",
        "data",
        "grad",
        "requires_grad",
    )
    __array_priority__ = 1000  # array + tensor is a tensor

    def __init__(self, data: npt.ArrayLike, requires_grad: builtins.bool = False) -> None:
        self.data = autograd.native_array(data)
        if requires_grad and self.data.dtype.kind != "f":
            raise TypeError(f"requires_grad: only float tensors have gradients, got {self.data.dtype}")
        self.requires_grad = requires_grad
        self.grad: Tensor | None = None
        self._node: autograd.Node | None = None
        self._hooks: dict[RemovableHandle, Callable[..., Any]] | None = None
        self._retains_grad = False
        self._version = [0]  # shared by all tensors of one memory

    @classmethod
    def _wrap(cls, array: np.ndarray) -> Tensor:
        """A tensor of an array known to be right."""
        t = _new(Tensor)
        t.data = array
        t.requires_grad = t._retains_grad = False
        t.grad = t._node = t._hooks = None
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
        """The sizes of the axes."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype:
        """The NumPy dtype of the values."""
        return self.data.dtype

    @property
    def ndim(self) -> builtins.int:
        """The number of axes."""
        return self.data.ndim

    @property
    def T(self) -> Tensor:
        """The axes in reverse."""
        return self.permute(*reversed(range(self.ndim)))

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged."""
        return self.transpose(-2, -1)

    @property
    def is_leaf(self) -> builtins.bool:
        """Whether it was made by the user rather than by an op that is on the tape."""
        return self._node is None

    def size(self, dim: builtins.int | None = None) -> Any:
        """The sizes of the axes, or that of axis ``dim``.

        Raises IndexError where there is no such axis.
        """
        try:
            return self.shape if dim is None else self.shape[dim]
        except IndexError:
            raise IndexError(f"size: dim={dim} is not an axis of shape {self.shape}") from None

    def numel(self) -> builtins.int:
        """The number of values."""
        return self.data.size

    def dim(self) -> builtins.int:
        """The number of axes."""
        return self.data.ndim

    ndimension, nelement = dim, numel

    def new_tensor(self, data: Any, *, dtype: DType = None, requires_grad: builtins.bool = False) -> Tensor:
        """A copy of data, in this tensor's dtype where no other is named."""
        return autograd.tensor(data, dtype or self.dtype, requires_grad)

    def new_full(
        self,
        size: Any,
        fill_value: Any,
        *,
        dtype: DType = None,
        requires_grad: builtins.bool = False,
    ) -> Tensor:
        """One value, of another shape, in this tensor's dtype where no other is named."""
        return Tensor(np.full(size, fill_value, dtype or self.dtype), requires_grad)

    def new_zeros(self, *size: Any, dtype: DType = None, requires_grad: builtins.bool = False) -> Tensor:
        """Zeros; otherwise as ``new_full``."""
        return self.new_full(new_shape("new_zeros", size), 0, dtype=dtype, requires_grad=requires_grad)

    def new_ones(self, *size: Any, dtype: DType = None, requires_grad: builtins.bool = False) -> Tensor:
        """Ones; otherwise as ``new_full``."""
        return self.new_full(new_shape("new_ones", size), 1, dtype=dtype, requires_grad=requires_grad)

    def new_empty(self, *size: Any, dtype: DType = None, requires_grad: builtins.bool = False) -> Tensor:
        """Whatever the memory holds, which is zeros here; otherwise as ``new_full``."""
        return self.new_full(new_shape("new_empty", size), 0, dtype=dtype, requires_grad=requires_grad)

    def element_size(self) -> builtins.int:
        """The bytes of one element."""
        return self.data.itemsize

    @property
    def nbytes(self) -> builtins.int:
        """The bytes that the values take."""
        return self.data.nbytes

    def is_floating_point(self) -> builtins.bool:
        """Whether the values are float32 or float64."""
        return self.data.dtype.kind == "f"

    def is_contiguous(self) -> builtins.bool:
        """Whether the elements lie side by side in memory."""
        return self.data.flags.c_contiguous

    def contiguous(self) -> Tensor:
        """The elements side by side in memory: itself, or a copy."""
        return self if self.data.flags.c_contiguous else self.clone()

    def __len__(self) -> builtins.int:
        if not self.ndim:
            raise TypeError("a tensor of no axes has no length; it is a single number, .item()")
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        if not self.ndim:
            raise TypeError("a tensor of no axes cannot be iterated over")
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> builtins.bool:
        if self.data.size != 1:
            raise ValueError(
                f"bool: the truth of a tensor of {self.data.size} values (shape {self.shape}) is ambiguous; "
                f"use .any() or .all()"
            )
        return bool(self.item())

    def __float__(self) -> builtins.float:
        return float(self.item())

    def __int__(self) -> builtins.int:
        return int(self.item())

    def __index__(self) -> builtins.int:
        if self.data.size != 1 or self.dtype.kind not in "iub":
            raise TypeError(
                f"only a whole number can be an index, not a tensor of {self.dtype} of shape {self.shape}"
            )
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and not self.ndim else object.__format__(self, spec)

    def __repr__(self) -> str:
        body = np.array2string(self.data, separator=", ", prefix="tensor(", precision=4)
        obvious = (np.float32, np.int64, np.bool_) if self.data.size else (np.float32,)
        tail = "" if self.data.size or self.ndim == 1 else f", size={self.shape}"
        tail += "" if self.dtype in obvious else f", dtype={self.dtype}"
        if self._node is not None:
            tail += f", op={self._node.op.name}"
        elif self.requires_grad:
            tail += ", requires_grad=True"
        return f"tensor({body}{tail})"

    # Out of the graph

    def numpy(self) -> np.ndarray:
        """The array itself, shared; refused where what NumPy makes of it would be missing in the graph."""
        if self.requires_grad and autograd.state.grad_enabled:
            raise RuntimeError(
                "numpy: the tensor requires a gradient; for its values use .detach().numpy(); for a gradient through "
                "NumPy code define backward beside forward in the layer, or use fastnano.Function"
            )
        return self.data

    def __array__(self, dtype: DType = None, copy: builtins.bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def item(self) -> Any:
        """The only value, as a number of Python's; ValueError where there are more."""
        if self.data.size != 1:
            raise ValueError(
                f"item: the tensor has {self.data.size} values (shape {self.shape}), expected one"
            )
        if autograd.state.recording is not None:  # a plan would keep the number for good
            autograd.state.recording.python("Tensor.item")
        return self.data.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python's numbers."""
        return self.data.tolist()

    def __dlpack__(self, **options: Any) -> Any:
        """The memory, for another library: ``torch.from_dlpack(x)``, ``numpy.from_dlpack(x)``."""
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[Any, Any]:
        return self.data.__dlpack_device__()

    def detach(self) -> Tensor:
        """The same values, in the same memory, out of the graph."""
        t = Tensor._wrap(self.data)
        t._version = self._version
        return t

    def clone(self) -> Tensor:
        """A copy, on the tape."""
        return autograd.apply(EXPRESSIONS["clone"], self)

    def requires_grad_(self, requires_grad: builtins.bool = True) -> Tensor:
        """Record what is done with this tensor from here on, or not; only leaves of a float dtype can change.

        Raises RuntimeError for the result of an op, TypeError for whole numbers.
        """
        if not self.is_leaf:
            raise RuntimeError("requires_grad_: only leaf tensors can be changed; use .detach() first")
        if requires_grad and self.dtype.kind != "f":
            raise TypeError(f"requires_grad_: only float tensors have gradients, got {self.dtype}")
        self.requires_grad = requires_grad
        return self

    def retain_grad(self) -> None:
        """Keep this tensor's gradient in ``.grad`` though it is not a leaf."""
        self._retains_grad = True

    def to(self, dtype: Any = None, *more: Any, device: Any = None, copy: builtins.bool = False) -> Tensor:
        """The values in another dtype, or in that of another tensor, on the tape between float dtypes; all of them
        live on the "cpu", which may be named too.  It is the tensor itself where nothing changes, or a ``copy``."""
        if more or device is not None or dtype is None or isinstance(dtype, (str, Tensor)):
            dtype = named_dtype("to", dtype, *more, device) or self.dtype
        dtype = np.dtype(dtype)
        if dtype == self.dtype:
            return self.clone() if copy else self
        if autograd.state.recording is not None or (dtype in FLOATS and self.requires_grad):
            return autograd.apply(EXPRESSIONS["cast"], self, dtype=dtype)
        return Tensor(self.data.astype(dtype))

    def type(self, dtype: DType) -> Tensor:
        """The values in another dtype."""
        return self.to(dtype)

    def type_as(self, other: Tensor) -> Tensor:
        """The values in the dtype of another tensor."""
        return self.to(other)

    def cpu(self) -> Tensor:
        """Itself."""
        return self

    def float(self) -> Tensor:
        """The values as float32."""
        return self.to(np.float32)

    def double(self) -> Tensor:
        """The values as float64."""
        return self.to(np.float64)

    def long(self) -> Tensor:
        """The values as int64."""
        return self.to(np.int64)

    def int(self) -> Tensor:
        """The values as int32."""
        return self.to(np.int32)

    def bool(self) -> Tensor:
        """True where a value is not 0."""
        return self.to(np.bool_)

    # The reverse pass

    def backward(
        self,
        gradient: Any = None,
        retain_graph: builtins.bool | None = None,
        create_graph: builtins.bool = False,
        inputs: Tensor | Sequence[Tensor] | None = None,
    ) -> None:
        """Add to ``.grad`` of every leaf this tensor depends on the gradient of this tensor (times
        ``gradient``).

        ``gradient`` has the tensor's shape; it may be left out where the tensor is a single number.  The graph
        stays, whatever ``retain_graph`` is, until its tensors are dropped.  With ``inputs`` only these get one.
        """
        autograd.no_second_derivatives("backward", create_graph)
        seed = self._seed("backward", gradient)
        given: set[builtins.int] = set()
        wanted = (
            None if inputs is None else {id(t) for t in ((inputs,) if isinstance(inputs, Tensor) else inputs)}
        )
        for t, g in autograd.backpropagate(self, seed):
            if (t._node is None or t._retains_grad) if wanted is None else id(t) in wanted:
                t._accumulate(g, shared=id(g) in given or t._node is not None)
                given.add(id(g))

    def _seed(self, name: str, gradient: Any) -> np.ndarray:
        """The gradient that the reverse pass starts from, checked."""
        if not self.requires_grad:
            raise RuntimeError(f"{name}: the tensor does not depend on anything that requires a gradient")
        if gradient is None:
            if self.data.size != 1:
                raise RuntimeError(
                    f"{name}: gradient is needed for a tensor of shape {self.shape}; "
                    f"pass one, or reduce it (.sum())"
                )
            return np.ones_like(self.data)
        seed = np.array(autograd.as_tensor(gradient, self).data, dtype=self.dtype)
        if seed.shape != self.shape:
            raise ValueError(f"{name}: gradient has shape {seed.shape}, expected {self.shape}")
        return seed

    def register_hook(self, hook: Callable[[Tensor], Any]) -> RemovableHandle:
        """Call ``hook(gradient)`` when this tensor's gradient is complete; what it gives back, if anything, takes
        the gradient's place.

        Raises RuntimeError where it does not require a gradient.
        """
        if not self.requires_grad:
            raise RuntimeError("register_hook: the tensor does not require a gradient")
        self._hooks = {} if self._hooks is None else self._hooks
        return RemovableHandle(self._hooks, hook)

    def _accumulate(self, gradient: np.ndarray, shared: builtins.bool) -> None:
        # A gradient may be a view, or another tensor's too (z = x + y hands one array to both); .grad is
        # one's own.
        if self.grad is not None:
            gradient = autograd.sum_of(self.grad.data, gradient)
        elif shared or gradient.base is not None or not gradient.flags.writeable:
            gradient = autograd.copy_of(gradient)
        self.grad = Tensor._wrap(gradient)

    def __getitem__(self, index: Any) -> Tensor:
        found = self
        for part in _parts(index):
            found = movement._view(found, "index", index=part)
        return found

    def __setitem__(self, index: Any, value: Any) -> None:
        *first, last = _parts(index)

        def taken(out: np.ndarray) -> np.ndarray:
            return out[first[0]] if first else out

        changes.change(
            "index",
            self,
            value,
            to=lambda out, y: taken(out).__setitem__(last, y),
            part=lambda out: taken(out)[last],
        )


_new = Tensor.__new__


def _rebuild(
    kind: type[Tensor], data: np.ndarray, requires_grad: builtins.bool, grad: Tensor | None
) -> Tensor:
    """A tensor from what ``__reduce__`` keeps of it."""
    t = kind(data, requires_grad)
    t.grad = grad
    return t


def _parts(index: Any) -> tuple[Any, ...]:
    """The index, or two to be taken one after the other: whole numbers before arrays, whose axes NumPy would else put
    in front."""
    index = _plain(index)
    if not isinstance(index, tuple) or all(isinstance(i, (*_BASIC, builtins.int)) for i in index):
        return (index,)
    first: list[Any] = []
    second: list[Any] = []
    for item in index:
        array = None if isinstance(item, _BASIC) else np.asarray(item)
        if array is None:
            first.append(item)
            second.append(item if item is Ellipsis else slice(None))
        elif not array.ndim and array.dtype.kind in "iu":
            first.append(item)
        else:
            first += [slice(None)] * (array.ndim if array.dtype == np.bool_ else 1)
            second.append(item)
    mixed = len(second) < len(index) and not all(isinstance(i, _BASIC) for i in second)
    return (tuple(first), tuple(second)) if mixed else (index,)


_BASIC = (slice, type(None), type(Ellipsis))


def _plain(index: Any) -> Any:
    """An index with arrays in place of tensors."""
    if isinstance(index, tuple):
        return tuple(_plain(i) for i in index)
    return index.data if isinstance(index, Tensor) else index

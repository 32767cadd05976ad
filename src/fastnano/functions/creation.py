"""Tensors made of nothing: filled, in a row, by chance.

``dtype`` is float32 where nothing says otherwise; chance is the library's generator, or the one given.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from .._random import Generator, default_generator
from .._state import state
from ..autograd import DEFAULT_DTYPE, Tensor, as_tensor
from ._operands import DType, common_shape, new_shape

__all__ = [
    *("arange", "bernoulli", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like"),
    *("linspace", "logspace", "meshgrid", "multinomial", "normal", "ones", "ones_like", "rand"),
    *("rand_like", "randint", "randn", "randn_like", "randperm", "zeros", "zeros_like"),
]


def zeros(*size: Any, dtype: DType = None, requires_grad: builtins.bool = False) -> Tensor:
    """A tensor of zeros."""
    return _filled(np.zeros(new_shape("zeros", size), dtype or DEFAULT_DTYPE), requires_grad)


def ones(*size: Any, dtype: DType = None, requires_grad: builtins.bool = False) -> Tensor:
    """A tensor of ones."""
    return _filled(np.ones(new_shape("ones", size), dtype or DEFAULT_DTYPE), requires_grad)


def empty(*size: Any, dtype: DType = None, requires_grad: builtins.bool = False) -> Tensor:
    """A tensor of whatever the memory holds."""
    return Tensor(np.empty(new_shape("empty", size), dtype or DEFAULT_DTYPE), requires_grad)


def full(size: Any, fill_value: Any, dtype: DType = None, requires_grad: builtins.bool = False) -> Tensor:
    """A tensor of one value, in the dtype of the value."""
    kind = as_tensor(fill_value).dtype if dtype is None else dtype
    return _filled(np.full(new_shape("full", (size,)), fill_value, kind), requires_grad)


def zeros_like(input: Any, dtype: DType = None, requires_grad: builtins.bool = False) -> Tensor:
    """Zeros of the shape and dtype of input."""
    return full_like(input, 0, dtype, requires_grad)


def ones_like(input: Any, dtype: DType = None, requires_grad: builtins.bool = False) -> Tensor:
    """Ones of the shape and dtype of input."""
    return full_like(input, 1, dtype, requires_grad)


def empty_like(input: Any, dtype: DType = None, requires_grad: builtins.bool = False) -> Tensor:
    """Whatever the memory holds, of the shape and dtype of input."""
    return empty(as_tensor(input).shape, dtype=dtype or as_tensor(input).dtype, requires_grad=requires_grad)


def full_like(
    input: Any, fill_value: Any, dtype: DType = None, requires_grad: builtins.bool = False
) -> Tensor:
    """One value, of the shape and dtype of input."""
    x = as_tensor(input)
    return _filled(np.full(x.shape, fill_value, dtype or x.dtype), requires_grad)


def _filled(array: np.ndarray, requires_grad: builtins.bool) -> Tensor:
    if state.recording is not None:
        state.recording.fill(array)
    return Tensor(array, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: DType = None, requires_grad: builtins.bool = False) -> Tensor:
    """The unit matrix of n rows and m columns."""
    n, m = _count("eye", n, "n"), n if m is None else _count("eye", m, "m")
    return Tensor(np.eye(n, m, dtype=dtype or DEFAULT_DTYPE), requires_grad)


def arange(
    start: Any = None,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: DType = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """start, start + step, ... below end; whole numbers are int64, others float32.  ``arange(end)`` starts at 0.

    Raises TypeError without an end, ValueError for a step of 0.
    """
    if end is None:
        start, end = None, start
    start = 0 if start is None else start
    if end is None:
        raise TypeError("arange: give end, the number to stop before")
    if not step:
        raise ValueError(f"arange: step={step} must not be 0")
    kind = dtype or (DEFAULT_DTYPE if any(isinstance(v, float) for v in (start, end, step)) else np.int64)
    numbers = np.arange(start, end, step, dtype=np.float64 if np.dtype(kind).kind == "f" else kind)
    return Tensor(numbers.astype(kind), requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: DType = None, requires_grad: builtins.bool = False
) -> Tensor:
    """So many numbers from start to end, at equal distances."""
    numbers = np.linspace(start, end, _count("linspace", steps))
    return Tensor(numbers.astype(dtype or DEFAULT_DTYPE), requires_grad)


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: DType = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """base to the power of ``linspace``."""
    numbers = np.logspace(start, end, _count("logspace", steps), base=base)
    return Tensor(numbers.astype(dtype or DEFAULT_DTYPE), requires_grad)


def _count(name: str, count: int, what: str = "steps") -> int:
    if not isinstance(count, (int, np.integer)) or count < 0:
        raise ValueError(f"{name}: {what}={count!r} must be a whole number, at least 0")
    return int(count)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """For each vector the array of its values over the grid of all: along axis i for the i-th ("ij"), with the
    first two axes exchanged for "xy"."""
    if indexing not in ("ij", "xy", None):
        raise ValueError(f"meshgrid: indexing={indexing!r} must be 'ij' (as None is) or 'xy'")
    vectors = [
        as_tensor(x).reshape(-1)
        for x in (tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors)
    ]
    shape = [len(x) for x in vectors]
    grid = tuple(
        x.reshape((-1,) + (1,) * (len(vectors) - i - 1)).expand(shape) for i, x in enumerate(vectors)
    )
    return grid if indexing != "xy" or len(grid) < 2 else tuple(x.transpose(0, 1) for x in grid)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor that shares its memory with that of another library: NumPy, PyTorch, JAX, CuPy ..."""
    return Tensor(np.from_dlpack(ext_tensor))


# Chance


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: DType = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """Uniform in [0, 1)."""
    return Tensor(_rng(generator).random(new_shape("rand", size), _float(dtype)), requires_grad)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: DType = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """Normal, of mean 0 and variance 1."""
    return Tensor(_rng(generator).standard_normal(new_shape("randn", size), _float(dtype)), requires_grad)


def rand_like(
    input: Any,
    *,
    generator: Generator | None = None,
    dtype: DType = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """``rand`` of the shape and dtype of input."""
    x = as_tensor(input)
    return rand(x.shape, generator=generator, dtype=dtype or x.dtype, requires_grad=requires_grad)


def randn_like(
    input: Any,
    *,
    generator: Generator | None = None,
    dtype: DType = None,
    requires_grad: builtins.bool = False,
) -> Tensor:
    """``randn`` of the shape and dtype of input."""
    x = as_tensor(input)
    return randn(x.shape, generator=generator, dtype=dtype or x.dtype, requires_grad=requires_grad)


def randint(
    low: Any = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: DType = None,
) -> Tensor:
    """Whole numbers from low to high − 1, equally likely; ``randint(high, size)`` starts at 0.

    Raises TypeError without a size, ValueError where low is not below high.
    """
    if size is None:
        low, high, size = 0, low, high
    if size is None:
        raise TypeError("randint: give a size, as in randint(10, (2, 3))")
    if not low < high:
        raise ValueError(f"randint: low={low} must be below high={high}")
    return Tensor(
        _rng(generator).integers(low, high, new_shape("randint", (size,))).astype(dtype or np.int64)
    )


def randperm(n: int, *, generator: Generator | None = None, dtype: DType = None) -> Tensor:
    """The numbers 0 to n − 1 in an order by chance."""
    return Tensor(_rng(generator).permutation(_count("randperm", n, "n")).astype(dtype or np.int64))


def normal(mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None) -> Tensor:
    """Normal, of these means and standard deviations: numbers with a size, or tensors."""
    mean, std = as_tensor(mean), as_tensor(std)
    shape = common_shape("normal", mean, std) if size is None else new_shape("normal", (size,))
    return mean + std * randn(shape, generator=generator, dtype=mean.dtype if mean.ndim else std.dtype)


def bernoulli(input: Any, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that input gives at each place, or p, else 0."""
    x = as_tensor(input)
    return Tensor((_rng(generator).random(x.shape) < (x.data if p is None else p)).astype(x.dtype))


def multinomial(
    input: Any, num_samples: int, replacement: builtins.bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Places along the last axis, drawn with the weights ``input`` of one distribution or of one in each row."""
    x, rng = as_tensor(input), _rng(generator)
    weights = np.atleast_2d(x.data).astype(np.float64)
    drawn = np.stack([rng.choice(len(w), num_samples, replacement, w / w.sum()) for w in weights])
    return Tensor(drawn.reshape((*x.shape[:-1], num_samples)).astype(np.int64))


def _rng(generator: Generator | None) -> np.random.Generator:
    return (default_generator if generator is None else generator).rng


def _float(dtype: DType) -> Any:
    return np.dtype(dtype or DEFAULT_DTYPE)

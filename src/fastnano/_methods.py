"""What a tensor can do that is a function of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .functions import changes, comparison, elementwise, indexing, movement, products, reduction

if TYPE_CHECKING:
    from ._tensor import Tensor


def _operators(function: Callable[..., Tensor]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The function between a tensor and another operand, and the other way round."""

    def operator(x: Any, y: Any) -> Any:
        return (
            function(x, y) if isinstance(y, (Methods, np.ndarray, np.generic, int, float)) else NotImplemented
        )

    def reflected(x: Any, y: Any) -> Any:
        return (
            function(y, x) if isinstance(y, (Methods, np.ndarray, np.generic, int, float)) else NotImplemented
        )

    return operator, reflected


class Methods:
    """Operators, and functions whose first argument is the tensor."""

    __slots__ = ()

    __add__, __radd__ = _operators(elementwise.add)
    __sub__, __rsub__ = _operators(elementwise.sub)
    __mul__, __rmul__ = _operators(elementwise.mul)
    __truediv__, __rtruediv__ = _operators(elementwise.div)
    __floordiv__, __rfloordiv__ = _operators(elementwise.floor_divide)
    __mod__, __rmod__ = _operators(elementwise.remainder)
    __pow__, __rpow__ = _operators(elementwise.pow)
    __matmul__, __rmatmul__ = _operators(products.matmul)
    __and__, __rand__ = _operators(comparison.bitwise_and)
    __or__, __ror__ = _operators(comparison.bitwise_or)
    __xor__, __rxor__ = _operators(comparison.bitwise_xor)
    __neg__, __abs__, __invert__ = elementwise.neg, elementwise.abs, comparison.bitwise_not
    __eq__, __ne__ = (_operators(f)[0] for f in (comparison.eq, comparison.ne))
    __lt__, __le__, __gt__, __ge__ = (
        _operators(f)[0] for f in (comparison.lt, comparison.le, comparison.gt, comparison.ge)
    )
    __iadd__, __isub__ = changes.add_, changes.sub_
    __imul__, __itruediv__ = changes.mul_, changes.div_
    __ifloordiv__, __imod__, __ipow__, __iand__, __ior__, __ixor__ = map(
        changes.in_place,
        (
            *(elementwise.floor_divide, elementwise.remainder, elementwise.pow),
            *(comparison.bitwise_and, comparison.bitwise_or, comparison.bitwise_xor),
        ),
    )
    __hash__ = object.__hash__  # the object's, though == compares values

    def __contains__(self, value: Any) -> bool:
        return bool(comparison.eq(self, value).any())

    def __pos__(self) -> Any:
        return self

    def where(self, condition: Any, other: Any) -> Tensor:
        """The tensor's elements where condition holds, else those of other."""
        return elementwise.where(condition, self, other)

    def split(self, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """Pieces of one size along an axis, the last perhaps smaller; or of these sizes."""
        return movement.split(self, split_size, dim)

    abs = elementwise.abs
    add = elementwise.add
    addcdiv = elementwise.addcdiv
    addcmul = elementwise.addcmul
    arccos = elementwise.arccos
    arcsin = elementwise.arcsin
    arctan = elementwise.arctan
    arctan2 = elementwise.arctan2
    ceil = elementwise.ceil
    clamp = elementwise.clamp
    clamp_max = elementwise.clamp_max
    clamp_min = elementwise.clamp_min
    cos = elementwise.cos
    cosh = elementwise.cosh
    div = elementwise.div
    erf = elementwise.erf
    exp = elementwise.exp
    exp2 = elementwise.exp2
    expm1 = elementwise.expm1
    floor = elementwise.floor
    floor_divide = elementwise.floor_divide
    lerp = elementwise.lerp
    log = elementwise.log
    log10 = elementwise.log10
    log1p = elementwise.log1p
    log2 = elementwise.log2
    maximum = elementwise.maximum
    minimum = elementwise.minimum
    mul = elementwise.mul
    neg = elementwise.neg
    pow = elementwise.pow
    reciprocal = elementwise.reciprocal
    relu = elementwise.relu
    remainder = elementwise.remainder
    round = elementwise.round
    rsqrt = elementwise.rsqrt
    sigmoid = elementwise.sigmoid
    sign = elementwise.sign
    sin = elementwise.sin
    sinh = elementwise.sinh
    sqrt = elementwise.sqrt
    square = elementwise.square
    sub = elementwise.sub
    tan = elementwise.tan
    tanh = elementwise.tanh
    trunc = elementwise.trunc

    allclose = comparison.allclose
    bitwise_and = comparison.bitwise_and
    bitwise_not = comparison.bitwise_not
    bitwise_or = comparison.bitwise_or
    bitwise_xor = comparison.bitwise_xor
    eq = comparison.eq
    equal = comparison.equal
    ge = comparison.ge
    gt = comparison.gt
    isclose = comparison.isclose
    isfinite = comparison.isfinite
    isinf = comparison.isinf
    isnan = comparison.isnan
    le = comparison.le
    logical_and = comparison.logical_and
    logical_not = comparison.logical_not
    logical_or = comparison.logical_or
    logical_xor = comparison.logical_xor
    lt = comparison.lt
    ne = comparison.ne

    all = reduction.all
    amax = reduction.amax
    amin = reduction.amin
    any = reduction.any
    argmax = reduction.argmax
    argmin = reduction.argmin
    count_nonzero = reduction.count_nonzero
    cumprod = reduction.cumprod
    cumsum = reduction.cumsum
    logsumexp = reduction.logsumexp
    mean = reduction.mean
    norm = reduction.norm
    prod = reduction.prod
    std = reduction.std
    sum = reduction.sum
    var = reduction.var

    broadcast_to = movement.expand
    chunk = movement.chunk
    diag = movement.diag
    diag_embed = movement.diag_embed
    diagonal = movement.diagonal
    expand = movement.expand
    expand_as = movement.expand_as
    flatten = movement.flatten
    flip = movement.flip
    movedim = movement.movedim
    narrow = movement.narrow
    permute = movement.permute
    ravel = movement.ravel
    repeat = movement.repeat
    repeat_interleave = movement.repeat_interleave
    reshape = movement.reshape
    reshape_as = movement.reshape_as
    roll = movement.roll
    select = movement.select
    squeeze = movement.squeeze
    swapaxes = movement.swapaxes
    tile = movement.tile
    trace = movement.trace
    transpose = movement.transpose
    tril = movement.tril
    triu = movement.triu
    unbind = movement.unbind
    unflatten = movement.unflatten
    unsqueeze = movement.unsqueeze
    view = movement.reshape
    view_as = movement.reshape_as

    argsort = indexing.argsort
    bincount = indexing.bincount
    gather = indexing.gather
    index_add = indexing.index_add
    index_select = indexing.index_select
    kthvalue = indexing.kthvalue
    masked_fill = indexing.masked_fill
    masked_select = indexing.masked_select
    max = indexing.max
    median = indexing.median
    min = indexing.min
    nonzero = indexing.nonzero
    scatter = indexing.scatter
    scatter_add = indexing.scatter_add
    sort = indexing.sort
    take_along_dim = indexing.take_along_dim
    topk = indexing.topk
    unique = indexing.unique

    addmm = products.addmm
    baddbmm = products.baddbmm
    bmm = products.bmm
    dot = products.dot
    inner = products.inner
    matmul = products.matmul
    mm = products.mm
    mv = products.mv
    outer = products.outer

    abs_ = changes.in_place(elementwise.abs)
    absolute_ = changes.in_place(elementwise.abs)
    acos_ = changes.in_place(elementwise.arccos)
    add_ = changes.add_
    addcdiv_ = changes.in_place(elementwise.addcdiv)
    addcmul_ = changes.in_place(elementwise.addcmul)
    addmm_ = changes.in_place(products.addmm)
    arccos_ = changes.in_place(elementwise.arccos)
    arcsin_ = changes.in_place(elementwise.arcsin)
    arctan2_ = changes.in_place(elementwise.arctan2)
    arctan_ = changes.in_place(elementwise.arctan)
    asin_ = changes.in_place(elementwise.arcsin)
    atan2_ = changes.in_place(elementwise.arctan2)
    atan_ = changes.in_place(elementwise.arctan)
    baddbmm_ = changes.in_place(products.baddbmm)
    bernoulli_ = changes.bernoulli_
    bitwise_and_ = changes.in_place(comparison.bitwise_and)
    bitwise_not_ = changes.in_place(comparison.bitwise_not)
    bitwise_or_ = changes.in_place(comparison.bitwise_or)
    bitwise_xor_ = changes.in_place(comparison.bitwise_xor)
    ceil_ = changes.in_place(elementwise.ceil)
    clamp_ = changes.in_place(elementwise.clamp)
    clamp_max_ = changes.in_place(elementwise.clamp_max)
    clamp_min_ = changes.in_place(elementwise.clamp_min)
    clip_ = changes.in_place(elementwise.clamp)
    copy_ = changes.copy_
    cos_ = changes.in_place(elementwise.cos)
    cosh_ = changes.in_place(elementwise.cosh)
    cumprod_ = changes.in_place(reduction.cumprod)
    cumsum_ = changes.in_place(reduction.cumsum)
    div_ = changes.div_
    divide_ = changes.div_
    erf_ = changes.in_place(elementwise.erf)
    erfc_ = changes.in_place(elementwise.erfc)
    exp2_ = changes.in_place(elementwise.exp2)
    exp_ = changes.in_place(elementwise.exp)
    expm1_ = changes.in_place(elementwise.expm1)
    fill_ = changes.fill_
    floor_ = changes.in_place(elementwise.floor)
    floor_divide_ = changes.in_place(elementwise.floor_divide)
    index_add_ = changes.in_place(indexing.index_add)
    lerp_ = changes.in_place(elementwise.lerp)
    log10_ = changes.in_place(elementwise.log10)
    log1p_ = changes.in_place(elementwise.log1p)
    log2_ = changes.in_place(elementwise.log2)
    log_ = changes.in_place(elementwise.log)
    logical_and_ = changes.in_place(comparison.logical_and)
    logical_not_ = changes.in_place(comparison.logical_not)
    logical_or_ = changes.in_place(comparison.logical_or)
    logical_xor_ = changes.in_place(comparison.logical_xor)
    masked_fill_ = changes.in_place(indexing.masked_fill)
    mul_ = changes.mul_
    multiply_ = changes.mul_
    nan_to_num_ = changes.in_place(elementwise.nan_to_num)
    neg_ = changes.in_place(elementwise.neg)
    negative_ = changes.in_place(elementwise.neg)
    normal_ = changes.normal_
    pow_ = changes.in_place(elementwise.pow)
    reciprocal_ = changes.in_place(elementwise.reciprocal)
    relu_ = changes.in_place(elementwise.relu)
    remainder_ = changes.in_place(elementwise.remainder)
    round_ = changes.in_place(elementwise.round)
    rsqrt_ = changes.in_place(elementwise.rsqrt)
    scatter_ = changes.in_place(indexing.scatter)
    scatter_add_ = changes.in_place(indexing.scatter_add)
    sigmoid_ = changes.in_place(elementwise.sigmoid)
    sign_ = changes.in_place(elementwise.sign)
    sin_ = changes.in_place(elementwise.sin)
    sinh_ = changes.in_place(elementwise.sinh)
    sqrt_ = changes.in_place(elementwise.sqrt)
    square_ = changes.in_place(elementwise.square)
    sub_ = changes.sub_
    subtract_ = changes.sub_
    tan_ = changes.in_place(elementwise.tan)
    tanh_ = changes.in_place(elementwise.tanh)
    tril_ = changes.in_place(movement.tril)
    triu_ = changes.in_place(movement.triu)
    true_divide_ = changes.div_
    trunc_ = changes.in_place(elementwise.trunc)
    uniform_ = changes.uniform_
    zero_ = changes.zero_

    absolute = elementwise.abs
    acos = elementwise.arccos
    asin = elementwise.arcsin
    atan = elementwise.arctan
    atan2 = elementwise.arctan2
    clip = elementwise.clamp
    divide = elementwise.div
    erfc = elementwise.erfc
    multiply = elementwise.mul
    nan_to_num = elementwise.nan_to_num
    negative = elementwise.neg
    subtract = elementwise.sub
    true_divide = elementwise.div
    greater = comparison.gt
    greater_equal = comparison.ge
    less = comparison.lt
    less_equal = comparison.le
    not_equal = comparison.ne
    fliplr = movement.fliplr
    flipud = movement.flipud
    moveaxis = movement.movedim
    swapdims = movement.transpose
    t = movement.t
    log_softmax = reduction.log_softmax
    softmax = reduction.softmax

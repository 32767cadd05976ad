"""fastnano: train small neural networks on a CPU, fast and readably, computed with NumPy, Cython and Numba alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._lazy import lazy

__version__ = "0.1.0"

# Public names and where they live; each module is imported when first asked for, numba and the rest later still.
_MODULES = ("autograd", "callbacks", "checkpoint", "data", "inspect", "metrics", "nn", "optim")
_NAMES = {
    "autograd": ("Function", "Tensor", "apply", "from_numpy", "grad", "tensor"),
    "_state": (
        *(
            "current_backend",
            "enable_grad",
            "inference_mode",
            "is_grad_enabled",
            "no_grad",
            "set_grad_enabled",
        ),
        "use_backend",
    ),
    "functions.about": (
        *("as_tensor", "clone", "detach", "e", "inf", "is_floating_point", "is_tensor", "nan", "numel", "pi"),
    ),
    "_dtypes": (
        *("bool", "double", "float", "float32", "float64", "int", "int8", "int16", "int32", "int64", "long"),
        "uint8",
    ),
    "_random": ("Generator", "manual_seed"),
    "_threads": ("get_num_threads", "set_num_threads"),
    "_graph": ("gradcheck", "graph"),
    "_own_formulas": ("elementwise",),
    "_own_kernels": ("kernel",),
    "functions.elementwise": (
        *("nan_to_num", "negative", "subtract", "true_divide"),
        *("absolute", "acos", "asin", "atan", "atan2", "clip", "divide", "erfc", "multiply"),
        *("abs", "add", "addcdiv", "addcmul", "arccos", "arcsin", "arctan", "arctan2", "ceil", "clamp"),
        *(
            "clamp_max",
            "clamp_min",
            "cos",
            "cosh",
            "div",
            "erf",
            "exp",
            "exp2",
            "expm1",
            "floor",
            "floor_divide",
        ),
        *(
            "lerp",
            "log",
            "log10",
            "log1p",
            "log2",
            "maximum",
            "minimum",
            "mul",
            "neg",
            "pow",
            "reciprocal",
            "relu",
        ),
        *(
            "remainder",
            "round",
            "rsqrt",
            "sigmoid",
            "sign",
            "sin",
            "sinh",
            "sqrt",
            "square",
            "sub",
            "tan",
            "tanh",
        ),
        *("trunc", "where"),
    ),
    "functions.comparison": (
        *("greater", "greater_equal", "less", "less_equal", "not_equal"),
        *("allclose", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "eq", "equal", "ge", "gt"),
        *("isclose", "isfinite", "isinf", "isnan", "le", "logical_and", "logical_not", "logical_or"),
        *("logical_xor", "lt", "ne"),
    ),
    "functions.reduction": (
        *("log_softmax", "softmax"),
        *(
            "all",
            "amax",
            "amin",
            "any",
            "argmax",
            "argmin",
            "count_nonzero",
            "cumprod",
            "cumsum",
            "logsumexp",
        ),
        *("mean", "norm", "prod", "std", "std_mean", "sum", "var", "var_mean"),
    ),
    "functions.movement": (
        *("concatenate", "fliplr", "flipud", "moveaxis", "swapdims", "t"),
        *("broadcast_to", "cat", "chunk", "concat", "diag", "diag_embed", "diagonal", "expand", "expand_as"),
        *("flatten", "flip", "hstack", "movedim", "narrow", "permute", "ravel", "repeat"),
        *("repeat_interleave", "reshape", "reshape_as", "roll", "select", "split", "squeeze", "stack"),
        *(
            "swapaxes",
            "tile",
            "trace",
            "transpose",
            "tril",
            "triu",
            "unbind",
            "unflatten",
            "unsqueeze",
            "view",
        ),
        *("view_as", "vstack"),
    ),
    "functions.indexing": (
        *("argsort", "bincount", "gather", "index_add", "index_select", "kthvalue", "masked_fill"),
        *("masked_select", "max", "median", "min", "nonzero", "scatter", "scatter_add", "sort"),
        *("take_along_dim", "topk", "unique"),
    ),
    "functions.products": (
        *("addmm", "baddbmm", "bmm", "dot", "einsum", "inner", "matmul", "mm", "mv", "outer", "tensordot"),
    ),
    "functions.creation": (
        *("arange", "bernoulli", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like"),
        *("linspace", "logspace", "meshgrid", "multinomial", "normal", "ones", "ones_like", "rand"),
        *("rand_like", "randint", "randn", "randn_like", "randperm", "zeros", "zeros_like"),
    ),
    "inspect.summary": ("count_parameters",),
    "plan": ("NotPlannable", "Plan", "compile"),
    "train": ("History", "Trainer"),
    "uncertainty": ("mc_dropout",),
    "rates": ("RateRange", "lr_find"),
    "checkpoint": ("load", "save"),
}
__getattr__, _names, __all__ = lazy(__name__, _MODULES, _NAMES)


def __dir__() -> list[str]:
    return [*_names(), "__version__"]


if TYPE_CHECKING:
    from . import autograd, callbacks, checkpoint, data, inspect, metrics, nn, optim
    from ._dtypes import *
    from ._graph import gradcheck, graph
    from ._own_formulas import elementwise
    from ._own_kernels import kernel
    from ._random import Generator, manual_seed
    from ._state import (
        current_backend,
        enable_grad,
        inference_mode,
        is_grad_enabled,
        no_grad,
        set_grad_enabled,
        use_backend,
    )
    from ._threads import get_num_threads, set_num_threads
    from .autograd import Function, Tensor, apply, from_numpy, grad, tensor
    from .checkpoint import load, save
    from .functions.about import *
    from .functions.comparison import *
    from .functions.creation import *
    from .functions.elementwise import *
    from .functions.indexing import *
    from .functions.movement import *
    from .functions.products import *
    from .functions.reduction import *
    from .inspect.summary import count_parameters
    from .plan import NotPlannable, Plan, compile
    from .rates import RateRange, lr_find
    from .train import History, Trainer
    from .uncertainty import mc_dropout

"""fastnano: train small neural networks on a CPU, fast and readably, on NumPy, Cython and Numba alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._lazy import lazy

__version__ = "0.1.0"

# Public names and where they live; each module is imported when first asked for, numba and the rest later still.
_MODULES = ("data", "inspect", "nn", "optim", "metrics", "callbacks")
_NAMES = {
    "autograd": ("Function", "Tensor", "apply", "as_tensor", "from_numpy", "tensor"),
    "_state": ("current_backend", "enable_grad", "no_grad", "use_backend"),
    "_random": ("Generator", "manual_seed"),
    "_threads": ("get_num_threads", "set_num_threads"),
    "_graph": ("gradcheck", "graph"),
    "functions": (
        "abs",
        "exp",
        "log",
        "matmul",
        "max",
        "maximum",
        "mean",
        "min",
        "minimum",
        "ones",
        "sqrt",
        "sum",
        "zeros",
    ),
    "plan": ("NotPlannable", "Plan", "compile"),
    "train": ("History", "Trainer"),
    "uncertainty": ("mc_dropout",),
    "checkpoint": ("load", "save"),
}
__getattr__, _names, __all__ = lazy(__name__, _MODULES, _NAMES)


def __dir__() -> list[str]:
    return [*_names(), "__version__"]


if TYPE_CHECKING:
    from . import callbacks, data, inspect, metrics, nn, optim
    from ._graph import gradcheck, graph
    from ._random import Generator, manual_seed
    from ._state import current_backend, enable_grad, no_grad, use_backend
    from ._threads import get_num_threads, set_num_threads
    from .autograd import Function, Tensor, apply, as_tensor, from_numpy, tensor
    from .checkpoint import load, save
    from .functions import abs, exp, log, matmul, max, maximum, mean, min, minimum, ones, sqrt, sum, zeros
    from .plan import NotPlannable, Plan, compile
    from .train import History, Trainer
    from .uncertainty import mc_dropout

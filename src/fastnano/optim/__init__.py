"""Optimisers, learning-rate schedules and averages of weights, under PyTorch's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy

_NAMES = {
    "adam": ("Adam", "AdamW", "Adamax", "NAdam", "RAdam"),
    "adaptive": ("Adadelta", "Adagrad", "RMSprop"),
    "lbfgs": ("LBFGS",),
    "muon": ("Muon",),
    "optimizer": ("Optimizer",),
    "sgd": ("ASGD", "SGD", "Lion", "Rprop"),
}
__getattr__, __dir__, __all__ = lazy(__name__, ("lr_scheduler", "swa_utils"), _NAMES)

if TYPE_CHECKING:
    from . import lr_scheduler, swa_utils
    from .adam import *
    from .adaptive import *
    from .lbfgs import *
    from .muon import *
    from .optimizer import *
    from .sgd import *

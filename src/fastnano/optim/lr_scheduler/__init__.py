"""Learning-rate schedules: ``step()`` after each epoch, or, for CyclicLR and OneCycleLR, after each batch.

Trainer does that by itself; where another schedule should follow the batches, set ``schedule.per_batch = True``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._lazy import lazy

_NAMES = {
    "combined": ("ChainedScheduler", "SequentialLR"),
    "cycles": ("CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR"),
    "factors": (
        *("ConstantLR", "ExponentialLR", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR"),
        *("PolynomialLR", "StepLR"),
    ),
    "plateau": ("ReduceLROnPlateau",),
    "scheduler": ("LRScheduler",),
}
__getattr__, __dir__, __all__ = lazy(__name__, (), _NAMES)

if TYPE_CHECKING:
    from .combined import *
    from .cycles import *
    from .factors import *
    from .plateau import *
    from .scheduler import *

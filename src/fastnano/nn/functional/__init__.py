"""Layers, activations and losses as functions, under PyTorch's names and arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._lazy import lazy

_NAMES = {
    "_activation": ("leaky_relu", "log_softmax", "relu", "sigmoid", "softmax", "tanh"),
    "_conv": ("conv2d",),
    "_dropout": (
        "alpha_dropout",
        "dropout",
        "dropout1d",
        "dropout2d",
        "dropout3d",
        "feature_alpha_dropout",
    ),
    "_embedding": ("embedding",),
    "_linear": ("bilinear", "linear", "maxout"),
    "_loss": ("cross_entropy", "hinge_loss", "l1_loss", "mse_loss", "multi_margin_loss", "nll_loss"),
    "_norm": (
        "batch_norm",
        "group_norm",
        "instance_norm",
        "layer_norm",
        "local_response_norm",
        "rms_norm",
    ),
    "_padding": ("pad",),
    "_recurrent": ("gru", "lstm", "rnn"),
    "_pool": ("avg_pool2d", "max_pool2d"),
}
__getattr__, __dir__, __all__ = lazy(__name__, (), _NAMES)

if TYPE_CHECKING:
    from ._activation import *
    from ._conv import *
    from ._dropout import *
    from ._embedding import *
    from ._linear import *
    from ._loss import *
    from ._norm import *
    from ._padding import *
    from ._pool import *
    from ._recurrent import *

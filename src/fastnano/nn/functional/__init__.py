"""Layers, activations and losses as functions, under PyTorch's names and arguments.

In formulas x is the argument ``input`` (x₁ and x₂: ``input1``, ``input2``), t the ``target``, y the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._lazy import lazy

_NAMES = {
    "_activation": (
        "arctan",
        "binary_step",
        "celu",
        "elu",
        "gaussian",
        "gelu",
        "glu",
        "hardshrink",
        "hardsigmoid",
        "hardswish",
        "hardtanh",
        "leaky_relu",
        "log_softmax",
        "logsigmoid",
        "mish",
        "prelu",
        "relu",
        "relu6",
        "rrelu",
        "selu",
        "sigmoid",
        "silu",
        "softmax",
        "softmin",
        "softplus",
        "softshrink",
        "softsign",
        "tanh",
        "tanhshrink",
        "threshold",
    ),
    "_adaptive_pool": (
        "adaptive_avg_pool1d",
        "adaptive_avg_pool2d",
        "adaptive_avg_pool3d",
        "adaptive_max_pool1d",
        "adaptive_max_pool2d",
        "adaptive_max_pool3d",
    ),
    "_attention": ("scaled_dot_product_attention",),
    "_class_loss": (
        "cauchy_schwarz_loss",
        "chebyshev_loss",
        "dice_loss",
        "expectation_loss",
        "regularized_expectation_loss",
        "squared_log_loss",
        "tanimoto_loss",
        "tversky_loss",
    ),
    "_classes": ("one_hot",),
    "_conv": ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d"),
    "_distance": ("cosine_similarity", "pairwise_distance"),
    "_dropout": ("alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"),
    "_embedding": ("embedding", "embedding_bag"),
    "_fold": ("fold", "unfold"),
    "_linear": ("bilinear", "linear", "maxout"),
    "_loss": ("huber_loss", "l1_loss", "log_cosh_loss", "mse_loss", "smooth_l1_loss", "sse_loss"),
    "_margin_loss": (
        "cosine_embedding_loss",
        "hinge_embedding_loss",
        "hinge_loss",
        "margin_ranking_loss",
        "multi_margin_loss",
        "multilabel_margin_loss",
        "multilabel_soft_margin_loss",
        "soft_margin_loss",
        "triplet_margin_loss",
        "triplet_margin_with_distance_loss",
    ),
    "_norm": (
        "batch_norm",
        "group_norm",
        "instance_norm",
        "layer_norm",
        "local_response_norm",
        "normalize",
        "rms_norm",
    ),
    "_padding": ("pad",),
    "_pool": (
        "avg_pool1d",
        "avg_pool2d",
        "avg_pool3d",
        "lp_pool1d",
        "lp_pool2d",
        "max_pool1d",
        "max_pool2d",
        "max_pool3d",
        "max_unpool1d",
        "max_unpool2d",
    ),
    "_probability_loss": (
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "cross_entropy",
        "gaussian_nll_loss",
        "kl_div",
        "nll_loss",
        "poisson_nll_loss",
    ),
    "_recurrent": ("gru", "lstm", "rnn"),
    "_upsample": ("channel_shuffle", "interpolate", "pixel_shuffle", "pixel_unshuffle"),
}
__getattr__, __dir__, __all__ = lazy(__name__, (), _NAMES)

if TYPE_CHECKING:
    from ._activation import *
    from ._adaptive_pool import *
    from ._attention import *
    from ._class_loss import *
    from ._classes import *
    from ._conv import *
    from ._distance import *
    from ._dropout import *
    from ._embedding import *
    from ._fold import *
    from ._linear import *
    from ._loss import *
    from ._margin_loss import *
    from ._norm import *
    from ._padding import *
    from ._pool import *
    from ._probability_loss import *
    from ._recurrent import *
    from ._upsample import *

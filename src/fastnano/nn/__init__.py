"""Layers, losses and containers, under PyTorch's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy

_NAMES = {
    "activation": (
        "CELU",
        "ELU",
        "GELU",
        "GLU",
        "SELU",
        "ArcTan",
        "BinaryStep",
        "Gaussian",
        "Hardshrink",
        "Hardsigmoid",
        "Hardswish",
        "Hardtanh",
        "LeakyReLU",
        "LogSigmoid",
        "Mish",
        "PReLU",
        "RReLU",
        "ReLU",
        "ReLU6",
        "SiLU",
        "Sigmoid",
        "Softplus",
        "Softshrink",
        "Softsign",
        "Tanh",
        "Tanhshrink",
        "Threshold",
    ),
    "attention": (
        "MultiheadAttention",
        "TransformerEncoder",
        "TransformerEncoderLayer",
    ),
    "class_loss": (
        "CauchySchwarzLoss",
        "ChebyshevLoss",
        "DiceLoss",
        "ExpectationLoss",
        "RegularizedExpectationLoss",
        "SquaredLogLoss",
        "TanimotoLoss",
        "TverskyLoss",
    ),
    "clip": (
        "clip_grad_norm_",
        "clip_grad_value_",
    ),
    "containers": (
        "Concat",
        "Graph",
        "Lambda",
        "ModuleDict",
        "ModuleList",
        "Residual",
        "Sequential",
    ),
    "conv": (
        "Conv1d",
        "Conv2d",
        "Conv3d",
        "ConvTranspose1d",
        "ConvTranspose2d",
    ),
    "distance": (
        "CosineSimilarity",
        "PairwiseDistance",
    ),
    "dropout": (
        "AlphaDropout",
        "Dropout",
        "Dropout1d",
        "Dropout2d",
        "Dropout3d",
        "FeatureAlphaDropout",
    ),
    "embedding": (
        "Embedding",
        "EmbeddingBag",
    ),
    "graph": (
        "EdgeConv",
        "GCNConv",
        "MessagePassing",
    ),
    "linear": (
        "Bilinear",
        "Dense",
        "Flatten",
        "Identity",
        "Linear",
        "Maxout",
        "Unflatten",
    ),
    "loss": (
        "HuberLoss",
        "L1Loss",
        "LogCoshLoss",
        "MSELoss",
        "SSELoss",
        "SmoothL1Loss",
    ),
    "margin_loss": (
        "CosineEmbeddingLoss",
        "CubedHingeLoss",
        "HingeEmbeddingLoss",
        "HingeLoss",
        "MarginRankingLoss",
        "MultiLabelMarginLoss",
        "MultiLabelSoftMarginLoss",
        "MultiMarginLoss",
        "SoftMarginLoss",
        "SquaredHingeLoss",
        "TripletMarginLoss",
        "TripletMarginWithDistanceLoss",
    ),
    "module": (
        "Module",
        "Parameter",
    ),
    "norm": (
        "BatchNorm1d",
        "BatchNorm2d",
        "BatchNorm3d",
        "GroupNorm",
        "InstanceNorm1d",
        "InstanceNorm2d",
        "InstanceNorm3d",
        "LayerNorm",
        "LocalResponseNorm",
        "RMSNorm",
    ),
    "padding": (
        "CircularPad1d",
        "CircularPad2d",
        "ConstantPad1d",
        "ConstantPad2d",
        "ReflectionPad1d",
        "ReflectionPad2d",
        "ReplicationPad1d",
        "ReplicationPad2d",
        "ZeroPad1d",
        "ZeroPad2d",
    ),
    "parameters": (
        "ParameterDict",
        "ParameterList",
    ),
    "penalty": (
        "L1L2Penalty",
        "L1Penalty",
        "L2Penalty",
        "MaxNorm",
        "MinMaxNorm",
        "NonNeg",
        "PenalizedLoss",
        "UnitNorm",
    ),
    "pool": (
        "AdaptiveAvgPool1d",
        "AdaptiveAvgPool2d",
        "AdaptiveAvgPool3d",
        "AdaptiveMaxPool1d",
        "AdaptiveMaxPool2d",
        "AdaptiveMaxPool3d",
        "AvgPool1d",
        "AvgPool2d",
        "AvgPool3d",
        "LPPool1d",
        "LPPool2d",
        "MaxPool1d",
        "MaxPool2d",
        "MaxPool3d",
        "MaxUnpool1d",
        "MaxUnpool2d",
        "MixedPool2d",
    ),
    "probability_loss": (
        "BCELoss",
        "BCEWithLogitsLoss",
        "CrossEntropyLoss",
        "GaussianNLLLoss",
        "KLDivLoss",
        "LogLoss",
        "NLLLoss",
        "PoissonNLLLoss",
    ),
    "recurrent": (
        "GRU",
        "GRUCell",
        "LSTM",
        "LSTMCell",
        "RNN",
        "RNNCell",
    ),
    "softmax": ("LogSoftmax", "Softmax", "Softmax2d", "Softmin"),
    "upsample": (
        "ChannelShuffle",
        "Fold",
        "PixelShuffle",
        "PixelUnshuffle",
        "Unfold",
        "Upsample",
        "UpsamplingBilinear2d",
        "UpsamplingNearest2d",
    ),
}
__getattr__, __dir__, __all__ = lazy(__name__, ("functional", "graph", "init", "utils"), _NAMES)

if TYPE_CHECKING:
    from . import functional, graph, init, utils
    from .activation import *
    from .attention import *
    from .class_loss import *
    from .clip import *
    from .containers import *
    from .conv import *
    from .distance import *
    from .dropout import *
    from .embedding import *
    from .graph import *
    from .linear import *
    from .loss import *
    from .margin_loss import *
    from .module import *
    from .norm import *
    from .padding import *
    from .parameters import *
    from .penalty import *
    from .pool import *
    from .probability_loss import *
    from .recurrent import *
    from .softmax import *
    from .upsample import *

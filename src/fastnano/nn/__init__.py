"""Layers, losses and containers, under PyTorch's names."""

from . import functional
from .activation import LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from .clip import clip_grad_norm_, clip_grad_value_
from .containers import Graph, Sequential
from .conv import Conv2d
from .dropout import Dropout
from .linear import Dense, Flatten, Identity, Linear
from .loss import CrossEntropyLoss, HingeLoss, L1Loss, MSELoss, MultiMarginLoss, NLLLoss
from .module import Module, Parameter
from .norm import BatchNorm1d, BatchNorm2d
from .pool import AvgPool2d, MaxPool2d

__all__ = [
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dense",
    "Dropout",
    "Flatten",
    "Graph",
    "HingeLoss",
    "Identity",
    "L1Loss",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "MultiMarginLoss",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "clip_grad_norm_",
    "clip_grad_value_",
    "functional",
]

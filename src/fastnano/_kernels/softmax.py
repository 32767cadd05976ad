"""Softmax over the axis c of [n, c, s]."""

import numpy as np

__all__ = ["log_softmax_dx", "log_softmax_forward", "softmax_dx", "softmax_forward"]


def softmax_forward(x, y):
    """y_c = e^(x_c − m) / Σ_k e^(x_k − m), m = max_k x_k."""
    np.exp(x - x.max(axis=1, keepdims=True), out=y)
    y /= y.sum(axis=1, keepdims=True)


def softmax_dx(dy, y, dx):
    np.multiply(y, dy - (dy * y).sum(axis=1, keepdims=True), out=dx)


def log_softmax_forward(x, y):
    """y_c = x_c − m − log Σ_k e^(x_k − m), m = max_k x_k."""
    np.subtract(x, x.max(axis=1, keepdims=True), out=y)
    y -= np.log(np.exp(y).sum(axis=1, keepdims=True))


def log_softmax_dx(dy, y, dx):
    np.subtract(dy, np.exp(y) * dy.sum(axis=1, keepdims=True), out=dx)

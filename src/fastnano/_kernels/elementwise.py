"""Elementwise kernels as formulas, from which every back end gets its kernel (see ``_formula``)."""

from ._words import *


def relu_forward(x):
    """y = max(x, 0); NaN stays NaN."""
    return where(x < 0, 0, x)


def relu_dx(dy, y):
    return where(y <= 0, 0, dy)


def leaky_relu_forward(x, *, negative_slope):
    """y = x where x > 0, else negative_slope · x."""
    return where(x > 0, x, negative_slope * x)


def leaky_relu_dx(dy, x, *, negative_slope):
    return where(x > 0, dy, negative_slope * dy)


def sigmoid_forward(x):
    """y = 1 / (1 + e^−x)."""
    return sigmoid(x)


def sigmoid_dx(dy, y):
    return dy * (y * (1 - y))


def tanh_forward(x):
    """y = tanh(x)."""
    return tanh(x)


def tanh_dx(dy, y):
    return dy * (1 - y * y)

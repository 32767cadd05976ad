"""Elementwise kernels as formulas, from which every back end gets its kernel (see ``_formula``)."""

import math

from ._words import *

_ALPHA = 1.6732632423543772  # of SELU: with _SCALE they make mean 0 and variance 1 a fixed point
_SCALE = 1.0507009873554805
_CUBIC = 0.044715  # of GELU's tanh, fitted to erf


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


def elu_forward(x, *, alpha):
    """y = x where x > 0, else alpha (e^x − 1)."""
    return where(x > 0, x, alpha * expm1(x))


def elu_dx(dy, x, *, alpha):
    return where(x <= 0, dy * (alpha * exp(x)), dy)


def selu_forward(x):
    """y = scale · ELU(x) with two constants."""
    return _SCALE * where(x > 0, x, _ALPHA * expm1(x))


def selu_dx(dy, x):
    return _SCALE * where(x <= 0, dy * (_ALPHA * exp(x)), dy)


def celu_forward(x, *, alpha):
    """y = x where x > 0, else alpha (e^(x / alpha) − 1)."""
    return where(x > 0, x, alpha * expm1(x / alpha))


def celu_dx(dy, x, *, alpha):
    return where(x <= 0, dy * exp(x / alpha), dy)


def gelu_forward(x):
    """y = x Φ(x), Φ the distribution function of the standard normal."""
    return x * (0.5 + 0.5 * erf(x * math.sqrt(0.5)))


def gelu_dx(dy, x):
    density = exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    return dy * (0.5 + 0.5 * erf(x * math.sqrt(0.5)) + x * density)


def gelu_tanh_forward(x):
    """y = x (1 + tanh(√(2 / π) (x + 0.044715 x³))) / 2."""
    return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + _CUBIC * x * x * x)))


def gelu_tanh_dx(dy, x):
    t = tanh(math.sqrt(2 / math.pi) * (x + _CUBIC * x * x * x))
    slope = math.sqrt(2 / math.pi) * (1 + 3 * _CUBIC * x * x)
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope)


def silu_forward(x):
    """y = x σ(x)."""
    return x * sigmoid(x)


def silu_dx(dy, x):
    s = sigmoid(x)
    return dy * (s * (1 + x * (1 - s)))


def mish_forward(x):
    """y = x tanh(log(1 + e^x)) = x n / (n + 2), n = e^x (e^x + 2)."""
    e = exp(minimum(x, 20))  # from 20 on the fraction is 1
    n = e * (e + 2)
    return x * (n / (n + 2))


def mish_dx(dy, x):
    e = exp(minimum(x, 20))
    n = e * (e + 2)
    t = n / (n + 2)
    return dy * (t + x * (e / (e + 1)) * (1 - t * t))


def softplus_forward(x, *, beta, threshold):
    """y = log(1 + e^(beta x)) / beta; x where beta x > threshold."""
    return where(beta * x > threshold, x, log1p(exp(beta * x)) / beta)


def softplus_dx(dy, x, *, beta, threshold):
    return where(beta * x > threshold, dy, dy * sigmoid(beta * x))


def softsign_forward(x):
    """y = x / (1 + |x|)."""
    return x / (1 + abs(x))


def softsign_dx(dy, x):
    a = 1 + abs(x)
    return dy / (a * a)


def logsigmoid_forward(x):
    """y = log σ(x) = min(x, 0) − log(1 + e^−|x|)."""
    return minimum(x, 0) - log1p(exp(-abs(x)))


def logsigmoid_dx(dy, x):
    return dy * sigmoid(-x)


def hardtanh_forward(x, *, min_val, max_val):
    """y = x, but min_val below it and max_val above it."""
    return minimum(maximum(x, min_val), max_val)


def hardtanh_dx(dy, x, *, min_val, max_val):
    return where((x <= min_val) | (x >= max_val), 0, dy)


def hardsigmoid_forward(x):
    """y = min(max(x + 3, 0), 6) / 6."""
    return minimum(maximum(x + 3, 0), 6) / 6


def hardsigmoid_dx(dy, x):
    return where((x > -3) & (x < 3), dy / 6, 0)


def hardswish_forward(x):
    """y = x min(max(x + 3, 0), 6) / 6."""
    return x * minimum(maximum(x + 3, 0), 6) / 6


def hardswish_dx(dy, x):
    return where(x <= -3, 0, where(x < 3, dy * (x / 3 + 0.5), dy))


def hardshrink_forward(x, *, lambd):
    """y = x where |x| > lambd, else 0."""
    return where(abs(x) <= lambd, 0, x)


def hardshrink_dx(dy, x, *, lambd):
    return where(abs(x) <= lambd, 0, dy)


def softshrink_forward(x, *, lambd):
    """y = x − lambd where x > lambd, x + lambd where x < −lambd, else 0."""
    return where(x > lambd, x - lambd, where(x < -lambd, x + lambd, 0 * x))


def softshrink_dx(dy, x, *, lambd):
    return where(abs(x) <= lambd, 0, dy)


def threshold_forward(x, *, threshold, value):
    """y = x where x > threshold, else value."""
    return where(x <= threshold, value, x)


def threshold_dx(dy, x, *, threshold, value):
    return where(x <= threshold, 0, dy)


def gaussian_forward(x):
    """y = e^(−x²)."""
    return exp(-x * x)


def gaussian_dx(dy, x, y):
    return dy * (-2 * x * y)


def binary_step_forward(x, *, window):
    """y = 1 where x ≥ 0, else 0."""
    return where(x < 0, 0, where(x >= 0, 1, x))


def binary_step_dx(dy, x, *, window):
    """Not the derivative, which is zero: dy as it is near the step."""
    return where(abs(x) <= window, dy, 0)


def binary_step_sigmoid_forward(x, *, slope):
    """y = 1 where x ≥ 0, else 0."""
    return where(x < 0, 0, where(x >= 0, 1, x))


def binary_step_sigmoid_dx(dy, x, *, slope):
    """Not the derivative, which is zero: that of σ(slope · x)."""
    s = sigmoid(slope * x)
    return dy * (slope * s * (1 - s))

"""Steps of the optimisers and of clipping, in place.  Hyper-parameters are float64 arrays of one element, so
that a schedule can change them between steps; ``step`` counts from 1.
"""

import numpy as np

__all__ = [
    "adam",
    "adamw",
    "advance",
    "clip_factor",
    "limit_gradient",
    "scale_gradient",
    "sgd",
    "sgd_momentum",
    "square_sum",
    "zero",
]


def zero(total):
    """total = 0."""
    total[0] = 0


def square_sum(grad, total):
    """total += Σ grad², in float64."""
    total[0] += np.einsum("i,i->", grad, grad, dtype=np.float64)  # which converts a small buffer at a time


def clip_factor(total, max_norm, factor):
    """factor = min(1, max_norm / (√total + 1e-6))  (R. Pascanu, T. Mikolov, Y. Bengio, ICML 2013)."""
    ratio = max_norm[0] / (np.sqrt(total[0]) + 1e-6)
    factor[0] = ratio if ratio < 1 else 1


def scale_gradient(factor, grad):
    """grad *= factor."""
    grad *= grad.dtype.type(factor[0])


def limit_gradient(limit, grad):
    """grad = min(limit, max(−limit, grad)); NaN stays NaN."""
    np.clip(grad, -limit[0], limit[0], out=grad, casting="same_kind")


def advance(step):
    """step += 1."""
    step[0] += 1


def sgd(grad, lr, weight_decay, param):
    """param −= lr · (grad + weight_decay · param)."""
    param -= (lr[0] * (grad + weight_decay[0] * param)).astype(param.dtype)


def sgd_momentum(grad, lr, momentum, dampening, nesterov, weight_decay, step, param, velocity):
    """g = grad + weight_decay · param;  v = momentum · v + (1 − dampening) · g, but v = g in the first step;
    param −= lr · (g + momentum · v if nesterov else v)  (I. Sutskever et al., ICML 2013).
    """
    g = grad + (weight_decay[0] * param).astype(param.dtype)
    fresh = 1 - dampening[0] if step[0] > 1 else 1.0  # velocity starts as zeros
    velocity[...] = momentum[0] * velocity + fresh * g
    update = g + momentum[0] * velocity if nesterov[0] else velocity
    param -= (lr[0] * update).astype(param.dtype)


def adam(grad, lr, betas, eps, weight_decay, step, param, mean, square):
    """m = β₁ m + (1 − β₁) g;  s = β₂ s + (1 − β₂) g²;  param −= lr · m̂ / (√ŝ + eps), with g = grad +
    weight_decay · param, m̂ = m / (1 − β₁ᵗ), ŝ = s / (1 − β₂ᵗ)  (D. Kingma, J. Ba, arXiv:1412.6980).
    """
    _adam(grad + (weight_decay[0] * param).astype(param.dtype), lr, betas, eps, step, param, mean, square)


def adamw(grad, lr, betas, eps, weight_decay, step, param, mean, square):
    """Adam on grad alone, after param *= 1 − lr · weight_decay.

    I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", arXiv:1711.05101.
    """
    param *= param.dtype.type(1 - lr[0] * weight_decay[0])
    _adam(grad, lr, betas, eps, step, param, mean, square)


def _adam(g, lr, betas, eps, step, param, mean, square):
    mean[...] = betas[0] * mean + (1 - betas[0]) * g
    square[...] = betas[1] * square + (1 - betas[1]) * g * g
    denominator = np.sqrt(square) / np.sqrt(1 - betas[1] ** step[0]) + eps[0]
    param -= (lr[0] / (1 - betas[0] ** step[0]) * mean / denominator).astype(param.dtype)

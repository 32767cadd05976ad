"""Each row of [n, s] normalised by itself.

Layer normalisation (J. Ba, J. Kiros, G. Hinton, "Layer Normalization", arXiv:1607.06450):
x̂ = (x − mean) · rstd, rstd = 1 / √(var + eps);  y = weight · x̂ + bias.
Root mean square normalisation (B. Zhang, R. Sennrich, arXiv:1910.07467) leaves mean and bias out.
"""

import numpy as np

__all__ = [
    "layer_norm_dweight",
    "layer_norm_dx",
    "layer_norm_forward",
    "rms_norm_dweight",
    "rms_norm_dx",
    "rms_norm_forward",
]


def _rstd(centred, eps):
    return 1 / np.sqrt(np.square(centred).mean(axis=1) + centred.dtype.type(eps))


def layer_norm_forward(x, weight, bias, y, mean, rstd, eps):
    """y = weight · x̂ + bias, x̂ = (x − mean) · rstd, rstd = 1 / √(mean((x − mean)²) + eps)."""
    mean[:] = x.mean(axis=1)
    rstd[:] = _rstd(x - mean[:, None], eps)
    y[...] = (x - mean[:, None]) * rstd[:, None] * weight + bias


def layer_norm_dweight(dy, x, mean, rstd, dweight, dbias, eps):
    """dweight = Σ_n dy · x̂; dbias = Σ_n dy."""
    dweight[:] = (dy * (x - mean[:, None]) * rstd[:, None]).sum(axis=0)
    dbias[:] = dy.sum(axis=0)


def layer_norm_dx(dy, x, weight, mean, rstd, dx, eps):
    """dx = rstd · (g − mean(g) − x̂ · mean(g · x̂)), g = weight · dy: mean and rstd move with x."""
    normalised, g = (x - mean[:, None]) * rstd[:, None], dy * weight
    g = g - g.mean(axis=1, keepdims=True) - normalised * (g * normalised).mean(axis=1, keepdims=True)
    np.multiply(g, rstd[:, None], out=dx)


def rms_norm_forward(x, weight, y, rstd, eps):
    """y = weight · x̂, x̂ = x · rstd, rstd = 1 / √(mean(x²) + eps)."""
    rstd[:] = _rstd(x, eps)
    y[...] = x * rstd[:, None] * weight


def rms_norm_dweight(dy, x, rstd, dweight, eps):
    """dweight = Σ_n dy · x̂."""
    dweight[:] = (dy * x * rstd[:, None]).sum(axis=0)


def rms_norm_dx(dy, x, weight, rstd, dx, eps):
    """dx = rstd · (g − x̂ · mean(g · x̂)), g = weight · dy."""
    normalised, g = x * rstd[:, None], dy * weight
    g = g - normalised * (g * normalised).mean(axis=1, keepdims=True)
    np.multiply(g, rstd[:, None], out=dx)

"""Batch normalisation (S. Ioffe, C. Szegedy, "Batch Normalization", arXiv:1502.03167).

x̂ = (x − mean) / √(var + eps);  y = weight · x̂ + bias, per channel c of [n, c, s].
"""

import numpy as np

__all__ = [
    "batch_norm_dweight",
    "batch_norm_dx",
    "batch_norm_forward",
    "batch_norm_inference_dweight",
    "batch_norm_inference_dx",
    "batch_norm_inference_forward",
    "batch_statistics_forward",
    "running_statistics",
]


def _channels(values):
    return values[None, :, None]


def _normalised(x, mean, var, eps):
    return (x - _channels(mean)) / np.sqrt(_channels(var) + x.dtype.type(eps))


def batch_statistics_forward(x, mean, var, count):
    """Mean and biased variance of each channel over batch and places, and how many values these are."""
    count[0] = x.shape[0] * x.shape[2]
    mean[:] = x.mean(axis=(0, 2))
    var[:] = np.square(x - _channels(mean)).mean(axis=(0, 2))  # E[x²] − E[x]² would cancel


def batch_norm_forward(x, weight, bias, mean, var, y, eps):
    """y = weight · x̂ + bias, x̂ = (x − mean) / √(var + eps)."""
    np.multiply(_normalised(x, mean, var, eps), _channels(weight), out=y)
    y += _channels(bias)


def batch_norm_dweight(dy, x, mean, var, dweight, dbias, eps):
    """dweight = Σ_{n,s} dy · x̂; dbias = Σ_{n,s} dy."""
    dweight[:] = (dy * _normalised(x, mean, var, eps)).sum(axis=(0, 2))
    dbias[:] = dy.sum(axis=(0, 2))


def batch_norm_dx(dy, x, weight, mean, var, dweight, dbias, dx, eps):
    """dx = weight / √(var + eps) · (dy − dbias/m − x̂ · dweight/m), m = n·s: mean and var move with x."""
    m = x.shape[0] * x.shape[2]
    centred = dy - _channels(dbias) / m - _normalised(x, mean, var, eps) * (_channels(dweight) / m)
    np.multiply(centred, _channels(weight / np.sqrt(var + var.dtype.type(eps))), out=dx)


batch_norm_inference_forward = batch_norm_forward  # the same formula; only the gradient differs
batch_norm_inference_dweight = batch_norm_dweight


def batch_norm_inference_dx(dy, weight, var, dx, eps):
    """dx = weight / √(var + eps) · dy: mean and var are constants."""
    np.multiply(dy, _channels(weight / np.sqrt(var + var.dtype.type(eps))), out=dx)


def running_statistics(mean, var, count, momentum, running_mean, running_var, tracked):
    """tracked += 1;  running += momentum · (batch − running), the variance unbiased, var · count / (count − 1).

    A momentum of NaN stands for 1 / tracked, which makes running the average of all batches.
    """
    tracked += 1
    share = 1 / tracked if np.isnan(momentum[0]) else momentum[0]
    values = float(count[0])
    unbiased = var * (values / max(values - 1, 1))
    running_mean += (share * (mean - running_mean)).astype(mean.dtype)
    running_var += (share * (unbiased - running_var)).astype(var.dtype)

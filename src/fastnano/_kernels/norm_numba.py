import numpy as np

from ._numba import kernel, prange
from .norm import running_statistics  # one number per channel: nothing to win

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


@kernel()
def batch_statistics_forward(x, mean, var, count):
    N, C, S = x.shape
    values = x.dtype.type(N * S)
    count[0] = values
    for c in prange(C):
        total = x.dtype.type(0)
        for n in range(N):
            part = x.dtype.type(0)  # sums of sums, for float32's digits
            for s in range(S):
                part += x[n, c, s]
            total += part
        centre = total / values
        squares = x.dtype.type(0)
        for n in range(N):
            part = x.dtype.type(0)
            for s in range(S):
                away = x[n, c, s] - centre
                part += away * away
            squares += part
        mean[c], var[c] = centre, squares / values


@kernel()
def batch_norm_forward(x, weight, bias, mean, var, y, eps):
    N, C, S = x.shape
    for n in prange(N):
        for c in range(C):
            scale = weight[c] / np.sqrt(var[c] + x.dtype.type(eps))
            centre, shift = mean[c], bias[c]
            for s in range(S):
                y[n, c, s] = (x[n, c, s] - centre) * scale + shift


@kernel()
def batch_norm_dweight(dy, x, mean, var, dweight, dbias, eps):
    N, C, S = x.shape
    for c in prange(C):
        product, total = x.dtype.type(0), x.dtype.type(0)
        centre = mean[c]
        for n in range(N):
            product_part, part = x.dtype.type(0), x.dtype.type(0)
            for s in range(S):
                product_part += dy[n, c, s] * (x[n, c, s] - centre)
                part += dy[n, c, s]
            product += product_part
            total += part
        dweight[c] = product / np.sqrt(var[c] + x.dtype.type(eps))
        dbias[c] = total


@kernel()
def batch_norm_dx(dy, x, weight, mean, var, dweight, dbias, dx, eps):
    N, C, S = x.shape
    m = x.dtype.type(N * S)
    for n in prange(N):
        for c in range(C):
            rstd = x.dtype.type(1) / np.sqrt(var[c] + x.dtype.type(eps))
            scale, centre = weight[c] * rstd, mean[c]
            slope, shift = dweight[c] / m * rstd, dbias[c] / m
            for s in range(S):
                dx[n, c, s] = scale * (dy[n, c, s] - shift - (x[n, c, s] - centre) * slope)


batch_norm_inference_forward = batch_norm_forward
batch_norm_inference_dweight = batch_norm_dweight


@kernel()
def batch_norm_inference_dx(dy, weight, var, dx, eps):
    N, C, S = dy.shape
    for n in prange(N):
        for c in range(C):
            scale = weight[c] / np.sqrt(var[c] + dy.dtype.type(eps))
            for s in range(S):
                dx[n, c, s] = dy[n, c, s] * scale

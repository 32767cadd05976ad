import numpy as np

from ._numba import helper, kernel, prange

__all__ = [
    "layer_norm_dweight",
    "layer_norm_dx",
    "layer_norm_forward",
    "rms_norm_dweight",
    "rms_norm_dx",
    "rms_norm_forward",
]


@kernel(serial_below=50_000)
def layer_norm_forward(x, weight, bias, y, mean, rstd, eps):
    N, S = x.shape
    for n in prange(N):
        total = x.dtype.type(0)
        for s in range(S):
            total += x[n, s]
        near = total / x.dtype.type(S)
        off, squares = x.dtype.type(0), x.dtype.type(0)
        for s in range(S):  # about a value near the mean, which gets back the digits its sum has lost
            away = x[n, s] - near
            off += away
            squares += away * away
        off /= x.dtype.type(S)
        centre = near + off
        scale = x.dtype.type(1) / np.sqrt(squares / x.dtype.type(S) - off * off + x.dtype.type(eps))
        for s in range(S):
            y[n, s] = (x[n, s] - centre) * scale * weight[s] + bias[s]
        mean[n], rstd[n] = centre, scale


@kernel(serial_below=50_000)
def layer_norm_dweight(dy, x, mean, rstd, dweight, dbias, eps):
    N, S = x.shape
    for begin in prange((S + 63) // 64):  # some columns at a time, so that reads follow the rows
        end = min(64 * begin + 64, S)
        for s in range(64 * begin, end):
            dweight[s] = dbias[s] = 0
        for n in range(N):
            for s in range(64 * begin, end):
                dweight[s] += dy[n, s] * (x[n, s] - mean[n]) * rstd[n]
                dbias[s] += dy[n, s]


@helper
def _mean_products(dy, x, weight, centre, scale):
    """Means of g and of g · x̂, g = weight · dy."""
    total, product = x.dtype.type(0), x.dtype.type(0)
    for s in range(x.size):
        g = dy[s] * weight[s]
        total += g
        product += g * (x[s] - centre)
    return total / x.dtype.type(x.size), product * scale / x.dtype.type(x.size)


@kernel(serial_below=50_000)
def layer_norm_dx(dy, x, weight, mean, rstd, dx, eps):
    for n in prange(x.shape[0]):
        total, product = _mean_products(dy[n], x[n], weight, mean[n], rstd[n])
        for s in range(x.shape[1]):
            normalised = (x[n, s] - mean[n]) * rstd[n]
            dx[n, s] = (dy[n, s] * weight[s] - total - normalised * product) * rstd[n]


@kernel(serial_below=50_000)
def rms_norm_forward(x, weight, y, rstd, eps):
    N, S = x.shape
    for n in prange(N):
        squares = x.dtype.type(0)
        for s in range(S):
            squares += x[n, s] * x[n, s]
        scale = x.dtype.type(1) / np.sqrt(squares / x.dtype.type(S) + x.dtype.type(eps))
        for s in range(S):
            y[n, s] = x[n, s] * scale * weight[s]
        rstd[n] = scale


@kernel(serial_below=50_000)
def rms_norm_dweight(dy, x, rstd, dweight, eps):
    N, S = x.shape
    for begin in prange((S + 63) // 64):
        end = min(64 * begin + 64, S)
        for s in range(64 * begin, end):
            dweight[s] = 0
        for n in range(N):
            for s in range(64 * begin, end):
                dweight[s] += dy[n, s] * x[n, s] * rstd[n]


@kernel(serial_below=50_000)
def rms_norm_dx(dy, x, weight, rstd, dx, eps):
    for n in prange(x.shape[0]):
        _, product = _mean_products(dy[n], x[n], weight, x.dtype.type(0), rstd[n])
        for s in range(x.shape[1]):
            dx[n, s] = (dy[n, s] * weight[s] - x[n, s] * rstd[n] * product) * rstd[n]

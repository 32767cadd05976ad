import numpy as np

from ._numba import exp, kernel, prange

__all__ = ["log_softmax_dx", "log_softmax_forward", "softmax_dx", "softmax_forward"]


@kernel(serial_below=20_000)
def softmax_forward(x, y):
    N, C, S = x.shape
    for i in prange(N * S):
        n, s = i // S, i % S
        top = x[n, 0, s]
        for c in range(1, C):
            top = max(top, x[n, c, s])
        total = x.dtype.type(0)
        for c in range(C):
            y[n, c, s] = exp(x[n, c, s] - top)
            total += y[n, c, s]
        for c in range(C):
            y[n, c, s] /= total


@kernel(serial_below=50_000)
def softmax_dx(dy, y, dx):
    N, C, S = y.shape
    for i in prange(N * S):
        n, s = i // S, i % S
        total = y.dtype.type(0)
        for c in range(C):
            total += dy[n, c, s] * y[n, c, s]
        for c in range(C):
            dx[n, c, s] = y[n, c, s] * (dy[n, c, s] - total)


@kernel(serial_below=20_000)
def log_softmax_forward(x, y):
    N, C, S = x.shape
    for i in prange(N * S):
        n, s = i // S, i % S
        top = x[n, 0, s]
        for c in range(1, C):
            top = max(top, x[n, c, s])
        total = x.dtype.type(0)
        for c in range(C):
            total += exp(x[n, c, s] - top)
        log_total = np.log(total)
        for c in range(C):
            y[n, c, s] = (x[n, c, s] - top) - log_total


@kernel(serial_below=20_000)
def log_softmax_dx(dy, y, dx):
    N, C, S = y.shape
    for i in prange(N * S):
        n, s = i // S, i % S
        total = y.dtype.type(0)
        for c in range(C):
            total += dy[n, c, s]
        for c in range(C):
            dx[n, c, s] = dy[n, c, s] - exp(y[n, c, s]) * total

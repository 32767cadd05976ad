import numpy as np

from ._numba import kernel, prange
from .indexing import answers_to_float, to_float  # one conversion: nothing to win

__all__ = [
    "answers_to_float",
    "one_hot_forward",
    "spread_dx",
    "spread_forward",
    "take_dx",
    "take_forward",
    "to_float",
]


@kernel()
def one_hot_forward(target, value, y):
    N, C, S = y.shape
    for n in prange(N):
        for c in range(C):
            for s in range(S):
                y[n, c, s] = value[c] if target[n, s] == c else y.dtype.type(0)


@kernel()
def take_forward(x, index, y):
    N, J = y.shape
    for n in prange(N):
        for j in range(J):
            y[n, j] = x[n, index[j]] if index[j] >= 0 else x.dtype.type(0)


@kernel()
def take_dx(dy, index, dx):
    N, J = dy.shape
    for n in prange(N):
        for i in range(dx.shape[1]):
            dx[n, i] = 0
        for j in range(J):
            if index[j] >= 0:
                dx[n, index[j]] += dy[n, j]


@kernel()
def spread_forward(x, index, like, y):
    N, J = y.shape
    for n in prange(N):
        for j in range(J):
            y[n, j] = x[index[j]] if index[j] >= 0 else x.dtype.type(0)


@kernel()
def spread_dx(dy, index, dx):
    N, J = dy.shape
    sums = np.empty(J, dy.dtype)
    for j in prange(J):
        total = dy.dtype.type(0)
        for n in range(N):
            total += dy[n, j]
        sums[j] = total
    for i in range(dx.size):
        dx[i] = 0
    for j in range(J):  # one after the other: a place may be named twice
        if index[j] >= 0:
            dx[index[j]] += sums[j]

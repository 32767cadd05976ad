import numpy as np

from ._numba import helper, kernel, prange
from .dropout import next_key  # two numbers: nothing to win

__all__ = ["dropout_dx", "dropout_forward", "next_key", "uniform_forward"]


@helper
def _mix(h):
    # Numba widens products and shifts of uint32 to uint64; each result is cut back to its low half.
    h = np.uint32(h ^ (h >> np.uint32(16)))
    h = np.uint32(h * np.uint32(0x7FEB352D))
    h = np.uint32(h ^ (h >> np.uint32(15)))
    h = np.uint32(h * np.uint32(0x846CA68B))
    return np.uint32(h ^ (h >> np.uint32(16)))


@helper
def _halves(key):
    half = np.uint64(32)
    a = _mix(np.uint32(_mix(np.uint32(key[0])) ^ np.uint32(key[0] >> half)))
    b = _mix(np.uint32(np.uint32(key[1]) + np.uint32(0x9E3779B9)))
    return a, _mix(np.uint32(b ^ np.uint32(key[1] >> half) ^ a))


@kernel(flat=True, serial_below=40_000)
def dropout_forward(x, key, y, p):
    a, b = _halves(key)
    threshold = np.uint64(np.ceil(p * 2.0**32))
    zero = x.dtype.type(0)
    scale = x.dtype.type(1 / (1 - p)) if p < 1 else zero
    for i in prange(x.size):
        bits = _mix(np.uint32(_mix(np.uint32(np.uint32(i) + a)) ^ b))
        y[i] = x[i] * scale if np.uint64(bits) >= threshold else zero


def dropout_dx(dy, key, dx, p):
    dropout_forward(dy, key, dx, p)


@kernel(flat=True, serial_below=40_000)
def uniform_forward(x, key, y, low, high):
    a, b = _halves(key)
    low, scale = x.dtype.type(low), x.dtype.type((high - low) * 2.0**-24)
    for i in prange(x.size):
        bits = _mix(np.uint32(_mix(np.uint32(np.uint32(i) + a)) ^ b))
        y[i] = low + scale * x.dtype.type(bits >> np.uint32(8))

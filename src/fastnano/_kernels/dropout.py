"""Dropout (N. Srivastava et al., "Dropout", JMLR 15, 2014), its mask a function of key and place.

# Design: the random bits are a hash of (key, place) rather than a stream: the mask is the same whatever the
# threads, the order or the back end, backward makes it again instead of keeping it, and a checkpoint holds
# two integers.  The mixer is C. Wellons' "lowbias32" (nullprogram.com/blog/2018/07/31), exact bias 0.17 of
# the ideal's 1; a full Philox of ten rounds costs four times as many multiplications.
"""

import numpy as np

__all__ = ["dropout_dx", "dropout_forward", "next_key", "uniform_forward"]


def _mix(h):
    h = h ^ (h >> np.uint32(16))
    h = h * np.uint32(0x7FEB352D)
    h = h ^ (h >> np.uint32(15))
    h = h * np.uint32(0x846CA68B)
    return h ^ (h >> np.uint32(16))


def uniform32(key, places):
    """Random uint32 of each place: mix(mix(place + a) ^ b), a and b mixed from the 128 bits of the key.

    ``a = mix(mix(s_lo) ^ s_hi)`` of the seed ``key[0]`` and ``b = mix(mix(t_lo + 0x9E3779B9) ^ t_hi ^ a)`` of
    the counter ``key[1]``; all arithmetic is modulo 2³².
    """
    seed_lo, seed_hi, count_lo, count_hi = np.asarray(key, "<u8").view("<u4").reshape(4, 1)
    a = _mix(_mix(seed_lo) ^ seed_hi)
    b = _mix(_mix(count_lo + np.uint32(0x9E3779B9)) ^ count_hi ^ a)
    return _mix(_mix(places.astype(np.uint32) + a) ^ b)


def dropout_forward(x, key, y, p):
    """y = x / (1 − p) where uniform32 ≥ p · 2³², else 0; all zeros for p = 1."""
    kept = uniform32(key, np.arange(x.size)).reshape(x.shape) >= p * 2.0**32
    scale = x.dtype.type(1 / (1 - p) if p < 1 else 0)
    y[...] = np.where(kept, x * scale, 0)


def dropout_dx(dy, key, dx, p):
    dropout_forward(dy, key, dx, p)


def uniform_forward(x, key, y, low, high):
    """y = low + (high − low) u, u the upper 24 bits of uniform32 as a fraction."""
    u = (uniform32(key, np.arange(x.size)) >> np.uint32(8)).reshape(x.shape) * 2.0**-24
    y[...] = low + (high - low) * u


def next_key(state, key):
    """key = state;  the counter state[1] goes on by one."""
    key[:] = state
    state[1] += np.uint64(1)

import numpy as np

from ._numba import kernel, prange

__all__ = [
    "all_forward",
    "amax_dx",
    "amax_forward",
    "amin_dx",
    "amin_forward",
    "any_forward",
    "argmax_forward",
    "argmin_forward",
    "gather_dx",
    "gather_forward",
    "logsumexp_dx",
    "logsumexp_forward",
]


@kernel()
def amax_forward(x, z):
    N, C, S = x.shape
    for i in prange(N * S):
        n, s = i // S, i % S
        best = x[n, 0, s]
        for c in range(1, C):
            if x[n, c, s] > best or np.isnan(x[n, c, s]):
                best = x[n, c, s]
        z[n, s] = best


@kernel()
def amin_forward(x, z):
    N, C, S = x.shape
    for i in prange(N * S):
        n, s = i // S, i % S
        best = x[n, 0, s]
        for c in range(1, C):
            if x[n, c, s] < best or np.isnan(x[n, c, s]):
                best = x[n, c, s]
        z[n, s] = best


@kernel()
def amax_dx(dz, z, x, dx):
    N, C, S = x.shape
    one = x.dtype.type(1)
    for i in prange(N * S):
        n, s = i // S, i % S
        count = x.dtype.type(0)
        for c in range(C):
            if x[n, c, s] == z[n, s]:
                count += one
        for c in range(C):
            won = one if x[n, c, s] == z[n, s] else one - one
            dx[n, c, s] = won / count * dz[n, s]


amin_dx = amax_dx


@kernel()
def argmax_forward(x, z):
    N, C, S = x.shape
    for i in prange(N * S):
        n, s = i // S, i % S
        at = 0
        for c in range(1, C):
            best = x[n, at, s]
            if x[n, c, s] > best or (np.isnan(x[n, c, s]) and not np.isnan(best)):
                at = c
        z[n, s] = at


@kernel()
def argmin_forward(x, z):
    N, C, S = x.shape
    for i in prange(N * S):
        n, s = i // S, i % S
        at = 0
        for c in range(1, C):
            best = x[n, at, s]
            if x[n, c, s] < best or (np.isnan(x[n, c, s]) and not np.isnan(best)):
                at = c
        z[n, s] = at


@kernel()
def any_forward(x, z):
    N, C, S = x.shape
    for i in prange(N * S):
        n, s = i // S, i % S
        found = False
        for c in range(C):
            found = found or x[n, c, s] != 0
        z[n, s] = found


@kernel()
def all_forward(x, z):
    N, C, S = x.shape
    for i in prange(N * S):
        n, s = i // S, i % S
        found = True
        for c in range(C):
            found = found and x[n, c, s] != 0
        z[n, s] = found


@kernel(serial_below=20_000)
def logsumexp_forward(x, z):
    N, C, S = x.shape
    for i in prange(N * S):
        n, s = i // S, i % S
        top = x[n, 0, s]
        for c in range(1, C):
            top = max(top, x[n, c, s])
        if not np.isfinite(top):
            top = x.dtype.type(0)
        total = x.dtype.type(0)
        for c in range(C):
            total += np.exp(x[n, c, s] - top)
        z[n, s] = np.log(total) + top


@kernel(serial_below=20_000)
def logsumexp_dx(dz, z, x, dx):
    N, C, S = x.shape
    for i in prange(N * S):
        n, s = i // S, i % S
        for c in range(C):
            dx[n, c, s] = dz[n, s] * np.exp(x[n, c, s] - z[n, s])


@kernel()
def gather_forward(x, index, z):
    N, K, S = z.shape
    for n in prange(N):
        for k in range(K):
            for s in range(S):
                c = index[n, k, s]
                z[n, k, s] = x[n, c, s] if 0 <= c < x.shape[1] else x.dtype.type(0)


@kernel()
def gather_dx(dz, index, dx):
    N, K, S = dz.shape
    for n in prange(N):
        for c in range(dx.shape[1]):
            for s in range(S):
                dx[n, c, s] = 0
        for k in range(K):
            for s in range(S):
                c = index[n, k, s]
                if 0 <= c < dx.shape[1]:
                    dx[n, c, s] += dz[n, k, s]

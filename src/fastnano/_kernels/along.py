"""Along an axis c: what the expressions of these names are in a compiled step."""

import numpy as np

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


def amax_forward(x, z):
    """z = max_c x_c; NaN where one is."""
    z[...] = x.max(axis=1)


def amax_dx(dz, z, x, dx):
    """dx_c = dz [x_c = z] / how many are: equal ones share the gradient."""
    won = (x == z[:, None]).astype(x.dtype)
    with np.errstate(invalid="ignore"):  # of NaN none is
        dx[...] = won / won.sum(axis=1, keepdims=True) * dz[:, None]


def amin_forward(x, z):
    """z = min_c x_c; NaN where one is."""
    z[...] = x.min(axis=1)


amin_dx = amax_dx


def argmax_forward(x, z):
    """Where the largest is, the first of equal ones; where NaN is, if one is."""
    z[...] = x.argmax(axis=1)


def argmin_forward(x, z):
    """Where the smallest is, the first of equal ones; where NaN is, if one is."""
    z[...] = x.argmin(axis=1)


def any_forward(x, z):
    """z = 1 where some x_c is not 0, else 0."""
    z[...] = x.any(axis=1)


def all_forward(x, z):
    """z = 1 where no x_c is 0, else 0."""
    z[...] = x.all(axis=1)


def logsumexp_forward(x, z):
    """z = m + log Σ_c e^(x_c − m), m = max_c x_c where that is finite, else 0."""
    top = x.max(axis=1)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore", over="ignore"):
        z[...] = np.log(np.exp(x - top[:, None]).sum(axis=1)) + top


def logsumexp_dx(dz, z, x, dx):
    """dx_c = dz e^(x_c − z)."""
    with np.errstate(invalid="ignore", over="ignore"):
        dx[...] = dz[:, None] * np.exp(x - z[:, None])


def gather_forward(x, index, z):
    """z_k = x_c for c = index_k, or 0 where that is no place."""
    there = (index >= 0) & (index < x.shape[1])
    z[...] = np.where(there, np.take_along_axis(x, np.where(there, index, 0), 1), 0)


def gather_dx(dz, index, dx):
    """dx_c = Σ_k dz_k [index_k = c]."""
    dx.fill(0)
    n, k, s = np.nonzero((index >= 0) & (index < dx.shape[1]))
    np.add.at(dx, (n, index[n, k, s], s), dz[n, k, s])

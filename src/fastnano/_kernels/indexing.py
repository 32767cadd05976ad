"""Values put elsewhere, by a list of places or by labels; what no place is named for is zero."""

import numpy as np

__all__ = [
    "answers_to_float",
    "one_hot_forward",
    "spread_dx",
    "spread_forward",
    "take_dx",
    "take_forward",
    "to_float",
]


def one_hot_forward(target, value, y):
    """y[n, c, s] = value_c where c is the target, else 0; a target that is no class has no 1."""
    here = np.arange(y.shape[1])[:, None] == target[:, None]
    y[...] = np.where(here, value[:, None], 0)


def take_forward(x, index, y):
    """y[n, j] = x[n, index_j], or 0 where index_j < 0."""
    y[...] = np.where(index >= 0, x[:, index], 0)


def take_dx(dy, index, dx):
    """dx[n, i] = Σ_j dy[n, j] [index_j = i]."""
    used = index >= 0
    dx.fill(0)
    np.add.at(dx.T, index[used], dy[:, used].T)


def spread_forward(x, index, like, y):
    """y[n, j] = x[index_j] for every sample, or 0 where index_j < 0; like only tells how many there are."""
    y[...] = np.where(index >= 0, x[index], 0)


def spread_dx(dy, index, dx):
    """dx[i] = Σ_n Σ_j dy[n, j] [index_j = i]."""
    used = index >= 0
    dx.fill(0)
    np.add.at(dx, index[used], dy[:, used].sum(axis=0))


def to_float(x, y):
    """y = x, whole numbers of at most 32 bits."""
    y[...] = x


def answers_to_float(x, y):
    """y = x, which holds 1 and 0."""
    y[...] = x

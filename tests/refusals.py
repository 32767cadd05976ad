"""Short forms for tables of what is refused: a call, the error, and what it must say."""

import numpy as np

import fastnano as fn
from fastnano import nn, optim

T = fn.tensor
V, E, I = ValueError, TypeError, IndexError


def ones(*shape, dtype=np.float32):
    return T(np.ones(shape, dtype))


def leaf(*shape):
    return ones(*shape).requires_grad_()


def parameters():
    return nn.Linear(2, 2).parameters()


def sgd(**options):
    return optim.SGD(parameters(), lr=0.1, **options)

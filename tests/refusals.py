"""Short forms for what is refused: a call, the error, and what it must say; a command that fails."""

import numpy as np

import fastnano as fn
from fastnano import nn, optim
from fastnano.cli import main

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


def fails(capsys, argv):
    """The message of a command that fails: exit code 2, nothing but that message on stderr."""
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert error.startswith("fastnano: error: ")
    assert "Traceback" not in error
    return error

"""PyTorch as the oracle: the same module on the same numbers, compared."""

import numpy as np
import pytest

import fastnano as fn
from fastnano._kernels import BACKENDS

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")

PRECISIONS = ("float64", *BACKENDS)  # float64 on the reference, float32 on each back end


def array(*shape, seed=0, low=-2.0, high=2.0):
    return np.random.default_rng([seed, *shape]).uniform(low, high, shape)


def words(library):
    """What an expression may name: nn's layers, nn.functional as F, the library itself as torch."""
    return _Words(library)


class _Words(dict):
    """Names looked up in ``nn``, where they are imported when first asked for."""

    def __init__(self, library):
        super().__init__(F=library.nn.functional, torch=library)
        self.nn = library.nn

    def __missing__(self, name):
        try:
            return getattr(self.nn, name)
        except AttributeError:
            raise KeyError(name) from None


def pair(text, training=True):
    """The module that an expression such as "Linear(3, 2)" makes here and in PyTorch, both in float64, with
    the same random values."""
    ours, theirs = eval(text, {}, words(fn)), eval(text, {}, words(torch)).double()
    for i, (name, value) in enumerate(theirs.state_dict().items()):
        if value.is_floating_point():
            value.copy_(
                torch.tensor(array(*value.shape, seed=i, low=0.5 if "var" in name else -1.0, high=1.5))
            )
    ours.double().load_state_dict(theirs.state_dict())
    return ours.train(training), theirs.train(training)


def flat(outputs):
    """The tensors of a tensor, or of a tuple of such, of tuples or of None."""
    if isinstance(outputs, tuple):
        return [y for some in outputs for y in flat(some)]
    return [] if outputs is None else [outputs]


def run(function, inputs, make, parameters=()):
    """Every output and gradient of ``function(*inputs)``, by name; the seeds of the reverse pass are
    random."""
    tensors = [make(x) for x in inputs]
    outputs = flat(function(*tensors))
    found = {f"output {i}": y.detach().numpy() for i, y in enumerate(outputs)}
    seeded = [(y, make(array(*y.shape, seed=5)).detach()) for y in outputs if y.requires_grad]
    if len(seeded) == 1:
        seeded[0][0].backward(seeded[0][1])
    elif seeded:
        sum((y * seed).sum() for y, seed in seeded).backward()
    found |= {f"gradient of input {i}": t.grad.numpy() for i, t in enumerate(tensors) if t.grad is not None}
    return found | {f"gradient of {name}": p.grad.numpy() for name, p in parameters}


def compare(found, expected, precision, rounded=None):
    """Equal to 1e-10 in float64; in float32 to 1e-5 + 1.3e-6 |x| beyond the largest error of PyTorch's own float32,
    where that is ``rounded``, else to 1e-5 of the norm, or to 1e-6 where that is below 0.1."""
    assert found.keys() == expected.keys()
    for name, value in found.items():
        truth = expected[name]
        assert value.shape == truth.shape, name
        if value.dtype.kind != "f":
            np.testing.assert_array_equal(value, truth, err_msg=name)
        elif precision == "float64":
            assert value.dtype == np.float64, name
            np.testing.assert_allclose(value, truth, rtol=1e-10, atol=1e-10, err_msg=name)
        else:
            assert value.dtype == np.float32, name
            finite = np.isfinite(truth)
            np.testing.assert_array_equal(value[~finite], truth[~finite], err_msg=name)
            if rounded is None:
                distance = np.linalg.norm(value[finite] - truth[finite])
                assert distance <= 1e-5 * max(np.linalg.norm(truth[finite]), 0.1), (
                    f"{name} is {distance} away"
                )
            else:
                own = np.abs(rounded[name][finite] - truth[finite]).max(initial=0)
                np.testing.assert_allclose(
                    value[finite], truth[finite], rtol=1.3e-6, atol=1e-5 + own, err_msg=name
                )


def our_tensor(precision):
    dtype = np.float64 if precision == "float64" else np.float32

    def make(x):
        x = np.asarray(x)
        return fn.tensor(x.astype(dtype), requires_grad=True) if x.dtype.kind == "f" else fn.tensor(x)

    return make


def their_tensor(x):
    x = np.asarray(x)
    return torch.tensor(x, requires_grad=x.dtype.kind == "f")


def back_end(precision):
    """Runs the block in which float32 is computed."""
    return fn.use_backend("numpy" if precision == "float64" else precision)


def agree(ours, theirs, inputs, precision):
    """The modules give the same outputs, gradients and buffers."""
    if precision != "float64":
        ours.float()
    expected = run(theirs, inputs, their_tensor, theirs.named_parameters())
    with back_end(precision):
        found = run(ours, inputs, our_tensor(precision), ours.named_parameters())
    found |= {name: b.numpy() for name, b in ours.named_buffers()}
    expected |= {name: b.numpy() for name, b in theirs.named_buffers()}
    compare(found, expected, precision)

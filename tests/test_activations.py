"""Activations that PyTorch lacks, or that are other than its own for a reason."""

import numpy as np
import pytest

import fastnano
from fastnano import Tensor, nn, no_grad
from fastnano._kernels import BACKENDS
from fastnano.nn import functional as F
from twins import check

X = np.array([-np.inf, -3, -1, -0.5, -0.0, 0, 0.25, 1, 3, np.inf])


def both(function, x=X, dtype=np.float64):
    """What a function gives, and its gradient where the result's is one."""
    x = Tensor(x.astype(dtype), requires_grad=True)
    y = function(x)
    y.sum().backward()
    return y.detach().numpy(), x.grad.numpy()


@pytest.mark.parametrize("name", ["sigmoid", "softsign", "tanh", "tanhshrink"])
def test_of_whole_numbers(name):
    x = fastnano.tensor([-3, 0, 1, 8])
    found = getattr(F, name)(x)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.numpy(), getattr(F, name)(x.float()).numpy())


@pytest.mark.parametrize("backend", BACKENDS)
def test_arctan(backend):
    with fastnano.use_backend(backend):
        y, dx = both(nn.ArcTan(), dtype=np.float32)
    np.testing.assert_allclose(y, np.arctan(X), rtol=1e-6)
    np.testing.assert_allclose(dx, 1 / (1 + X**2), rtol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_gaussian(backend):
    with fastnano.use_backend(backend):
        y, dx = both(nn.Gaussian(), X[1:-1], np.float32)
    np.testing.assert_allclose(y, np.exp(-(X[1:-1] ** 2)), rtol=1e-6)
    np.testing.assert_allclose(dx, -2 * X[1:-1] * y, rtol=1e-6)
    np.testing.assert_allclose(F.gaussian(X).data, np.exp(-(X**2)))


SIGMOID = 1 / (1 + np.exp(-2 * X))


@pytest.mark.parametrize(
    ("gradient", "expected"),
    [
        ("straight_through", np.ones(10)),
        ("clipped", [0, 0, 1, 1, 1, 1, 1, 1, 0, 0]),
        ("sigmoid", 2 * SIGMOID * (1 - SIGMOID)),
    ],
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_binary_step(gradient, expected, backend):
    with fastnano.use_backend(backend):
        y, dx = both(nn.BinaryStep(gradient, slope=2), dtype=np.float32)
    np.testing.assert_array_equal(y, [0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    np.testing.assert_allclose(dx, expected, rtol=1e-5, atol=1e-6)
    assert np.isnan(F.binary_step(np.array([np.nan], np.float32), gradient).data).all()


def test_reprs_of_what_pytorch_lacks():
    layers = nn.ArcTan(), nn.Gaussian(), nn.BinaryStep(), nn.BinaryStep("sigmoid", 3.0)
    assert [repr(layer) for layer in layers] == [
        "ArcTan()",
        "Gaussian()",
        "BinaryStep(gradient='straight_through')",
        "BinaryStep(gradient='sigmoid', slope=3.0)",
    ]


def test_hardsigmoid():
    """In float64 too, where a third of PyTorch's gradient's digits are wrong."""
    x = np.array([-np.inf, -4, -3, -2.75, 0, 1, 3, 5, np.inf, np.nan])
    y, dx = both(nn.Hardsigmoid(), x)
    np.testing.assert_allclose(y, [0, 0, 0, 0.25 / 6, 0.5, 4 / 6, 1, 1, 1, np.nan], rtol=1e-15)
    np.testing.assert_array_equal(dx, np.divide([0, 0, 0, 1, 1, 1, 0, 0, 0, 0], 6))


def test_softsign_and_gelu_have_the_gradients_of_their_limits():
    np.testing.assert_array_equal(both(F.softsign)[1][[0, -1]], [0, 0])
    np.testing.assert_array_equal(both(F.gelu, np.array([40.0, -40.0]))[1], [1, 0])


# RReLU


def test_rrelu_draws_slopes_between_its_bounds():
    fastnano.manual_seed(0)
    layer = nn.RReLU(0.25, 0.5)
    x = np.where(np.arange(40_000) % 4, -2.0, 3.0).astype(np.float32).reshape(200, 200)
    y, dx = both(layer, x, np.float32)
    slopes = dx[x < 0]
    np.testing.assert_array_equal(y, x * dx)
    np.testing.assert_array_equal(dx[x > 0], 1)
    assert slopes.min() >= 0.25
    assert slopes.max() <= 0.5
    counts = np.histogram(slopes, 8, (0.25, 0.5))[0]
    assert np.abs(counts - 3750).max() < 5 * 3750**0.5  # uniform
    again = both(layer, x, np.float32)[1]
    assert (again != dx).mean() > 0.7
    np.testing.assert_array_equal(layer.eval()(Tensor(x)).data, np.where(x < 0, x * np.float32(0.375), x))


def test_rrelu_is_a_function_of_its_generator():
    x, draws = -np.ones((3, 50), np.float32), []
    for backend in (*BACKENDS, "numpy"):
        layer = nn.RReLU(generator=fastnano.Generator(5))
        with fastnano.use_backend(backend), no_grad():
            draws.append(layer(Tensor(x)).data)
    for draw in draws[1:]:
        np.testing.assert_allclose(draw, draws[0], rtol=2e-7)


# Plans

EVERY = [
    *("ELU(0.7)", "SELU()", "CELU(0.7)", "GELU()", "GELU('tanh')", "SiLU()", "Mish()", "Softplus()", "Softsign()"),
    *("LogSigmoid()", "Hardtanh()", "ReLU6()", "Hardsigmoid()", "Hardswish()", "Hardshrink()", "Softshrink(0.1)"),
    *("Tanhshrink()", "Threshold(0.1, 0.2)", "PReLU()", "PReLU(9)", "RReLU()", "Softmin(1)", "ArcTan()", "Gaussian()"),
    *("BinaryStep()", "BinaryStep('clipped')", "BinaryStep('sigmoid', 2)"),
]  # fmt: skip


@pytest.mark.parametrize("text", EVERY)
def test_a_plan_trains_with(text):
    check(f"Flatten(), Linear(84, 9), {text}, Linear(9, 5)", steps=12)


def test_a_plan_trains_with_gates_and_channels():
    check("Conv2d(2, 6, 3), GLU(1), PReLU(3), Softmax2d(), Flatten(), Linear(60, 5)", steps=12)


# What is refused


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: F.gelu(X, approximate="erf"), ValueError, "approximate='erf' must be 'none' or 'tanh'"),
        (lambda: F.celu(X, 0), ValueError, "alpha must not be 0"),
        (lambda: F.softplus(X, beta=0), ValueError, "beta must not be 0"),
        (lambda: F.hardtanh(X, 1, -1), ValueError, "min_val=1 must not be above max_val=-1"),
        (lambda: nn.Hardtanh(1, 1), ValueError, "min_val=1 must be below max_val=1"),
        (lambda: F.softshrink(X, -1), ValueError, "lambd=-1 must be at least 0"),
        (lambda: F.rrelu(X, 0.5, 0.1), ValueError, "lower=0.5 must not be above upper=0.1"),
        (lambda: F.glu(X[:5]), ValueError, r"shape \(5,\), whose axis dim=-1 must be even"),
        (lambda: F.glu(X, 1), IndexError, "dim=1 is not an axis"),
        (lambda: F.softmin(X, 2), IndexError, "dim=2 is not an axis"),
        (lambda: F.prelu(X.reshape(2, 5), np.ones(3)), ValueError, r"shape \(3,\), expected one number, or 5"),
        (lambda: F.prelu(X, np.ones((1, 1))), ValueError, r"shape \(1, 1\), expected one number"),
        (lambda: F.binary_step(X, "hard"), ValueError, "gradient='hard' must be 'straight_through'"),
        (lambda: nn.Softmax2d()(Tensor(X.reshape(2, 5))), ValueError, r"shape \(2, 5\), expected \(N, C, H, W\)"),
        (lambda: F.elu(np.arange(3)), TypeError, "elu: .* float32 or float64"),
    ],
)  # fmt: skip
def test_refused(call, error, said):
    with pytest.raises(error, match=said):
        call()


# inplace


@pytest.mark.parametrize(
    "text",
    [
        *("ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "SiLU", "Mish", "Hardtanh", "RReLU"),
        *("Hardsigmoid", "Hardswish"),
    ],
)
def test_inplace_is_shown_as_by_pytorch_and_changes_nothing(text):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    ours = getattr(nn, text)(inplace=True).eval()
    assert repr(ours) == repr(getattr(torch.nn, text)(inplace=True))
    x = Tensor(X.copy())
    y, plain = ours(x), getattr(nn, text)().eval()(x)
    np.testing.assert_array_equal(x.data, X)
    np.testing.assert_array_equal(y.data, plain.data)

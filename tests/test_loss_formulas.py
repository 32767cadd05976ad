"""The losses that PyTorch lacks, against their formulas in NumPy, and their gradients against finite differences."""

import re

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn

F = nn.functional
RNG = np.random.default_rng(0)


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def tanimoto(p, t):
    common = (p * t).sum(1)
    return 1 - common / ((p * p).sum(1) + (t * t).sum(1) - common)


def cauchy_schwarz(p, t):
    return -np.log((p * t).sum(1) / np.linalg.norm(p, axis=1) / np.linalg.norm(t, axis=1))


OF_SCORES = {  # loss of each sample and place, from probabilities and shares of the classes, axis 1
    "ExpectationLoss()": lambda p, t: np.abs(p - t).sum(1),
    "RegularizedExpectationLoss()": lambda p, t: ((p - t) ** 2).sum(1),
    "ChebyshevLoss()": lambda p, t: np.abs(p - t).max(1),
    "LogLoss()": lambda p, t: -(t * np.log(p)).sum(1),
    "SquaredLogLoss()": lambda p, t: ((t * np.log(p)) ** 2).sum(1),
    "TanimotoLoss()": tanimoto,
    "CauchySchwarzLoss()": cauchy_schwarz,
}


def tversky(x, t, alpha, beta, smooth):
    axes = tuple(range(1, x.ndim))
    common, wrong, missed = ((a * b).sum(axes) for a, b in ((x, t), (x, 1 - t), (1 - x, t)))
    return 1 - (common + smooth) / (common + alpha * wrong + beta * missed + smooth)


def dice(x, t, smooth):
    axes = tuple(range(1, x.ndim))
    return 1 - (2 * (x * t).sum(axes) + smooth) / (x.sum(axes) + t.sum(axes) + smooth)


OF_SHARES = {
    "DiceLoss()": lambda x, t: dice(x, t, 1),
    "DiceLoss(smooth=0)": lambda x, t: dice(x, t, 0),
    "TverskyLoss()": lambda x, t: tversky(x, t, 0.5, 0.5, 1),
    "TverskyLoss(0.3, 0.7, 0.1)": lambda x, t: tversky(x, t, 0.3, 0.7, 0.1),
    "SSELoss('mean')": lambda x, t: ((x - t) ** 2).reshape(len(x), -1).sum(1),
    "LogCoshLoss()": lambda x, t: np.log(np.cosh(x - t)),
}
FORMULAS = OF_SCORES | OF_SHARES
FUNCTIONS = (
    {  # of those with default numbers, by name
        re.sub(r"(?<=.)(?=[A-Z][a-z])", "_", text[:-2]).lower(): text
        for text in FORMULAS
        if text.endswith("()") and text != "LogLoss()"  # another name of CrossEntropyLoss
    }
    | {"sse_loss": "SSELoss('mean')"}
)
REDUCED = {"mean": np.mean, "sum": np.sum, "none": lambda loss: loss}
SHAPES = ((5, 4), (1, 1), (17, 3), (2, 4, 3), (2, 3, 4, 5))


def arrays(shape, text):
    """Scores, or probabilities, and the shares that the classes should get."""
    x = RNG.standard_normal(shape)
    return x if text in OF_SCORES else 1 / (1 + np.exp(-x)), softmax(RNG.standard_normal(shape))


def build(text, reduction="mean"):
    loss = eval(f"nn.{text}")
    loss.reduction = reduction
    return loss


@pytest.mark.parametrize("reduction", REDUCED)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("text", FORMULAS)
def test_formula(text, shape, reduction):
    x, t = arrays(shape, text)
    want = REDUCED[reduction](FORMULAS[text](softmax(x) if text in OF_SCORES else x, t))
    got = build(text, reduction)(fn.tensor(x), fn.tensor(t))
    assert got.shape == want.shape
    np.testing.assert_allclose(got.data, want, rtol=1e-12, atol=1e-12)
    single = build(text, reduction)(fn.tensor(x.astype("f")), fn.tensor(t.astype("f")))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single.data, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_function_is_the_loss(name):
    (x, t), text = arrays((5, 4), FUNCTIONS[name]), FUNCTIONS[name]
    for reduction in REDUCED:
        want = build(text, reduction)(fn.tensor(x), t).data
        np.testing.assert_array_equal(getattr(F, name)(x, t, reduction=reduction).data, want)


@pytest.mark.parametrize("backend", ["numpy", "numba", "cython"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("text", [*OF_SCORES, "DiceLoss()", "TverskyLoss(0.3, 0.7, 0.1)"])
def test_class_indices_stand_for_one_and_zeros(text, shape, backend):
    x, _ = arrays(shape, text)
    labels = RNG.integers(0, shape[1], (shape[0], *shape[2:]))
    one_hot = np.moveaxis(np.eye(shape[1])[labels], -1, 1)
    x = fn.tensor(x.astype("f"), requires_grad=True)
    with fn.use_backend(backend):
        found = []
        for target in (labels, labels.astype(np.uint8), one_hot.astype("f")):
            loss, x.grad = build(text)(x, target), None
            loss.backward()
            found.append(np.append(x.grad.data, loss.data))
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("text", [*FORMULAS, "SSELoss()", "HingeLoss(p=2)", "CubedHingeLoss(0.5)"])
def test_gradients(text):
    x, t = arrays((3, 4), text)
    if "Hinge" in text:
        t = RNG.choice([-1.0, 1.0], (3, 4))
    assert fn.gradcheck(lambda x: build(text)(x, t), fn.tensor(x, requires_grad=True))


@pytest.mark.parametrize("text", OF_SCORES)
def test_a_single_sample(text):
    x, t = arrays((1, 4), text)
    assert build(text)(x[0], t[0]).item() == pytest.approx(build(text)(x, t).item())
    assert build(text)(x[0], 2).item() == pytest.approx(build(text)(x, [2]).item())


@pytest.mark.parametrize("text", OF_SCORES)
@pytest.mark.parametrize("label", [0, 1])
def test_extreme_scores_have_finite_losses_and_gradients(text, label):
    x = fn.tensor(np.array([[1e4, -1e4, 0.0]], "f"), requires_grad=True)
    loss = build(text)(x, [label])
    loss.backward()
    assert np.isfinite(loss.item())
    assert np.isfinite(x.grad.data).all()
    if label == 0 and text != "SquaredLogLoss()":
        assert loss.item() == pytest.approx(0, abs=1e-6)


def test_losses_of_numbers_do_not_overflow():
    x = fn.tensor(np.array([1e4, -1e4, 1e-3, 0.0]), requires_grad=True)
    loss = F.log_cosh_loss(x, np.zeros(4), "none")
    loss.sum().backward()
    np.testing.assert_allclose(loss.data, [1e4 - np.log(2), 1e4 - np.log(2), 0.5e-6, 0], rtol=1e-6)
    np.testing.assert_allclose(x.grad.data, [1, -1, 1e-3, 0], rtol=1e-6)


def test_sums_of_squared_errors():
    x, t = RNG.standard_normal((2, 3, 4, 5))
    squares = (x - t) ** 2
    assert repr(nn.SSELoss()) == "SSELoss()"
    assert nn.SSELoss()(x, t).item() == pytest.approx(squares.sum())
    assert nn.SSELoss("mean")(x, t).item() == pytest.approx(squares.sum() / 3)
    np.testing.assert_allclose(nn.SSELoss("none")(x, t).data, squares.sum((1, 2)))
    np.testing.assert_allclose(nn.SSELoss("none")(x[0, 0], t[0, 0]).data, squares[0, 0])


def test_the_dice_loss_is_a_tversky_loss():
    x, t = arrays((3, 4, 2), "DiceLoss()")
    assert nn.DiceLoss(smooth=2)(x, t).item() == pytest.approx(nn.TverskyLoss(smooth=1)(x, t).item())
    signs = (x > 0.5) * 1.0
    assert nn.DiceLoss()(signs, signs).item() == pytest.approx(0)


def test_by_hand_on_arrays():
    loss, (x, t) = nn.TanimotoLoss(), arrays((3, 4), "TanimotoLoss()")
    tracked = fn.tensor(x, requires_grad=True)
    loss(tracked, t).backward()
    loss.forward(x, t)
    dx = loss.backward()
    np.testing.assert_allclose((dx[0] if isinstance(dx, tuple) else dx), tracked.grad.data)


def test_the_logarithm_of_zero_is_minus_100():
    for dtype in ("f", "d"):
        loss = F.binary_cross_entropy(np.array([0, 1, 0, 1], dtype), [1, 0, 0, 1], reduction="none")
        np.testing.assert_array_equal(loss.data, [100, 100, 0, 0])


def test_mean_kl_divergence_is_over_elements():
    x, t = np.log(softmax(RNG.standard_normal((3, 4)))), softmax(RNG.standard_normal((3, 4)))
    assert F.kl_div(x, t).item() == pytest.approx(np.mean(t * (np.log(t) - x)))
    assert nn.KLDivLoss("batchmean")(x, t).item() == pytest.approx((t * (np.log(t) - x)).sum() / 3)

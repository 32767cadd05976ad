"""Dropout of channels, and the one that keeps SELU's mean and variance: masks, scales and moments."""

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn

F = nn.functional
LOWEST = 1.7580993408473766  # scale · alpha of SELU


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Dropout1d, (40, 50, 3)),
        (nn.Dropout1d, (2000, 3)),
        (nn.Dropout2d, (40, 50, 3, 2)),
        (nn.Dropout2d, (40, 50, 3)),
        (nn.Dropout3d, (40, 50, 1, 3, 2)),
        (nn.Dropout3d, (2000, 1, 3, 2)),
    ],
)
@pytest.mark.parametrize("backend", ["cython", "numba", "numpy"])
def test_whole_channels_are_dropped(backend, layer, shape):
    fn.manual_seed(3)
    x = fn.tensor(np.random.default_rng(0).uniform(1, 2, shape).astype("f"), requires_grad=True)
    with fn.use_backend(backend):
        y = layer(0.3)(x)
        y.backward(np.ones(shape))

    scale = (y.detach().numpy() / x.detach().numpy()).reshape(2000, -1)

    np.testing.assert_allclose(scale, np.broadcast_to(scale[:, :1], scale.shape), rtol=1e-6)
    kept = scale[:, 0] != 0
    np.testing.assert_allclose(scale[kept], 1 / 0.7, rtol=1e-6)
    assert abs(kept.mean() - 0.7) < 4 * (0.3 * 0.7 / 2000) ** 0.5
    np.testing.assert_allclose(x.grad.numpy().reshape(2000, -1), scale, rtol=1e-6)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_alpha_dropout_gives_one_of_two_values(p):
    x = fn.tensor(np.linspace(-1, 1, 1001), requires_grad=True)
    y = F.alpha_dropout(x, p, training=True)
    y.backward(np.ones(1001))
    a = ((1 - p) * (1 + p * LOWEST**2)) ** -0.5
    kept = x.grad.numpy() != 0
    np.testing.assert_allclose(x.grad.numpy()[kept], a)
    np.testing.assert_allclose(y.detach().numpy()[kept], a * (x.detach().numpy()[kept] + p * LOWEST))
    np.testing.assert_allclose(y.detach().numpy()[~kept], a * (p - 1) * LOWEST)
    assert abs(kept.mean() - (1 - p)) < 4 * (p * (1 - p) / 1001) ** 0.5


@pytest.mark.parametrize("p", [0.05, 0.2, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(p):
    fn.manual_seed(1)
    x = np.random.default_rng(0).standard_normal((1000, 1000)).astype("f")
    y = nn.AlphaDropout(p)(fn.tensor(x)).numpy()
    assert abs(y.mean(dtype="d")) < 0.005
    assert abs(y.var(dtype="d") - 1) < 0.01


def test_feature_alpha_dropout_drops_whole_channels():
    fn.manual_seed(1)
    x = np.random.default_rng(0).standard_normal((40, 50, 3))
    y = nn.FeatureAlphaDropout(0.3)(fn.tensor(x)).numpy()
    a = (0.7 * (1 + 0.3 * LOWEST**2)) ** -0.5
    dropped = np.isclose(y, -a * 0.7 * LOWEST)
    assert (dropped.all(axis=2) == dropped.any(axis=2)).all()
    np.testing.assert_allclose(y[~dropped], a * (x[~dropped] + 0.3 * LOWEST))
    assert abs(dropped.mean() - 0.3) < 0.05


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(nn.Dropout1d, (4, 3, 5)), (nn.Dropout2d, (4, 3, 2, 5)), (nn.FeatureAlphaDropout, (4, 3, 5))],
)
def test_masks_are_functions_of_the_generator(layer, shape):
    x, generator = fn.tensor(np.ones(shape)), fn.Generator(5)
    first = [layer(0.5, generator=generator)(x).numpy() for _ in range(2)]
    again = layer(0.5, generator=fn.Generator(5))(x).numpy()
    np.testing.assert_array_equal(first[0], again)
    assert (first[0] != first[1]).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.Dropout2d(1.5), "Dropout2d: p=1.5 must be from 0 to 1"),
        (lambda: nn.AlphaDropout(-1), "AlphaDropout: p=-1 must be from 0 to 1"),
        (
            lambda: F.dropout1d(np.ones(3)),
            r"dropout1d: input has shape \(3,\), expected 3 axes, or 2 without",
        ),
        (lambda: F.dropout2d(np.ones((3, 2))), r"dropout2d: input has shape \(3, 2\), expected 4 axes, or 3"),
        (lambda: F.dropout3d(np.ones((3, 2, 2))), r"dropout3d: input has shape \(3, 2, 2\), expected 5 axes"),
        (
            lambda: F.feature_alpha_dropout(np.ones(3), training=True),
            r"feature_alpha_dropout: input has shape \(3,\), expected \(N, C, \*\)",
        ),
    ],
)
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_inplace_is_taken_where_pytorch_takes_it():
    x = fn.tensor(np.ones((3, 4), np.float32))
    assert F.dropout(x, 0.5, True, True).shape == (3, 4)
    assert repr(nn.Dropout(0.5, True)) == "Dropout(p=0.5, inplace=True)"
    np.testing.assert_array_equal(x.numpy(), 1)

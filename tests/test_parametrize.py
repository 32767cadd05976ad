"""Weights computed from others: put on, taken off, copied, frozen, trained, and refused where they cannot be saved."""

import copy
import pickle

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn, optim
from fastnano.architecture import describe
from fastnano.nn.utils import clip_grad_norm_, clip_grad_value_
from fastnano.nn.utils.parametrizations import spectral_norm, weight_norm
from fastnano.nn.utils.parametrize import (
    is_parametrized,
    register_parametrization,
    remove_parametrizations,
)


def test_clipping_has_pytorchs_address():
    assert (clip_grad_norm_, clip_grad_value_) == (nn.clip_grad_norm_, nn.clip_grad_value_)


@pytest.mark.parametrize("norm", [weight_norm, spectral_norm])
def test_put_on_and_taken_off(norm):
    layer = nn.Linear(4, 3)
    before = layer.weight.data.copy()
    assert norm(layer) is layer
    assert is_parametrized(layer, "weight")
    assert not is_parametrized(layer, "bias")
    layer.eval()
    made = layer.weight.data.copy()
    if norm is weight_norm:
        np.testing.assert_allclose(made, before, rtol=1e-6)
    else:
        np.testing.assert_allclose(made, before / np.linalg.norm(before, 2), rtol=0.02, atol=0.02)
    remove_parametrizations(layer, "weight")
    np.testing.assert_array_equal(layer.weight.data, made)
    assert isinstance(layer.weight, nn.Parameter)
    assert not is_parametrized(layer)
    assert repr(layer) == "Linear(in_features=4, out_features=3, bias=True)"
    assert sorted(layer.state_dict()) == ["bias", "weight"]


def test_the_original_can_be_taken_back():
    layer = spectral_norm(nn.Linear(4, 3))
    original = layer.parametrizations.weight.original.data.copy()
    remove_parametrizations(layer, "weight", leave_parametrized=False)
    np.testing.assert_array_equal(layer.weight.data, original)


def test_spectral_norm_comes_to_the_largest_singular_value():
    layer = spectral_norm(nn.Conv2d(3, 5, 3))
    for _ in range(200):
        weight = layer.weight
    assert np.linalg.norm(weight.data.reshape(5, -1), 2) == pytest.approx(1, abs=1e-5)


class Symmetric(nn.Module):
    def forward(self, x):
        return x + x.T


def test_one_of_ones_own_and_two_on_one_another():
    layer = nn.Linear(3, 3)
    x = layer.weight.data.copy()
    register_parametrization(layer, "weight", Symmetric())
    np.testing.assert_array_equal(layer.weight.data, x + x.T)
    register_parametrization(layer, "weight", Symmetric())
    np.testing.assert_array_equal(layer.weight.data, 2 * (x + x.T))


def test_copies_and_pickles_are_apart():
    layer = weight_norm(nn.Linear(3, 2))
    x = np.ones((1, 3), "f")
    y = layer(x)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(other(x), y)
        with fn.no_grad():
            other.parametrizations.weight.original0 *= 2
        np.testing.assert_array_equal(layer(x), y)
        assert not np.array_equal(other(x), y)


def test_what_was_frozen_stays_frozen():
    layer = nn.Linear(3, 2)
    layer.weight.requires_grad_(False)
    weight_norm(layer)
    assert [p.requires_grad for p in layer.parameters()] == [True, False, False]
    remove_parametrizations(layer, "weight")
    assert not layer.weight.requires_grad


def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((60, 4)).astype("f"), rng.integers(0, 2, 60)


def trained(norm, compile):
    fn.manual_seed(3)
    net = nn.Sequential(norm(nn.Linear(4, 8)), nn.Tanh(), nn.Linear(8, 2))
    trainer = fn.Trainer(net, nn.CrossEntropyLoss(), optim.SGD(net.parameters(), lr=0.5))
    trainer.fit(data(), epochs=3, progress=False, compile=compile)
    return net, trainer.history


def test_spectral_norm_is_trained_layer_by_layer_and_says_so():
    net, history = trained(spectral_norm, "auto")
    assert "power iteration" in history.eager
    assert history["loss"][-1] < history["loss"][0]
    assert np.linalg.norm(net.eval()[0].weight.data, 2) == pytest.approx(1, abs=0.05)


def test_weight_norm_is_the_same_with_a_plan():
    eager, _ = trained(weight_norm, False)
    auto, history = trained(weight_norm, "auto")
    assert history.eager == ""
    for a, b in zip(eager.parameters(), auto.parameters(), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (
            lambda: setattr(weight_norm(nn.Linear(2, 2)), "weight", None),
            AttributeError,
            r"Linear.weight is computed",
        ),
        (lambda: weight_norm(nn.ReLU()), ValueError, r"ReLU has no parameter 'weight', but none"),
        (
            lambda: remove_parametrizations(nn.Linear(2, 2), "weight"),
            ValueError,
            r"'weight' of Linear is not",
        ),
        (
            lambda: remove_parametrizations(weight_norm(nn.Linear(2, 2)), "weight", False),
            ValueError,
            r"several originals",
        ),
        (
            lambda: spectral_norm(nn.Linear(2, 2), dim=2),
            IndexError,
            r"dim=2 is not an axis of shape \(2, 2\)",
        ),
        (lambda: spectral_norm(nn.Linear(2, 2), n_power_iterations=0), ValueError, r"n_power_iterations=0"),
        (
            lambda: describe(weight_norm(nn.Linear(2, 2))),
            TypeError,
            r"computed from others.*remove_parametrizations",
        ),
    ],
)
def test_errors(run, error, message):
    with pytest.raises(error, match=message):
        run()

"""What normalisation refuses, and that it needs no more than the row it normalises."""

import numpy as np
import pytest

import fastnano as fn
from fastnano import nn

F = nn.functional
ones = np.ones


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.LayerNorm(0), ValueError, "LayerNorm: normalized_shape=0 must be at least 1"),
        (lambda: nn.LayerNorm(()), ValueError, "LayerNorm: normalized_shape is empty"),
        (lambda: nn.LayerNorm(3, eps=-1), ValueError, "LayerNorm: eps=-1 must be at least 0"),
        (
            lambda: nn.LayerNorm(3)(ones((2, 4), "f")),
            ValueError,
            r"input has shape \(2, 4\), expected \(\*, 3\)",
        ),
        (
            lambda: F.layer_norm(ones((2, 3)), 3, ones(2)),
            ValueError,
            r"weight has shape \(2,\), expected \(3,\)",
        ),
        (lambda: F.layer_norm(ones((2, 3)), 3, None, ones(2)), ValueError, r"bias has shape \(2,\)"),
        (lambda: nn.RMSNorm((2, 0.5)), TypeError, "RMSNorm: normalized_shape=0.5 must be an integer"),
        (lambda: nn.RMSNorm(2, eps=-1), ValueError, "RMSNorm: eps=-1 must be at least 0, or None"),
        (
            lambda: nn.RMSNorm(2)(ones(3, "f")),
            ValueError,
            r"rms_norm: input has shape \(3,\), expected \(\*, 2\)",
        ),
        (lambda: nn.GroupNorm(2, 3), ValueError, "GroupNorm: num_groups=2 must divide num_channels=3"),
        (lambda: nn.GroupNorm(2, 4)(ones((1, 3, 2), "f")), ValueError, "must divide the 3 channels of input"),
        (lambda: F.group_norm(ones(3), 1), ValueError, r"input has shape \(3,\), expected \(N, C, \*\)"),
        (lambda: F.group_norm(ones((1, 3)), 3), ValueError, "has one value per group; it needs at least two"),
        (lambda: nn.InstanceNorm1d(3)(ones(3, "f")), ValueError, "expected 2 axes or 3 axes"),
        (
            lambda: nn.InstanceNorm2d(3)(ones((1, 2, 2, 2), "f")),
            ValueError,
            "has 2 channels, expected num_fea",
        ),
        (lambda: nn.InstanceNorm2d(2)(ones((1, 2, 1, 1), "f")), ValueError, "with two values per channel"),
        (
            lambda: nn.BatchNorm3d(2)(ones((1, 2, 1, 1), "f")),
            ValueError,
            "BatchNorm3d: input has shape .* 5 axes",
        ),
        (lambda: nn.LocalResponseNorm(0), ValueError, "LocalResponseNorm: size=0 must be at least 1"),
        (lambda: F.local_response_norm(ones((2, 3)), 2), ValueError, "expected .* of at least 3 axes"),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("backend", ["cython", "numba", "numpy"])
@pytest.mark.parametrize("layer", [nn.LayerNorm(7), nn.RMSNorm(7), nn.GroupNorm(7, 7), nn.InstanceNorm1d(7)])
def test_a_sample_is_normalised_the_same_in_any_batch(layer, backend):
    x = np.random.default_rng(0).standard_normal((33, 7, 7)).astype("f")
    with fn.use_backend(backend):
        together = layer(x)
        alone = [layer(sample[None]) for sample in x]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backend", ["cython", "numba", "numpy"])
def test_a_mean_far_from_zero_costs_no_digits(backend):
    x = 1000 + np.random.default_rng(0).standard_normal((40, 3000)).astype("f")
    with fn.use_backend(backend):
        y = F.layer_norm(x, 3000).numpy()
    exact = F.layer_norm(x.astype("d"), 3000).numpy()
    np.testing.assert_allclose(y, exact, atol=2e-4)

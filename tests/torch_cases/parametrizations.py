"""Weights computed from others."""

from . import row

WEIGHT, SPECTRAL = "utils.parametrizations.weight_norm", "utils.parametrizations.spectral_norm"

ROWS = [
    row(f"{WEIGHT}(Linear(5, 3))", (4, 5)),
    row(f"{WEIGHT}(Linear(5, 3, bias=False), dim=1)", (4, 5)),
    row(f"{WEIGHT}(Linear(5, 3), dim=None)", (4, 5)),
    row(f"{WEIGHT}(Linear(5, 3), 'bias')", (4, 5)),
    row(f"{WEIGHT}(Conv2d(2, 3, (3, 2)))", (2, 2, 5, 4)),
    row(f"{WEIGHT}(Conv2d(4, 6, 1, groups=2), dim=1)", (2, 4, 3, 3)),
    row(f"{SPECTRAL}(Linear(5, 3))", (4, 5)),
    row(f"{SPECTRAL}(Linear(5, 3))", (4, 5), training=False),
    row(f"{SPECTRAL}(Linear(1, 1), n_power_iterations=4)", (4, 1)),
    row(f"{SPECTRAL}(Linear(5, 3), 'bias')", (4, 5)),
    row(f"{SPECTRAL}(Conv2d(2, 3, (3, 2)), n_power_iterations=2, dim=-2)", (2, 2, 5, 4)),
    row(f"Sequential({WEIGHT}(Linear(5, 4)), ReLU(), {SPECTRAL}(Linear(4, 2)))", (4, 5)),
    row(f"{SPECTRAL}({WEIGHT}(Linear(5, 3)))", (4, 5)),
]

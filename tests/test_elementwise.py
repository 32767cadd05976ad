"""The native twins of elementwise formulas against the formulas, in arrays between guard bands."""

import numpy as np
import pytest

from fastnano.ops import EXPRESSIONS, FORMULAS
from test_parity import Guarded
from variants import NATIVE, every_native_variant

ROWS = (
    *("add", "sub", "mul", "div", "pow", "neg", "exp", "log", "sqrt", "abs"),
    *("maximum", "minimum", "clamp_min"),
)
SPECIAL = (
    *(0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.0, 3.0, 0.5, -1.5),
    *(1e-40, 1e30, -1e30, 100.0),
)
SIZES = (1, 7, 16, 17, 1001, 40_003)  # the last one is worth several threads


def kernels(variant):
    from fastnano._kernels import _native

    return _native.formulas(variant.removeprefix("cython-"))


def hands_on(formula):
    """Whether a formula only passes the gradient on."""
    dz = np.ones(3)
    return formula.arguments == ("dz",) and formula.function(dz) is dz


NAMES = [f.name for row in ROWS for f in (EXPRESSIONS[row].forward, *EXPRESSIONS[row].gradients.values())]
NAMES = [name for name in NAMES if not hands_on(FORMULAS[name])]


@every_native_variant
def test_every_elementwise_formula_has_its_kernel(variant):
    assert sorted(kernels(variant)) == sorted(NAMES)


def numbers(size, seed, special):
    rng = np.random.default_rng([seed, size])
    ordinary = 3 * rng.standard_normal(size)
    picked = rng.choice(SPECIAL, size)
    return np.where(rng.random(size) < 0.5, picked, ordinary).astype("f") if special else ordinary.astype("f")


@every_native_variant
@pytest.mark.parametrize("special", [False, True], ids=["ordinary", "special"])
@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_computes_its_formula(name, special, variant):
    formula, kernel = FORMULAS[name], kernels(variant)[name]
    contract = formula.contract
    for size in SIZES:
        env = {a.name: numbers(size, i, special) for i, a in enumerate(contract.reads)}
        env |= dict.fromkeys(contract.scalars, 0.5)
        with np.errstate(all="ignore"):
            want = formula.function(*(env[a] for a in formula.arguments))
        guarded = {a.name: Guarded((size,), "f", 1, env[a.name]) for a in contract.reads}
        guarded[formula.output] = Guarded((size,), "f", 1)
        kernel(*(g.array for g in guarded.values()), *(env[n] for n in contract.scalars))
        for argument, g in guarded.items():
            g.check(f"{name}: {argument}")
        np.testing.assert_allclose(guarded[formula.output].array, want, rtol=2e-6, atol=1e-38, err_msg=name)


@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_takes_no_arrays_of_different_sizes(name):
    contract = FORMULAS[name].contract
    arrays = [np.ones(4 + (i == 0), "f") for i, _ in enumerate(contract.arrays)]
    with pytest.raises(TypeError, match="does not fit"):
        kernels(NATIVE[0])[name](*arrays, *(0.5 for _ in contract.scalars))

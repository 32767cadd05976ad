"""Formulas: what the parser takes, and the native twins of expressions, in arrays between guard bands."""

import math
from pathlib import Path

import numpy as np
import pytest

from fastnano import _kernels
from fastnano._kernels import _formula, _words
from fastnano._kernels._build import formulas
from fastnano.ops import CONTRACTS, EXPRESSIONS, FORMULAS
from test_parity import Guarded
from variants import NATIVE, every_native_variant

ROWS = (
    *("add", "sub", "mul", "div", "pow", "neg", "exp", "log", "sqrt", "abs"),
    *(
        "maximum",
        "minimum",
        "clamp_min",
        "where",
        "eq",
        "ne",
        "lt",
        "ge",
        "logical_xor",
        "bitwise_not",
        "isinf",
    ),
)
SPECIAL = (
    *(0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.0, 3.0, 0.5, -1.5),
    *(1e-40, 1e30, -1e30, 100.0),
)
CANCELLING = ("log_cosh_forward", "binary_cross_entropy")  # differences of terms much larger than their value
SIZES = (1, 7, 16, 17, 1001, 40_003)  # the last one is worth several threads
PARSED = {f.name: f for f in formulas(Path(_kernels.__file__).parent)}


def kernels(variant):
    from fastnano._kernels import _native

    return _native.formulas(variant.removeprefix("cython-"))


def hands_on(formula):
    """Whether a formula only passes the gradient on."""
    dz = np.ones(3)
    return formula.arguments == ("dz",) and formula.function(dz) is dz


NAMES = [name for name in PARSED if name in FORMULAS]


def test_the_formulas_of_elementwise_rows_are_all_understood():
    rows = [f for row in ROWS for f in (EXPRESSIONS[row].forward, *EXPRESSIONS[row].gradients.values())]
    assert sorted({f.name for f in rows if not hands_on(f)} - set(PARSED)) == []
    assert sorted(set(PARSED) - set(FORMULAS) - set(CONTRACTS)) == []


@every_native_variant
def test_every_understood_formula_has_its_kernel(variant):
    assert sorted(kernels(variant)) == sorted(NAMES), "build again"


def numbers(size, seed, special, answers=False):
    rng = np.random.default_rng([seed, size])
    if answers:
        return rng.random(size) < 0.5
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
        answers = name.startswith("bitwise")  # of whole numbers native code has none
        env = {a.name: numbers(size, i, special, answers) for i, a in enumerate(contract.reads)}
        env |= dict.fromkeys(contract.scalars, 0.5)
        with np.errstate(all="ignore"):
            want = formula.function(*(env[a] for a in formula.arguments))
        guarded = {a.name: Guarded((size,), "f", 1, env[a.name]) for a in contract.reads}
        guarded[formula.output] = Guarded((size,), "f", 1)
        kernel(*(g.array for g in guarded.values()), *(env[n] for n in contract.scalars))
        for argument, g in guarded.items():
            g.check(f"{name}: {argument}")
        largest = np.abs(want[np.isfinite(want)]).max(initial=0) if name.startswith(CANCELLING) else 0
        least = 1e-38 + 1e-6 * largest
        np.testing.assert_allclose(guarded[formula.output].array, want, rtol=2e-6, atol=least, err_msg=name)


@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_takes_no_arrays_of_different_sizes(name):
    contract = FORMULAS[name].contract
    arrays = [np.ones(4 + (i == 0), "f") for i, _ in enumerate(contract.arrays)]
    with pytest.raises(TypeError, match="does not fit"):
        kernels(NATIVE[0])[name](*arrays, *(0.5 for _ in contract.scalars))


# The parser


def parse(body):
    (formula,) = _formula.of_functions(f"HALF = 0.5\n\ndef f_dx(dy, x, *, a):\n    {body}\n")
    return formula


def test_a_formula_of_everything_becomes_a_kernel_of_the_same_arguments():
    formula = parse(
        "'''doc'''\n    t = np.exp(-x) + HALF\n    return where(~(x > a) & (t <= 1), dy / t, x**2)"
    )
    assert formula.arguments == ("dy", "x", "dx", "a")
    assert formula.costly
    assert "t_ = (exponential((-x_)) + splat(0.5))" in _formula.native(formula)
    chosen = "both(neither(greater(x_, a_)), at_least(splat(1), t_))"
    assert f"dx_ = choose({chosen}, (dy_ / t_), power(x_, splat(2)))" in _formula.native(formula)
    assert "t = exp(-x[__i]) + __number(0.5)" in _formula.loop(formula)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return x.sum()", r"f_dx: 'x.sum\(\)' is nothing a formula may say"),
        ("return gamma(x)", "gamma"),
        ("return x @ dy", "x @ dy"),
        ("return 0 < x < 1", "0 < x < 1"),
        ("return 'x'", "'x'"),
        ("return +x", r"\+x"),
        ("return y * x", "y is neither a parameter nor a number of the module"),
        ("return where(x, 1, 0)", "x is no condition"),
        ("return x & dy", "x is no condition"),
        ("return x ^ dy", "x is no condition"),
        ("x += 1", r"'x \+= 1' is no step"),
        ("if x: return 1", "is no step"),
        ("return x\n    return dy", "'return x' is no step"),
    ],
)
def test_what_is_no_formula_says_so(body, said):
    with pytest.raises(_formula.NotAFormula, match=said):
        _formula.native(parse(body))


def test_every_word_is_known_to_every_back_end():
    from fastnano._kernels import _words_numba

    assert set(_formula.WORDS) == set(_words.__all__) == set(_words_numba.WORDS) - {"prange"}


def test_erf_and_sigmoid_are_exact():
    x = np.linspace(-7, 7, 1001)
    np.testing.assert_allclose(_words.erf(x), [math.erf(v) for v in x], rtol=1e-15)
    np.testing.assert_allclose(_words.sigmoid(x), 1 / (1 + np.exp(-x)), rtol=1e-15)


@pytest.mark.parametrize("dtype", ["f", "d"])
def test_where_picks_the_bits_of_its_sides(dtype):
    x, y = np.array([np.nan, 1, -0.0, np.inf], dtype), np.array([2, np.nan, -np.inf, 0], dtype)
    for mask in np.ndindex((2,) * 4):
        mask = np.array(mask, bool)
        for sides in ((x, y), (x, -0.0), (3, y), (x[0], 0), (x, y[:, None])):
            got, want = _words.where(mask, *sides), np.where(mask, *sides)
            assert (got.dtype, got.tobytes()) == (want.dtype, want.tobytes())
    assert _words.where(x > 0, 1, 0).tolist() == [0, 1, 0, 1]

"""Every kernel of every back end against the reference, in arrays between guard bands."""

import numpy as np
import pytest

from cases import CASES, case, conv
from fastnano import _kernels
from variants import every_native_variant, every_numba_variant, every_variant, load

BAND = 256  # bytes before and after an array
BATCHES = (1, 3, 7, 15, 16, 17, 33)
TOLERANCE = {"f": 1e-5, "d": 1e-10}

every_case = pytest.mark.parametrize("case", CASES, ids=str)


class Guarded:
    """An array of its own memory, between bands of a byte that must stay.

    Inputs lie between ones, so that what is read beyond them is NaN (or -1); outputs are full of those, but
    lie between another byte, so that what is copied from beyond an input shows.
    """

    def __init__(self, shape, dtype, shift, values=None):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self.byte = 0xA5 if values is None else 0xFF
        self.memory = np.full(size + 3 * BAND, self.byte, np.uint8)
        start = BAND - self.memory.ctypes.data % 64 + shift * np.dtype(dtype).itemsize
        inside = self.memory[start : start + size]
        inside.fill(0xFF)
        self.array = inside.view(dtype).reshape(shape)
        if values is not None:
            self.array[...] = values
        self.bands = self.memory[:start], self.memory[start + size :]

    def check(self, what):
        before, after = (np.flatnonzero(band != self.byte) for band in self.bands)
        assert not before.size, f"{what}: wrote {len(self.bands[0]) - before[0]} bytes before its beginning"
        assert not after.size, f"{what}: wrote {after[-1] + 1} bytes beyond its end"


def run(contract, kernel, env, sizes, dtype, shift=0):
    """Call a kernel on guarded copies; returns what it wrote, by name."""
    guarded = {}
    for a in contract.arrays:
        values = env[a.name] if a in contract.given else None
        guarded[a.name] = Guarded(a.shape(sizes), a.dtype or dtype, shift, values)
    kernel(*(g.array for g in guarded.values()), *(env[name] for name in contract.scalars))
    for name, g in guarded.items():
        g.check(f"{contract.name}: {name}")
    for a in contract.reads:
        unchanged = guarded[a.name].array.tobytes() == env[a.name].tobytes()
        assert unchanged, f"{contract.name}: {a.name} was changed, but is only read"
    return {a.name: guarded[a.name].array for a in contract.writes}


def steps(case, dtype):
    """Each kernel of a case with all that it reads (by the reference) and what it should write."""
    env = case.inputs(dtype) | case.scalars
    sizes = case.contract.bind([env[a.name] for a in case.contract.given], case.scalars)
    rng, reference = np.random.default_rng(1), _kernels.load("numpy")
    for contract in case.contracts:
        want = run(contract, reference[contract.name], env, sizes, dtype)
        yield contract, env, sizes, want
        env = env | want
        if contract is case.contract:
            output = contract.writes[0].name
            env[f"d{output}"] = rng.standard_normal(want[output].shape).astype(dtype)


def assert_close(got, want, tolerance, what):
    """Equal to a tolerance relative to each value, or to the largest of a sum's; integers are just equal."""
    if want.dtype.kind in "iu":
        np.testing.assert_array_equal(got, want, err_msg=what)
        return
    finite = np.abs(want[np.isfinite(want)])
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def check(case, kernels, dtype="f", shift=0):
    for contract, env, sizes, want in steps(case, dtype):
        got = run(contract, kernels[contract.name], env, sizes, dtype, shift)
        for name in want:
            assert_close(got[name], want[name], TOLERANCE[dtype], f"{contract.name}: {name}")


@every_variant
@every_case
def test_parity(variant, case):
    check(case, load(variant))


@every_numba_variant
@every_case
def test_parity_in_float64(variant, case):
    check(case, load(variant), "d")


@every_variant
@every_case
def test_batches_of_every_size_in_arrays_aligned_to_their_elements_only(variant, case):
    for n in BATCHES:
        check(case.with_batch(n), load(variant), shift=1)


def large(case):
    """The case with a batch, not a round number, that is worth several threads."""
    inputs = case.inputs("f")
    per_sample = max((array.size for array in inputs.values()), default=1) // case.sizes.get(
        "n", case.sizes.get("...", [1])[0]
    )
    return case.with_batch(max(33, 150_000 // per_sample) | 1)


@every_numba_variant
@every_case
def test_large_batches(variant, case):
    check(large(case), load(variant))


@every_native_variant
@every_case
def test_any_number_of_threads_gives_the_same_bits(variant, case):
    from fastnano._kernels import _native

    kernels, before = load(variant), _native.get_num_threads()
    try:
        for contract, env, sizes, want in steps(large(case), "f"):
            alone = None
            for threads in (1, 2, 3, 5):
                _native.set_num_threads(threads)
                got = run(contract, kernels[contract.name], env, sizes, "f")
                alone = alone or got
                for name in want:
                    what = f"{contract.name}: {name} with {threads} threads"
                    assert_close(got[name], want[name], TOLERANCE["f"], what)
                    assert got[name].tobytes() == alone[name].tobytes(), f"{what} differs from 1 thread"
    finally:
        _native.set_num_threads(before)


@every_native_variant
def test_winograds_errors_stay_within_their_bound(variant):
    sizes = "n=2 c=128 h=14 w=14 o=128 d=128 k=3 l=3"
    for contract, env, known, _ in steps(case("conv2d_winograd", sizes, **conv(pad=(1, 1))), "f"):
        exact = {name: a.astype("d") for name, a in env.items() if isinstance(a, np.ndarray)}
        want = run(contract, _kernels.load("numpy")[contract.name], env | exact, known, "d")
        got = run(contract, load(variant)[contract.name], env, known, "f")
        for name in {"y", "dx", "dweight"} & set(want):
            assert np.abs(got[name] - want[name]).max() < 4e-6 * np.abs(want[name]).max(), name


@every_variant
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.999, 1.0])
def test_the_dropout_mask_is_the_references_bit_for_bit(variant, p):
    x = np.random.default_rng(0).standard_normal(150_001).astype("f")
    for seed, counter in ((0, 0), (1, 2**32 + 3), (2**64 - 1, 2**64 - 1)):
        key = np.array([seed, counter], np.uint64)
        want, got = np.empty_like(x), np.empty_like(x)
        _kernels.load("numpy")["dropout_forward"](x, key, want, p)
        load(variant)["dropout_forward"](x, key, got, p)
        np.testing.assert_array_equal(got, want)


@every_native_variant
def test_native_kernels_refuse_what_they_cannot_take(variant):
    relu, x = load(variant)["relu_forward"], np.ones((4, 6), np.float32)
    for y in (np.empty((4, 6)), np.empty((6, 4), np.float32).T, [0]):
        with pytest.raises((TypeError, ValueError), match="relu_forward"):
            relu(x, y)

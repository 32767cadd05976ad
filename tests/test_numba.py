"""The Numba back end: its parallel loops, and its thread pool, which aborts when two threads enter it."""

import importlib
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from cases import CASES
from fastnano import _kernels
from fastnano._contract import Argument
from fastnano._kernels._numba import Kernel
from test_parity import steps

MODULES = [importlib.import_module(f"fastnano._kernels.{family}_numba") for family in _kernels.FAMILIES]


class Watched:
    """``prange`` one iteration after the other, that refuses two which write to the same place.

    A race hardly ever shows in a result (in 1 of 30 calls of 6 ms, where all iterations add to the same five
    numbers), so it is looked for in the Python source of the kernels instead.
    """

    def __init__(self, outputs: list[np.ndarray]) -> None:
        self.outputs = outputs

    def __call__(self, *bounds):
        writers = [np.full(output.shape, -1) for output in self.outputs]
        for i in range(*bounds):
            before = [output.copy() for output in self.outputs]
            yield i
            for output, old, writer in zip(self.outputs, before, writers, strict=True):
                changed = (output != old) & ~(np.isnan(output) & np.isnan(old))
                shared = np.argwhere(changed & (writer >= 0))
                assert not len(shared), f"iterations {writer[tuple(shared[0])]} and {i} write to {shared[0]}"
                writer[changed] = i


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_two_iterations_of_a_parallel_loop_write_to_the_same_place(case, monkeypatch):
    for contract, env, sizes, want in steps(case.with_batch(3), "f"):
        arrays = {a.name: _own_array(a, env, sizes) for a in contract.arrays}
        watched = Watched([arrays[name] for name in want])
        for module in MODULES:
            for name, kernel in vars(module).items():
                if isinstance(kernel, Kernel):
                    monkeypatch.setattr(module, name, _interpreted(kernel))
            if hasattr(module, "prange"):
                monkeypatch.setattr(module, "prange", watched)
        kernel = next((getattr(m, contract.name) for m in MODULES if hasattr(m, contract.name)), None)
        if kernel is None:
            derived = _kernels.load("numba")[contract.name]
            monkeypatch.setitem(derived.py_func.__globals__, "prange", watched)
            kernel = _interpreted(derived)
        with np.errstate(all="ignore"):
            kernel(*arrays.values(), *(env[name] for name in contract.scalars))
        monkeypatch.undo()
        for name in want:
            np.testing.assert_allclose(arrays[name], want[name], rtol=1e-4, atol=1e-4)


def _own_array(argument: Argument, env: dict, sizes: dict) -> np.ndarray:
    if argument.name in env:
        return env[argument.name].copy()
    return np.full(argument.shape(sizes), -1 if argument.dtype else np.nan).astype(argument.dtype or "f")


def _interpreted(kernel: Kernel):
    """The kernel's Python source, on arrays as its compiled form sees them."""
    return lambda *arguments: kernel.py_func(*kernel._flattened(arguments))


def test_several_python_threads_may_call_parallel_kernels():
    relu = _kernels.load("numba")["relu_forward"]
    x = np.random.default_rng(0).standard_normal(200_000).astype("f")
    outputs = [np.empty_like(x) for _ in range(4)]

    def work(y):
        for _ in range(20):
            relu.parallel(x, y)

    threads = [threading.Thread(target=work, args=(y,)) for y in outputs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for y in outputs:
        np.testing.assert_array_equal(y, np.maximum(x, 0))


FORK = """
import os, numpy as np
from fastnano import _kernels
relu = _kernels.load("numba")["relu_forward"]
x, y = np.full(200_000, -1, "f"), np.ones(200_000, "f")
relu.parallel(x, y)
child = os.fork()
if not child:
    y[:] = 1
    relu.parallel(x, y)
    os._exit(int(y.any()))
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_parallel_kernels_run_in_a_forked_child():
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=120)


@pytest.mark.parametrize(("given", "used"), [(None, "workqueue"), ("omp", "omp")])
def test_the_threading_layer_is_one_that_survives_a_fork_unless_chosen(given, used):
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_THREADING_LAYER"}
    if given:
        environment["NUMBA_THREADING_LAYER"] = given
    code = "import fastnano._kernels._numba, numba; print(numba.config.THREADING_LAYER)"
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == used

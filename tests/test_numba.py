"""The Numba back end in threads and after a fork, where its thread pool would abort or hang by itself."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from fastnano import _kernels


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

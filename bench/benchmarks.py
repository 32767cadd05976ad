"""Benchmarks that asv follows from commit to commit; see asv.conf.json and README.md."""

from __future__ import annotations

import numpy as np

import fastnano
from fastnano import _kernels

from .contestants import CONTESTANTS, Calls
from .machine import processors
from .workloads import BATCH, NETWORKS, WORKLOADS, environment, kernels

_BY_NAME = {workload.name: workload for workload in WORKLOADS}


def _use(backend: str) -> None:
    try:
        fastnano.use_backend(backend)
    except ImportError:
        raise NotImplementedError(f"{backend} is not built") from None  # asv skips it


def _training(network: str, backend: str) -> Calls:
    return CONTESTANTS["fastnano eager"].make(network, BATCH, processors(), backend)


class Kernels:
    """The forward and gradient kernels of one workload, one after another."""

    params = (list(_BY_NAME), list(_kernels.BACKENDS))
    param_names = ("workload", "backend")

    def setup(self, name: str, backend: str) -> None:
        _use(backend)
        env = environment(_BY_NAME[name])
        table = _kernels.load(backend)
        contracts = [c for c in kernels(_BY_NAME[name]) if c.name in table]
        if not contracts:
            raise NotImplementedError(f"{backend} has no kernel of its own for {name}")
        self.calls = [(table[c.name], [env[a] for a in c.arguments]) for c in contracts]
        self.time_kernels()  # compiles what is compiled when first called

    def time_kernels(self, *_: str) -> None:
        with np.errstate(all="ignore"):
            for kernel, arguments in self.calls:
                kernel(*arguments)


class Training:
    """One eager training step: zero the gradients, forward, loss, backward, SGD with momentum."""

    params = (list(NETWORKS), list(_kernels.BACKENDS))
    param_names = ("network", "backend")
    timeout = 120

    def setup(self, network: str, backend: str) -> None:
        _use(backend)
        self.train, self.infer, _ = _training(network, backend)
        self.train()

    def time_step(self, *_: str) -> None:
        self.train()

    def time_one_image(self, *_: str) -> None:
        self.infer()


class Plan:
    """Training compiled steps, an epoch of ``SCAN`` batches in one call."""

    params = (list(NETWORKS),)
    param_names = ("network",)
    timeout = 120

    def setup(self, network: str) -> None:
        _use("cython")
        self.train, self.infer, _ = CONTESTANTS["fastnano plan"].make(network, BATCH, processors(), "cython")
        self.train()
        self.infer()

    def time_epoch(self, _: str) -> None:
        self.train()

    def time_one_image(self, _: str) -> None:
        self.infer()


class Memory:
    """The process's peak after a few training steps."""

    params = (list(NETWORKS),)
    param_names = ("network",)

    def setup(self, network: str) -> None:
        _use("cython")

    def peakmem_step(self, network: str) -> None:
        train, _, _ = _training(network, "cython")
        for _ in range(3):
            train()


class Import:
    """Importing in a new process."""

    def timeraw_import(self) -> str:
        return "import fastnano"

    def timeraw_import_ready_to_train(self) -> str:
        return "from fastnano import nn, optim, use_backend; use_backend('cython')"

    def timeraw_import_numpy(self) -> str:
        return "import numpy"

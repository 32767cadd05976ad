"""The native back end: picks the instruction set, loads its kernels, sets the number of threads.

``FASTNANO_ISA`` forces an instruction set, ``FASTNANO_NUM_THREADS`` the number of threads.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from .._contract import Contract
from ..ops import CONTRACTS, FORMULAS
from ._executor import Kernel, get_num_threads, set_num_threads, supported

__all__ = ["ISAS", "available", "formulas", "get_num_threads", "load", "set_num_threads"]

ISAS = tuple(
    isa for isa in ("baseline", "avx2", "avx512") if find_spec(f"{__package__}._native_{isa}")
)  # worst first


class Kernels(Mapping[str, Kernel]):
    """The kernels of an instruction set by name, each made when it is first asked for, since all take 11 ms."""

    def __init__(
        self, module: ModuleType, isa: str, names: Iterable[str], contract: Callable[[str], Contract]
    ) -> None:
        self._module, self._isa, self._contract = module, isa, contract
        self._made: dict[str, Kernel | None] = dict.fromkeys(names)

    def __getitem__(self, name: str) -> Kernel:
        kernel = self._made[name]
        if kernel is None:
            kernel = Kernel(self._contract(name), self._module.TABLE, self._module.PACKING, self._isa)
            self._made[name] = kernel
        return kernel

    def __contains__(self, name: object) -> bool:
        return name in self._made

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def available() -> tuple[str, ...]:
    """The instruction sets that were built and that this processor has, worst first."""
    return tuple(isa for isa in ISAS if isa in supported())


def load(isa: str | None = None) -> Kernels:
    """Every native kernel by name, for the given instruction set, that of ``FASTNANO_ISA``, or the best."""
    return _load(isa or current())[0]


def formulas(isa: str | None = None) -> Kernels:
    """The formulas of expressions that have a native kernel, for arrays of one shape, by name."""
    return _load(isa or current())[1]


def packing(isa: str | None = None) -> tuple[int, ...]:
    """Addresses of what moves samples between layouts (see ``_build.MOVERS``)."""
    return _module(isa or current()).PACKING


def current() -> str:
    """The instruction set in use."""
    return _supported(os.environ.get("FASTNANO_ISA") or available()[-1])


@cache
def _load(isa: str) -> tuple[Kernels, Kernels]:
    module = _module(isa)
    rows = [name for name in CONTRACTS if name in module.TABLE]
    others = [name for name in FORMULAS if name in module.TABLE.keys() - CONTRACTS.keys()]
    return (
        Kernels(module, isa, rows, CONTRACTS.__getitem__),
        Kernels(module, isa, others, lambda name: FORMULAS[name].contract),
    )


def _supported(isa: str) -> str:
    if isa not in available():
        there = ", ".join(available())
        raise ValueError(
            f"instruction set {isa!r} (FASTNANO_ISA) is not built or not supported here; there is {there}"
        )
    return isa


def _module(isa: str) -> Any:
    return importlib.import_module(f"{__package__}._native_{_supported(isa)}")


def _default_threads() -> int:
    """``FASTNANO_NUM_THREADS``, or the processors this process may use and has quota for."""
    forced = os.environ.get("FASTNANO_NUM_THREADS")
    if forced:
        if not forced.isdigit() or int(forced) < 1:
            raise ValueError(f"FASTNANO_NUM_THREADS={forced!r} must be a whole number, at least 1")
        return int(forced)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(processors, _quota("/proc/self/cgroup", "/sys/fs/cgroup"))))


def _quota(membership: str, root: str) -> float:
    """Processors' worth of time that the control groups (version 1 or 2) of this process allow."""
    quota = math.inf
    try:
        lines = _text(membership).splitlines()
    except OSError:
        return quota  # not Linux
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        while True:  # a limit on any level holds; in a container the path may be the host's
            group = group.rstrip("/")
            quota = min(quota, _limit(os.path.join(root, controllers, group.lstrip("/"))))
            if not group:
                break
            group = group.rpartition("/")[0]
    return quota


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _limit(group: str) -> float:
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            limit, period = " ".join(_text(os.path.join(group, name)) for name in names).split()
        except (OSError, ValueError):
            continue
        if limit not in ("max", "-1"):
            return int(limit) / int(period)
    return math.inf


set_num_threads(_default_threads())

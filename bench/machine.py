"""The machine under the figures: what it is, how busy it is, and the most it can multiply and add.

# Design: the peak is that of a loop of fused multiply-adds in registers, in C, compiled for this machine when
# asked.  Where there is no compiler, NumPy's matrix product stands in, a lower bound, and the table says so.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

QUIET = 0.5  # one-minute load above which figures are not to be trusted

_LOOP = """
#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
typedef float vec __attribute__((vector_size(BYTES)));
#define CHAINS 12  /* two FMA units with a latency of four cycles need eight */

double fma_loop(long turns, float scale) {
    vec sums[CHAINS];
    for (int j = 0; j < CHAINS; j++) sums[j] = (vec){0} + (float)j;
    for (long i = 0; i < turns; i++)
        for (int j = 0; j < CHAINS; j++) sums[j] = sums[j] * scale + 1.0f;
    for (int j = 1; j < CHAINS; j++) sums[0] += sums[j];
    return sums[0][0];
}

double flop_per_turn(void) { return 2.0 * CHAINS * BYTES / sizeof(float); }
"""


@dataclass(frozen=True)
class Machine:
    """What every table of figures is headed by."""

    processor: str
    processors: int
    threads: int
    isa: str
    load: float
    peak: float  # GFLOP/s on so many threads
    peak_one: float  # on one
    measured_by: str

    def __str__(self) -> str:
        return (
            f"{self.processor}, {self.processors} processors, {self.isa}, load {self.load:.2f}; peak on "
            f"{self.threads} threads {self.peak:.0f} GFLOP/s, on one {self.peak_one:.0f} ({self.measured_by})"
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def describe(threads: int) -> Machine:
    """The machine, measured now; says so where it is too busy for figures."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > QUIET:
        print(f"warning: the load is {load:.2f}; do not trust figures taken above {QUIET}", file=sys.stderr)
    work, measured_by = _work()
    return Machine(
        processor=processor(),
        processors=processors(),
        threads=threads,
        isa=instruction_set(),
        load=round(load, 2),
        peak=_peak(work, threads),
        peak_one=_peak(work, 1),
        measured_by=measured_by,
    )


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor's name."""
    found = _cpuinfo().get("model name")
    if not found and sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return found or platform.processor() or platform.machine()


def instruction_set() -> str:
    """The widest vectors that the native kernels know and this processor has, or what FASTNANO_ISA says."""
    flags = _cpuinfo().get("flags", "").split()
    has = [name for name, flag in (("avx512", "avx512f"), ("avx2", "avx2")) if flag in flags]
    return os.environ.get("FASTNANO_ISA") or (has[0] if has else f"{platform.machine()} baseline")


@cache
def _cpuinfo() -> dict[str, str]:
    """What Linux says of its first processor."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


# The peak

Work = tuple[Callable[[int], Any], float]  # do so many turns; floating point operations of one turn


@cache
def _work() -> tuple[Work, str]:
    compiled = _compiled_loop()
    if compiled is None:
        return _matrix_product(), "NumPy sgemm, a lower bound: no C compiler"
    return compiled, "FMA loop in C"


def _compiled_loop() -> Work | None:
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CC") or "cc", "gcc", "clang"))), None)
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "peak.c"), Path(folder, "peak.so")
        source.write_text(_LOOP)
        for machine in ("-march=native", "-mcpu=native", "-O3"):
            flags = ["-O3", machine, "-ffp-contract=fast", "-funroll-loops", "-shared", "-fPIC"]
            command = [compiler, *flags, "-o", str(library), str(source)]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return _loaded(library)
    return None


def _loaded(library: Path) -> Work:
    functions = ctypes.CDLL(str(library))  # releases the GIL; stays loaded when its file is gone
    functions.flop_per_turn.restype = functions.fma_loop.restype = ctypes.c_double
    functions.fma_loop.argtypes = (ctypes.c_long, ctypes.c_float)
    return lambda turns: functions.fma_loop(turns, 0.5), functions.flop_per_turn()


def _matrix_product(size: int = 512) -> Work:
    import numpy as np

    x, y = np.ones((2, size, size), np.float32)
    out = np.empty_like(x)

    def multiply(turns: int) -> None:
        for _ in range(turns):
            np.matmul(x, y, out=out)

    return multiply, 2.0 * size**3


def _peak(work: Work, threads: int, seconds: float = 0.05, rounds: int = 6) -> float:
    """GFLOP/s of so many threads at once, the best of some rounds."""
    run, flop = work
    turns = 1
    while (elapsed := _elapsed(run, turns, 1)) < seconds / 4:
        turns *= 4
    turns = max(1, int(turns * seconds / elapsed))
    return max(threads * turns * flop / _elapsed(run, turns, threads) for _ in range(rounds)) / 1e9


def _elapsed(run: Callable[[int], Any], turns: int, threads: int) -> float:
    workers = [threading.Thread(target=run, args=(turns,)) for _ in range(threads)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - start


# Tables


def new_process(code: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a new Python, which may keep what it compiles of modules, as an installed package has it."""
    environment = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def print_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table, plain where the output is not a terminal; the first column is text, the others numbers."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE)
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)

"""Allocations of a training step in steady state: ``python -m bench.allocations --help``.

# Design: a library that is loaded first counts every call of malloc and its kin, and of mmap, in the whole process,
# that Python's own objects too (``PYTHONMALLOC=malloc``).  A long run less a short one leaves what steps cost.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .command import EAGER, PLAN, begin, keep, parser
from .machine import print_table
from .peers import limit
from .workloads import batches, build

_COUNTER = """
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
static long count;
static void counted(void) { __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED); }
long allocations(void) { return count; }
void *malloc(size_t bytes) { counted(); return __libc_malloc(bytes); }
void *calloc(size_t many, size_t bytes) { counted(); return __libc_calloc(many, bytes); }
void *realloc(void *old, size_t bytes) { counted(); return __libc_realloc(old, bytes); }
void *memalign(size_t alignment, size_t bytes) { counted(); return __libc_memalign(alignment, bytes); }
void *aligned_alloc(size_t alignment, size_t bytes) { counted(); return __libc_memalign(alignment, bytes); }
int posix_memalign(void **out, size_t alignment, size_t bytes) {
    counted();
    return (*out = __libc_memalign(alignment, bytes)) ? 0 : ENOMEM;
}
void *mmap(void *place, size_t bytes, int protection, int flags, int file, off_t offset) {
    counted();
    return (void *)syscall(SYS_mmap, place, bytes, protection, flags, file, offset);
}
"""


def compiled_counter(folder: Path) -> Path:
    """The library that counts; RuntimeError where there is no C compiler, or no GNU C library to count for."""
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CC") or "cc", "gcc", "clang"))), None)
    if compiler is None or not sys.platform.startswith("linux"):
        raise RuntimeError("counting allocations needs Linux, the GNU C library and a C compiler")
    source, library = folder / "counter.c", folder / "counter.so"
    source.write_text(_COUNTER)
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return library


# In the process that is counted


def steps(name: str, network: str, batch: int, most: int) -> Callable[[int], Any]:
    """A function that trains so many steps, at most that many."""
    import numpy as np

    from fastnano import compile, from_numpy, nn, optim
    from fastnano.plan import training_step

    net, criterion = build(nn, network), nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    x, target = next(batches(network, 1, batch))
    if name == PLAN:
        plan = compile(net, criterion, optimizer, batch)
        order, day = np.tile(np.arange(batch), most), 24 * 3600  # seconds: one native call runs all steps
        return lambda count: plan.run_epoch(x, target, order[: count * batch], seconds=day)

    def train(count: int) -> None:
        for _ in range(count):
            training_step(net, criterion, optimizer, from_numpy(x), target)

    return train


def count(name: str, network: str, batch: int, few: int, many: int) -> dict[str, float]:
    """Per step: what a run of many steps has beyond one of a few."""
    import resource

    allocations = ctypes.CDLL(None).allocations
    allocations.restype = ctypes.c_long
    train = steps(name, network, batch, many)

    def used(number: int) -> tuple[int, int]:
        before = allocations(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        train(number)
        after = allocations(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        return after[0] - before[0], after[1] - before[1]

    used(few), used(few)  # warms up
    short, long = used(few), used(many)
    return {
        what: (long[i] - short[i]) / (many - few) for i, what in enumerate(("allocations", "page_faults"))
    }


# Outside


def compare(options: argparse.Namespace) -> list[dict[str, Any]]:
    rows = []
    limit(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        counted = {"LD_PRELOAD": str(compiled_counter(Path(folder))), "PYTHONMALLOC": "malloc"}
        for network in options.networks:
            for name in (PLAN, EAGER):
                arguments = json.dumps([name, network, options.batch, options.few, options.many])
                command = [sys.executable, "-m", "bench.allocations", "--count", arguments]
                done = subprocess.run(
                    command, env=os.environ | counted, capture_output=True, text=True, check=False
                )
                if done.returncode:
                    raise RuntimeError(done.stderr.strip().splitlines()[-1])
                rows.append({"network": network, "contestant": name} | json.loads(done.stdout))
    return rows


def show(rows: list[dict[str, Any]], options: argparse.Namespace) -> None:
    title = f"a training step, batch {options.batch}, {options.threads} threads"
    cells = [
        [f"{r['network']}, {r['contestant']}", f"{r['allocations']:.3f}", f"{r['page_faults']:.3f}"]
        for r in rows
    ]
    print_table(title, ["", "allocations", "page faults"], cells)


def main(arguments: list[str] | None = None) -> None:
    command = parser("bench.allocations", __doc__, ["mlp", "lenet"], rounds=1)
    command.add_argument("--few", type=int, default=200, help="steps of the short run")
    command.add_argument("--many", type=int, default=1200, help="steps of the long run")
    command.add_argument("--count", help=argparse.SUPPRESS)  # in the process that is counted
    options = command.parse_args(arguments)
    if options.count:
        print(json.dumps(count(*json.loads(options.count))))
        return
    machine = begin(options)
    rows = compare(options)
    show(rows, options)
    keep(options, machine, rows)


if __name__ == "__main__":
    main()

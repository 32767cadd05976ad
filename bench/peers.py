"""Training steps of fastnano and its peers, side by side: ``python -m bench.peers --help``.

# Design: every contestant has a process of its own, so that no thread pool disturbs another, and the parent
# hands out short turns, so that whatever else the machine does meets all of them alike.  What counts is the
# ratio of two medians of the same round; its median over the rounds, and the quartiles, are shown.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from statistics import median, quantiles
from typing import Any, NamedTuple

from fastnano._kernels import BACKENDS

from .contestants import CONTESTANTS, Calls
from .machine import Machine, describe, new_process, print_table, processors
from .workloads import IMAGES, NETWORKS, network_flop

OURS = "fastnano plan"  # what ratios are taken to
ROUND = 0.25  # seconds of one contestant's turn
REST = 0.02  # between turns: the last one's threads go to sleep

_THREAD_VARIABLES = [f"{who}_NUM_THREADS" for who in ("FASTNANO", "OMP", "OPENBLAS", "MKL", "NUMBA")]
_IMPORTS = {
    "python": "pass",
    "numpy": "import numpy",
    "fastnano": "import fastnano",
    "fastnano, ready to train": "from fastnano import nn, optim, use_backend; use_backend('{backend}')",
    "torch": "import torch",
    "jax": "import jax.numpy",
    "sklearn": "import sklearn.neural_network",
}


class Task(NamedTuple):
    """One turn of a contestant: seconds of training, or of looking at single images."""

    network: str
    infer: bool
    seconds: float
    cpu: bool = False  # processor time instead of wall time


class Child:
    """A contestant in a process of its own, which has the environment of this moment."""

    def __init__(self, name: str, options: argparse.Namespace, label: str = "") -> None:
        context = multiprocessing.get_context("spawn")
        self.name, self.label = name, label or name
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, name, options.batch, options.threads, options.backend)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()

    def run(self, task: Task) -> list[float]:
        """Seconds per step (or image) of every call in one turn; RuntimeError where the contestant fails."""
        try:
            self._pipe.send(task)
            answer = self._pipe.recv()
        except (EOFError, BrokenPipeError):
            raise RuntimeError("its process died") from None
        if isinstance(answer, str):
            raise RuntimeError(answer)
        return answer

    def close(self) -> None:
        self._pipe.close()  # the end of its work: it finishes by itself
        self._process.join()


def _serve(pipe: Any, name: str, batch: int, threads: int, backend: str) -> None:
    """In the child: build networks as they are asked for, and take turns."""
    if hasattr(os, "sched_setaffinity"):  # the only number of threads that JAX listens to
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    made: dict[str, Calls] = {}
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            if task.network not in made:
                made[task.network] = CONTESTANTS[name].make(task.network, batch, threads, backend)
            pipe.send(_turn(made[task.network], task))
        except Exception as error:  # whatever it is, the others go on
            pipe.send(f"{type(error).__name__}: {error}"[:200])


def _turn(calls: Calls, task: Task) -> list[float]:
    call, steps = (calls.infer, 1) if task.infer else (calls.train, calls.steps)
    clock = time.process_time if task.cpu else time.perf_counter
    gc.collect()
    times: list[float] = []
    end = clock() + task.seconds
    while not times or clock() < end:
        start = clock()
        call()
        times.append((clock() - start) / steps)
    return times


# Rounds


def present(peers: list[str]) -> list[str]:
    """fastnano and the contestants that are asked for and installed."""
    missing = {p for p in peers if importlib.util.find_spec(p) is None}
    for peer in sorted(missing):
        print(f"{peer} is not installed: skipped", file=sys.stderr)
    packages = {"fastnano", *peers} - missing
    return [name for name, contestant in CONTESTANTS.items() if contestant.package in packages]


def limit(threads: int) -> None:
    """Of this process's children."""
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)), JAX_PLATFORMS="cpu")


def start(options: argparse.Namespace) -> list[Child]:
    limit(options.threads)
    return [Child(name, options) for name in present(options.peers)]


def measure(children: list[Child], task: Task, rounds: int) -> dict[str, list[float]]:
    """Median seconds per step in each round, by label; who fails is left out, and said."""
    running = [child for child in children if task.network in CONTESTANTS[child.name].networks]
    found: dict[str, list[float]] = {child.label: [] for child in running}
    for turn in range(-1, rounds):  # the first warms up
        for child in list(running):
            try:
                times = child.run(task)
            except RuntimeError as error:
                print(f"{child.label}, {task.network}: {error}: skipped", file=sys.stderr)
                running.remove(child)
                del found[child.label]
                continue
            if turn >= 0:
                found[child.label].append(median(times))
            time.sleep(REST)
        running = running[1:] + running[:1]  # another one goes first
    return found


class Spread(NamedTuple):
    """A median with its quartiles."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        return cls(*quantiles(values, n=4, method="inclusive")) if len(values) > 1 else cls(*values * 3)

    def show(self, form: str) -> str:
        return f"{self.middle:{form}} ({self.low:{form}}..{self.high:{form}})"


def results(
    found: dict[str, list[float]], network: str, infer: bool, batch: int, to: str = OURS
) -> Iterator[dict[str, Any]]:
    """One row per contestant: seconds, GFLOP/s, and the ratio to one's time, round by round."""
    flop = network_flop(network, training=not infer) * (1 if infer else batch)
    ours = found.get(to)
    for name, seconds in found.items():
        ratios = [theirs / mine for theirs, mine in zip(seconds, ours, strict=True)] if ours else []
        yield {
            "network": network,
            "contestant": name,
            "seconds": Spread.of(seconds),
            "epoch": None if infer else median(seconds) * IMAGES / batch,
            "gflops": flop / median(seconds) / 1e9,
            "ratio": Spread.of(ratios) if ratios else None,
        }


# Output


def show_steps(title: str, rows: list[dict[str, Any]], machine: Machine, whose: str = "fastnano") -> None:
    print_table(
        title,
        ["", "µs (quartiles)", "s / epoch", "GFLOP/s", "of peak", f"time / {whose}'s"],
        [
            [
                row["contestant"],
                Spread(*(1e6 * s for s in row["seconds"])).show(".0f"),
                f"{row['epoch']:.2f}" if row["epoch"] else "",
                f"{row['gflops']:.1f}",
                f"{row['gflops'] / machine.peak:.0%}",
                row["ratio"].show(".2f") if row["ratio"] else "",
            ]
            for row in rows
        ],
    )


def compare(options: argparse.Namespace, machine: Machine) -> list[dict[str, Any]]:
    """Every network on every contestant, a table each."""
    infer = options.latency
    what = "one image, inference" if infer else f"one training step, batch {options.batch}"
    clock = "processor" if options.cpu_time else "wall"
    rows: list[dict[str, Any]] = []
    children = start(options)
    try:
        for network in options.networks:
            found = measure(children, Task(network, infer, ROUND, options.cpu_time), options.rounds)
            found_rows = list(results(found, network, infer, options.batch))
            title = f"{network}, {what}, {options.backend} back end, {options.threads} threads, {clock} time"
            show_steps(title, found_rows, machine)
            rows += found_rows
        return rows
    finally:
        for child in children:
            child.close()


def import_times(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Seconds that a new process takes for an import, interleaved."""
    wanted = {"python", "numpy", "fastnano"} | {CONTESTANTS[name].package for name in present(options.peers)}
    statements = {name: s for name, s in _IMPORTS.items() if name.split(",")[0] in wanted}
    seconds: dict[str, list[float]] = {name: [] for name in statements}
    for turn in range(-1, options.rounds):
        for name, statement in statements.items():
            begin = time.perf_counter()
            done = new_process(statement.format(backend=options.backend))
            if done.returncode:
                if turn < 0:
                    print(f"{name}: {done.stderr.strip().splitlines()[-1]}: skipped", file=sys.stderr)
            elif turn >= 0:
                seconds[name].append(time.perf_counter() - begin)
    numpy = median(seconds["numpy"])
    return [
        {"import": name, "seconds": Spread.of(times), "over_numpy": median(times) - numpy}
        for name, times in seconds.items()
        if times
    ]


def show_imports(rows: list[dict[str, Any]]) -> None:
    cells = []
    for row in rows:
        spread = Spread(*(1e3 * s for s in row["seconds"])).show(".0f")
        cells.append([row["import"], spread, f"{1e3 * row['over_numpy']:+.0f}"])
    print_table("import, whole process", ["", "ms (quartiles)", "over numpy"], cells)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=(__doc__ or "").split(":")[0])
    peers = list(dict.fromkeys(c.package for c in CONTESTANTS.values() if c.package != "fastnano"))
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--peers", nargs="*", choices=peers, default=peers)
    parser.add_argument("--backend", choices=BACKENDS, default="cython", help="fastnano's")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=processors())
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument(
        "--cpu-time", action="store_true", help="of all threads: for a busy machine, one thread"
    )
    parser.add_argument("--latency", action="store_true", help="one image at a time instead of training")
    parser.add_argument("--import-time", action="store_true", help="imports instead of training")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    machine = describe(options.threads)
    print(machine)
    if options.import_time:
        rows = import_times(options)
        show_imports(rows)
    else:
        rows = compare(options, machine)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": machine.as_dict(), "options": vars(options), "rows": rows}, file, indent=2)


if __name__ == "__main__":
    main()

"""How much slower training is while other processes want every core: ``python -m bench.busy --help``.

# Design: each round has everyone's quiet turns, then everyone's turns beside the burners; what counts is the ratio of
# the two in one round.  Times are means: what waits for a core is few steps, which a median would leave out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import mean, median
from typing import Any

from .command import begin, keep, parser
from .machine import Machine, print_table, processors
from .peers import REST, Child, Spread, Task, start
from .workloads import network_flop

_BURN = "while True: pass"


@contextmanager
def burners(count: int) -> Iterator[None]:
    """So many processes that compute meanwhile."""
    running = [subprocess.Popen([sys.executable, "-S", "-c", _BURN]) for _ in range(count)]
    try:
        time.sleep(0.2 if running else REST)  # until they do
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def turns(children: list[Child], task: Task) -> dict[str, float]:
    """Mean seconds of a step in one turn of each."""
    found = {}
    for child in children:
        found[child.label] = mean(child.run(task))
        time.sleep(REST)
    return found


def measure(
    children: list[Child], task: Task, rounds: int, count: int
) -> dict[str, list[tuple[float, float]]]:
    """Seconds of a step, quiet and busy, in each round."""
    turns(children, task)  # warms up
    found: dict[str, list[tuple[float, float]]] = {child.label: [] for child in children}
    for _ in range(rounds):
        quiet = turns(children, task)
        with burners(count):
            busy = turns(children, task)
        for name, seconds in quiet.items():
            found[name].append((seconds, busy[name]))
        children = children[1:] + children[:1]
    return found


def results(
    found: dict[str, list[tuple[float, float]]], network: str, batch: int, peak: float
) -> list[dict[str, Any]]:
    work = network_flop(network) * batch / 1e9
    return [
        {
            "network": network,
            "contestant": name,
            "quiet": Spread.of([quiet for quiet, _ in pairs]),
            "busy": Spread.of([busy for _, busy in pairs]),
            "slowdown": Spread.of([busy / quiet for quiet, busy in pairs]),
            "of_peak": work / median(quiet for quiet, _ in pairs) / peak,
        }
        for name, pairs in found.items()
    ]


def show(title: str, rows: list[dict[str, Any]]) -> None:
    cells = []
    for row in rows:
        quiet, busy = (Spread(*(1e6 * s for s in row[which])).show(".0f") for which in ("quiet", "busy"))
        cells.append([row["contestant"], quiet, f"{row['of_peak']:.0%}", busy, row["slowdown"].show(".2f")])
    print_table(title, ["", "quiet µs (quartiles)", "of peak", "busy µs", "busy / quiet"], cells)


def compare(options: argparse.Namespace, machine: Machine) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    children = start(options)
    try:
        for network in options.networks:
            task = Task(network, False, options.seconds)
            found = measure(children, task, options.rounds, options.burners)
            found_rows = results(found, network, options.batch, machine.peak)
            show(
                f"{network}, one training step, {options.threads} threads, {options.burners} burners",
                found_rows,
            )
            rows += found_rows
        return rows
    finally:
        for child in children:
            child.close()


def main(arguments: list[str] | None = None) -> None:
    command = parser("bench.busy", __doc__, ["mlp", "lenet"], rounds=9)
    command.add_argument("--burners", type=int, default=processors(), help="processes that compute meanwhile")
    command.add_argument("--seconds", type=float, default=1.0, help="of one turn")
    command.add_argument("--peers", nargs="*", choices=["torch"], default=["torch"])
    options = command.parse_args(arguments)
    machine = begin(options)
    keep(options, machine, compare(options, machine))


if __name__ == "__main__":
    main()

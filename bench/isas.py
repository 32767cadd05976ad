"""The compiled training step with each instruction set, side by side: ``python -m bench.isas --help``."""

from __future__ import annotations

import argparse
import os
from statistics import median
from typing import Any

from fastnano._kernels import _native

from .command import PLAN, begin, keep, parser
from .machine import Machine
from .peers import ROUND, Child, Task, limit, measure, results, show_steps


def start(options: argparse.Namespace) -> list[Child]:
    """A process for each instruction set that was built and that this processor has."""
    limit(options.threads)
    before = os.environ.get("FASTNANO_ISA")
    children = []
    for isa in options.isas:
        os.environ["FASTNANO_ISA"] = isa
        children.append(Child(PLAN, options, label=isa))
    del os.environ["FASTNANO_ISA"]
    if before is not None:
        os.environ["FASTNANO_ISA"] = before
    return children


def compare(options: argparse.Namespace, machine: Machine) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    children = start(options)
    try:
        for network in options.networks:
            found = measure(children, Task(network, False, options.seconds), options.rounds)
            best = min(found, key=lambda isa: median(found[isa]))
            found_rows = list(results(found, network, False, options.batch, to=best))
            title = f"{network}, one compiled step, batch {options.batch}, {options.threads} threads"
            show_steps(title, found_rows, machine, whose=best)
            rows += found_rows
        return rows
    finally:
        for child in children:
            child.close()


def main(arguments: list[str] | None = None) -> None:
    available = list(_native.available())
    command = parser("bench.isas", __doc__, ["mlp", "lenet", "bncnn", "basic"], rounds=9)
    command.add_argument("--isas", nargs="+", choices=available, default=available)
    command.add_argument("--seconds", type=float, default=ROUND, help="of one turn")
    options = command.parse_args(arguments)
    machine = begin(options)
    keep(options, machine, compare(options, machine))


if __name__ == "__main__":
    main()

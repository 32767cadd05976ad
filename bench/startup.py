"""From nothing to the first trained batch, in fresh processes: ``python -m bench.startup --help``."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from .command import EAGER, PLAN, begin, keep, parser
from .machine import new_process, print_table
from .peers import Spread, limit, present
from .workloads import NETWORKS

_PROGRAM = """
import time
start = time.perf_counter()
import numpy
import {package}
from {package} import nn, optim
imported = time.perf_counter()
net = nn.Sequential({layers})
criterion, optimizer = nn.CrossEntropyLoss(), optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
rng = numpy.random.default_rng(0)
x, target = rng.random({shape}, numpy.float32), rng.integers(0, 10, {batch})
{step}
done = time.perf_counter()
import json
print(json.dumps([imported - start, done - imported]))
"""
_EAGER = """
x, target = {}
optimizer.zero_grad()
criterion(net(x), target).backward()
optimizer.step()
"""
_PLAN = "fastnano.compile(net, criterion, optimizer, len(x)).run_epoch(x, target)"
FIRST_STEPS = {
    PLAN: ("fastnano", _PLAN),
    EAGER: ("fastnano", _EAGER.format("fastnano.from_numpy(x), target")),
    "torch eager": ("torch", _EAGER.format("torch.from_numpy(x), torch.from_numpy(target)")),
}


def program(name: str, network: str, batch: int) -> str:
    """Imports, builds the network, trains one batch, and prints seconds of the import and of the rest."""
    package, step = FIRST_STEPS[name]
    layers = [f"nn.{layer}({', '.join(map(repr, rest))})" for layer, *rest in NETWORKS[network].layers]
    shape = (batch, *NETWORKS[network].shape)
    return _PROGRAM.format(package=package, layers=", ".join(layers), shape=shape, batch=batch, step=step)


def run(code: str) -> tuple[float, float, float]:
    """Seconds of a whole process, of its import, and of build and first batch."""
    begin = time.perf_counter()
    done = new_process(code)
    whole = time.perf_counter() - begin
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return (whole, *json.loads(done.stdout))


def measure(programs: dict[str, str], rounds: int) -> list[dict[str, Any]]:
    """Every program in turn, so many rounds; the first warms the file cache."""
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in programs}
    for turn in range(-1, rounds):
        for name, code in programs.items():
            seconds = run(code)
            if turn >= 0:
                found[name].append(seconds)
    parts = "process", "imports", "first_batch"
    return [
        {"contestant": name} | {part: Spread.of([s[i] for s in times]) for i, part in enumerate(parts)}
        for name, times in found.items()
    ]


def show(title: str, rows: list[dict[str, Any]]) -> None:
    cells = [
        [row["contestant"]]
        + [
            Spread(*(1e3 * s for s in row[part])).show(".0f")
            for part in ("process", "imports", "first_batch")
        ]
        for row in rows
    ]
    print_table(title, ["", "process ms (quartiles)", "its imports", "build and first batch"], cells)


def compare(options: argparse.Namespace) -> list[dict[str, Any]]:
    limit(options.threads)
    rows = []
    for network in options.networks:
        names = [name for name in present(options.peers) if name in FIRST_STEPS]
        found = measure({name: program(name, network, options.batch) for name in names}, options.rounds)
        show(f"{network}, from nothing to the first batch, {options.threads} threads", found)
        rows += [{"network": network} | row for row in found]
    return rows


def main(arguments: list[str] | None = None) -> None:
    command = parser("bench.startup", __doc__, ["lenet"], rounds=9)
    command.add_argument("--peers", nargs="*", choices=["torch"], default=["torch"])
    options = command.parse_args(arguments)
    machine = begin(options)
    keep(options, machine, compare(options))


if __name__ == "__main__":
    main()

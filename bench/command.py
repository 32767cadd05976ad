"""What the smaller benchmarks share: options, the machine's line, and a file for the figures."""

from __future__ import annotations

import argparse
import json
from typing import Any

from .machine import Machine, describe, processors
from .workloads import BATCH, NETWORKS

PLAN, EAGER = "fastnano plan", "fastnano eager"


def parser(module: str, doc: str | None, networks: list[str], rounds: int) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog=f"python -m {module}", description=(doc or "").split(":")[0])
    made.add_argument("--networks", nargs="+", choices=NETWORKS, default=networks)
    made.add_argument("--rounds", type=int, default=rounds)
    made.add_argument("--threads", type=int, default=processors())
    made.add_argument("--batch", type=int, default=BATCH)
    made.add_argument("--json", metavar="FILE", help="write the figures there too")
    made.set_defaults(backend="cython")
    return made


def begin(options: argparse.Namespace) -> Machine:
    machine = describe(options.threads)
    print(machine)
    return machine


def keep(options: argparse.Namespace, machine: Machine, rows: list[dict[str, Any]]) -> None:
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": machine.as_dict(), "options": vars(options), "rows": rows}, file, indent=2)

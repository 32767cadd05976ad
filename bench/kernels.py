"""Every kernel on every back end, and PyTorch's, side by side: ``python -m bench.kernels --help``."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from fastnano import _kernels
from fastnano._contract import Contract
from fastnano._rows import Environment
from fastnano.ops import OPS, STEPS

from .machine import Machine, describe, print_table, processors
from .workloads import WORKLOADS, Workload, environment, flop, kernels, traffic

TURN = 0.02  # seconds of one side's turn
REST = 0.005  # between turns: the last one's threads go to sleep
Call = Callable[[], Any]


# PyTorch's kernels, of the tensors and numbers of a row.  They allocate their results, as they do in use.


def _window(e: Environment) -> tuple:
    """Stride, padding, dilation of a convolution or pooling."""
    return tuple([e[f"{name}_h"], e[f"{name}_w"]] for name in ("stride", "pad", "dilation"))


def _convolution_backward(torch: Any, e: Environment, *wanted: bool) -> Any:
    tail = (None, *_window(e), False, [0, 0], e["groups"], wanted)
    return torch.ops.aten.convolution_backward(e["dy"], e["x"], e["weight"], *tail)


_TORCH: dict[str, Callable[[Any, Environment], Any]] = {
    "linear_forward": lambda t, e: t.nn.functional.linear(e["x"], e["weight"], e["bias"]),
    "linear_dx": lambda _, e: e["dy"] @ e["weight"],
    "linear_dweight": lambda _, e: (e["dy"].T @ e["x"], e["dy"].sum(0)),
    "conv2d_forward": lambda t, e: t.conv2d(e["x"], e["weight"], e["bias"], *_window(e), e["groups"]),
    "conv2d_dx": lambda t, e: _convolution_backward(t, e, True, False, False),
    "conv2d_dweight": lambda t, e: _convolution_backward(t, e, False, True, True),
    "max_pool2d_forward": lambda t, e: t.ops.aten.max_pool2d_with_indices(e["x"], [2, 2], *_window(e)),
    "max_pool2d_dx": lambda t, e: t.ops.aten.max_pool2d_with_indices_backward(
        e["dy"], e["x"], [2, 2], *_window(e), False, e["argmax"]
    ),
    "avg_pool2d_forward": lambda t, e: t.nn.functional.avg_pool2d(e["x"], 2),
    "relu_forward": lambda t, e: t.relu(e["x"]),
    "relu_dx": lambda t, e: t.ops.aten.threshold_backward(e["dy"], e["y"], 0),
    "leaky_relu_forward": lambda t, e: t.nn.functional.leaky_relu(e["x"], e["negative_slope"]),
    "sigmoid_forward": lambda t, e: t.sigmoid(e["x"]),
    "sigmoid_dx": lambda t, e: t.ops.aten.sigmoid_backward(e["dy"], e["y"]),
    "tanh_forward": lambda t, e: t.tanh(e["x"]),
    "tanh_dx": lambda t, e: t.ops.aten.tanh_backward(e["dy"], e["y"]),
    "softmax_forward": lambda t, e: t.softmax(e["x"], 1),
    "softmax_dx": lambda t, e: t.ops.aten._softmax_backward_data(e["dy"], e["y"], 1, e["x"].dtype),
    "log_softmax_forward": lambda t, e: t.log_softmax(e["x"], 1),
    "log_softmax_dx": lambda t, e: t.ops.aten._log_softmax_backward_data(e["dy"], e["y"], 1, e["x"].dtype),
    "batch_norm_inference_forward": lambda t, e: t.nn.functional.batch_norm(
        e["x"], e["mean"], e["var"], e["weight"], e["bias"], False, 0.1, e["eps"]
    ),
    "dropout_forward": lambda t, e: t.dropout(e["x"], e["p"], True),
    "cross_entropy_forward": lambda t, e: t.nn.functional.cross_entropy(
        e["x"], e["target"], reduction="none"
    ),
}


def torch_call(contract: Contract, env: Environment) -> Call | None:
    """PyTorch's counterpart on the same arrays, where it has a simple one."""
    if contract.name not in _TORCH or importlib.util.find_spec("torch") is None:
        return None
    import torch

    tensors = {k: _tensor(torch, v) if isinstance(v, np.ndarray) else v for k, v in env.items()}
    return lambda: _TORCH[contract.name](torch, tensors)


def _tensor(torch: Any, array: np.ndarray) -> Any:
    return torch.from_numpy(array.astype(np.int64) if array.dtype.kind in "iu" else array)


def sides(contract: Contract, env: Environment, backends: list[str], torch: bool) -> dict[str, Call]:
    """A kernel as a call on each back end that has it, and PyTorch's."""
    found: dict[str, Call] = {}
    arguments = [env[name] for name in contract.arguments]
    for backend in backends:
        kernel = _kernels.load(backend).get(contract.name)
        if kernel is not None:
            found[backend] = lambda kernel=kernel: kernel(*arguments)
    theirs = torch_call(contract, env) if torch else None
    return found | ({"torch": theirs} if theirs else {})


def measure(calls: dict[str, Call], rounds: int) -> dict[str, float]:
    """Seconds of one call of each, taken in turns: the median of a turn, the best of the turns."""
    best = dict.fromkeys(calls, math.inf)
    for turn in range(-1, rounds):  # the first warms up, and compiles
        for name, call in calls.items():
            times: list[float] = []
            end = time.perf_counter() + (TURN if turn >= 0 else 0)
            while not times or time.perf_counter() < end:
                start = time.perf_counter()
                call()
                times.append(time.perf_counter() - start)
            if turn >= 0:
                best[name] = min(best[name], median(times))
            time.sleep(REST)
    return best


def results(workload: Workload, options: argparse.Namespace) -> list[dict[str, Any]]:
    """One row per kernel of a workload."""
    env = environment(workload, options.batch)
    rows = []
    with np.errstate(all="ignore"):  # the arrays are random
        for contract in kernels(workload):
            calls = sides(contract, env, options.backends, options.torch)
            seconds = measure(calls, options.rounds)
            work = {"flop": flop(workload, options.batch), "bytes": traffic(contract, env)}
            rows.append({"workload": workload.place, "kernel": contract.name, "seconds": seconds, **work})
    return rows


def show(rows: list[dict[str, Any]], options: argparse.Namespace, machine: Machine) -> None:
    """Microseconds on every side; rates are of the first back end."""
    names = [*options.backends, *(["torch"] if options.torch else [])]
    first = names[0]
    print_table(
        f"µs per call, batch {options.batch}, {options.threads} threads; rates and ratio are of {first}",
        ["kernel, place", *names, "GFLOP/s", "of peak", "GB/s", f"torch / {first}"],
        [
            [
                f"{row['kernel']} {row['workload']}",
                *(f"{1e6 * row['seconds'][n]:.1f}" if n in row["seconds"] else "-" for n in names),
                *_rates(row, first, machine),
            ]
            for row in rows
        ],
    )


def _rates(row: dict[str, Any], side: str, machine: Machine) -> list[str]:
    seconds = row["seconds"].get(side)
    if seconds is None:
        return ["", "", "", ""]
    gflops, theirs = row["flop"] / seconds / 1e9, row["seconds"].get("torch")
    return [
        f"{gflops:.1f}" if gflops else "",
        f"{gflops / machine.peak:.0%}" if gflops else "",
        f"{row['bytes'] / seconds / 1e9:.1f}",
        f"{theirs / seconds:.2f}" if theirs else "",
    ]


def loadable(backends: list[str]) -> list[str]:
    """The back ends that are there; says which are not."""
    found = []
    for backend in backends:
        try:
            _kernels.load(backend)
        except (ImportError, AttributeError, ValueError) as error:
            print(f"{backend}: {error}: skipped", file=sys.stderr)
        else:
            found.append(backend)
    return found


def set_threads(options: argparse.Namespace) -> None:
    """On every side but NumPy's, whose BLAS takes its number from the environment (OPENBLAS_NUM_THREADS)."""
    if "cython" in options.backends:
        import fastnano

        fastnano.set_num_threads(options.threads)
    if "numba" in options.backends:
        import numba

        numba.set_num_threads(min(options.threads, numba.config.NUMBA_NUM_THREADS))
    if options.torch:
        import torch

        torch.set_num_threads(options.threads)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.kernels", description=(__doc__ or "").split(":")[0]
    )
    parser.add_argument("--op", nargs="+", choices=sorted({*OPS, *STEPS}), metavar="OP", help="only these")
    parser.add_argument("--place", help="only workloads whose place holds this text, such as lenet")
    parser.add_argument("--backends", nargs="+", choices=_kernels.BACKENDS, default=list(_kernels.BACKENDS))
    parser.add_argument("--no-torch", dest="torch", action="store_false")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=processors())
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    options.backends = loadable(options.backends)
    options.torch = options.torch and importlib.util.find_spec("torch") is not None
    set_threads(options)
    machine = describe(options.threads)
    print(machine)
    chosen = [
        w for w in WORKLOADS if (not options.op or w.op in options.op) and (options.place or "") in w.place
    ]
    rows = [row for workload in chosen for row in results(workload, options)]
    show(rows, options, machine)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": machine.as_dict(), "options": vars(options), "rows": rows}, file, indent=2)


if __name__ == "__main__":
    main()

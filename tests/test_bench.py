"""The benchmarks' tables are complete, run, and count operations as one does by hand; nothing is timed."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import fastnano
from fastnano.autograd import launch
from fastnano.ops import OPS, STEPS

ROOT = Path(__file__).parents[1]


def _import(name: str) -> ModuleType:
    sys.path.insert(0, str(ROOT))  # bench is part of the repository, not of the package
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(ROOT))


workloads = _import("bench.workloads")
QUIET = _import("bench.machine").Machine("a processor", 1, 1, "avx2", 0.0, 1.0, 1.0, "hand")
HAND = {"mlp": 98, "lenet": 136, "bncnn": 503, "basic": 4300}  # GFLOP per epoch of 60,000 images


@pytest.fixture(autouse=True)
def _reference():
    with fastnano.use_backend("numpy"):
        yield


def test_every_op_and_step_has_a_workload():
    missing = {*OPS, *STEPS} - {workload.op for workload in workloads.WORKLOADS}
    assert not missing, f"add a row to bench/workloads.py for: {sorted(missing)}"


def test_workloads_are_named_once():
    names = [workload.name for workload in workloads.WORKLOADS]
    assert len({*names}) == len(names)


@pytest.mark.parametrize("workload", workloads.WORKLOADS, ids=lambda w: w.name)
def test_a_workload_runs(workload):
    env = workloads.environment(workload, batch=2)
    forward, *gradients = workloads.kernels(workload)
    numbers = {name: env[name] for name in (*forward.scalars, *forward.dims_scalars)}
    forward.bind([env[a.name] for a in forward.given], numbers)
    for contract in (forward, *gradients):
        launch(contract, env)
        for argument in contract.writes:
            assert np.isfinite(env[argument.name]).all(), f"{contract.name}: {argument}"


@pytest.mark.parametrize("name", workloads.NETWORKS)
def test_flop_of_a_network(name):
    assert workloads.epoch_gflop(name) == pytest.approx(HAND[name], rel=0.02)


def test_flop_of_a_workload():
    dense, convolution = (next(w for w in workloads.WORKLOADS if w.op == op) for op in ("linear", "conv2d"))
    assert workloads.flop(dense) == 2 * 64 * 784 * 512
    assert workloads.flop(convolution, batch=1) == 2 * 6 * 28 * 28 * 25
    assert workloads.flop(next(w for w in workloads.WORKLOADS if w.op == "relu")) == 0


@pytest.mark.parametrize("name", workloads.NETWORKS)
def test_workloads_cover_a_network(name):
    rows = [w for w in workloads.WORKLOADS if w.op in ("linear", "conv2d") and w.place.split()[0] == name]
    covered = sum(workloads.flop(row, batch=1) for row in rows)
    assert 0.95 <= covered / workloads.network_flop(name, training=False) <= 1


@pytest.mark.parametrize("mode", ["eager", "plan"])
def test_contestants_train_and_look(mode):
    calls = _import("bench.contestants").CONTESTANTS[f"fastnano {mode}"].make("mlp", 4, 1, "numpy")
    calls.train()
    assert calls.infer().shape == (1, 10)


def test_ratios_are_taken_round_by_round():
    peers = _import("bench.peers")
    found = {peers.OURS: [1.0, 2.0, 4.0], "torch eager": [2.0, 4.0, 8.0]}
    ours, theirs = peers.results(found, "mlp", infer=False, batch=64)
    assert ours["ratio"].middle == 1
    assert theirs["ratio"] == (2, 2, 2)
    assert theirs["epoch"] == pytest.approx(4 * 60_000 / 64)
    assert theirs["gflops"] == pytest.approx(workloads.network_flop("mlp") * 64 / 4 / 1e9)


def test_peers_that_are_not_installed_are_named(capsys):
    peers = _import("bench.peers")
    assert peers.present(["no_such_package"]) == [peers.OURS, "fastnano eager"]
    assert "no_such_package is not installed" in capsys.readouterr().err


def test_asv_finds_its_benchmarks():
    benchmarks = _import("bench.benchmarks")
    assert benchmarks.Kernels.params[0] == [workload.name for workload in workloads.WORKLOADS]
    calls = benchmarks.Kernels()
    calls.setup("softmax scores", "numpy")
    (_, (_, y)), (_, (*_, dx)) = calls.calls  # what the forward and the gradient kernel write
    y[:] = dx[:] = np.nan
    calls.time_kernels("softmax scores", "numpy")
    np.testing.assert_allclose(y.sum(1), 1, rtol=1e-5)
    assert np.isfinite(dx).all()


def test_asv_times_an_epoch_of_a_plan():
    calls, found = _import("bench.benchmarks").Plan(), []
    calls.setup("mlp")
    calls.train, calls.infer = (lambda call=call: found.append(call()) for call in (calls.train, calls.infer))
    calls.time_epoch("mlp")
    assert found[0]["loss"] > 0
    calls.time_one_image("mlp")
    assert found[1].shape == (1, 10)


def _rows(module, path, *arguments):
    """The figures that a command writes."""
    _import(f"bench.{module}").main([*arguments, "--threads=1", "--batch=4", "--rounds=1", f"--json={path}"])
    return json.loads(path.read_text())["rows"]


@pytest.fixture
def _found(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *sys.path]))  # by other processes
    for name in _import("bench.peers")._THREAD_VARIABLES:
        monkeypatch.setenv(name, "1")  # as the commands do, but for this test only
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.setattr(_import("bench.command"), "describe", lambda _: QUIET)


@pytest.mark.usefixtures("_found")
def test_startup_trains_a_batch_in_a_fresh_process(tmp_path):
    rows = _rows("startup", tmp_path / "json", "--networks=mlp", "--peers")
    assert [row["contestant"] for row in rows] == ["fastnano plan", "fastnano eager"]
    assert all(row["process"][1] > row["imports"][1] + row["first_batch"][1] > 0 for row in rows)


@pytest.mark.usefixtures("_found")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts for the GNU C library")
def test_a_plan_allocates_nothing(tmp_path):
    plan, eager = _rows("allocations", tmp_path / "json", "--networks=mlp", "--few=10", "--many=30")
    assert plan["allocations"] < 0.5
    assert eager["allocations"] > 1


@pytest.mark.usefixtures("_found")
def test_steps_beside_other_processes(tmp_path):
    arguments = "--networks=mlp", "--burners=1", "--seconds=0.01", "--peers"
    rows = _rows("busy", tmp_path / "json", *arguments)
    assert [row["contestant"] for row in rows] == ["fastnano plan", "fastnano eager"]
    assert all(row["slowdown"][1] == pytest.approx(row["busy"][1] / row["quiet"][1]) for row in rows)


@pytest.mark.usefixtures("_found")
def test_instruction_sets_are_compared_to_the_best(tmp_path):
    rows = _rows("isas", tmp_path / "json", "--networks=mlp", "--seconds=0.01")
    assert [row["contestant"] for row in rows] == list(fastnano._kernels._native.available())
    assert min(row["ratio"][1] for row in rows) == 1

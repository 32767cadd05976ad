"""How many threads native code takes: as told, else what the process may use."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from fastnano._kernels import _native

V2 = {"cpu.max": "150000 100000\n"}
V1 = {"cpu.cfs_quota_us": "50000\n", "cpu.cfs_period_us": "100000\n"}


def quota(tmp_path, membership, groups):
    (tmp_path / "cgroup").write_text(membership)
    for group, files in groups.items():
        (tmp_path / "fs" / group).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (tmp_path / "fs" / group / name).write_text(text)
    return _native._quota(str(tmp_path / "cgroup"), str(tmp_path / "fs"))


@pytest.mark.parametrize(
    ("membership", "groups", "expected"),
    [
        ("0::/\n", {"": V2}, 1.5),
        ("0::/a/b\n", {"a/b": V2}, 1.5),
        ("0::/a/b\n", {"a": V2, "a/b": {"cpu.max": "max 100000\n"}}, 1.5),  # a limit further up
        ("0::/a\n", {"a": {"cpu.max": "300000 100000\n"}, "": V2}, 1.5),  # the smaller one
        ("0::/not/here\n", {"": V2}, 1.5),  # in a container the path may be the host's
        ("4:memory:/a\n3:cpu,cpuacct:/a\n", {"cpu,cpuacct/a": V1}, 0.5),
        ("4:memory:/a\n", {"memory/a": V1}, float("inf")),
        ("3:cpu:/\n", {"cpu": {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}}, float("inf")),
        ("0::/a\n", {}, float("inf")),
    ],
)
def test_the_quota_of_control_groups(tmp_path, membership, groups, expected):
    assert quota(tmp_path, membership, groups) == expected


def test_no_control_groups_where_the_system_has_none(tmp_path):
    assert _native._quota(str(tmp_path / "missing"), str(tmp_path)) == float("inf")


def threads_of_a_new_process(prelude="", **environment):
    code = f"import os\n{prelude}\nimport fastnano; print(fastnano.get_num_threads())"
    environment = {k: v for k, v in os.environ.items() if k != "FASTNANO_NUM_THREADS"} | environment
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


def test_the_environment_says_how_many():
    assert threads_of_a_new_process(FASTNANO_NUM_THREADS="3").stdout == "3\n"
    for wrong in ("0", "two"):
        error = threads_of_a_new_process(FASTNANO_NUM_THREADS=wrong).stderr
        assert f"FASTNANO_NUM_THREADS={wrong!r} must be a whole number, at least 1" in error


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_affinity_is_respected():
    assert threads_of_a_new_process("os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})").stdout == "1\n"


def test_a_long_call_lets_other_python_threads_run():
    numbers, total = np.ones(1 << 23, np.float32), np.zeros(1)
    turns, done = [0], threading.Event()

    def turn():
        while not done.is_set():
            turns[0] += 1
            time.sleep(0)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)  # nobody is made to wait for it
    thread = threading.Thread(target=turn)
    thread.start()
    try:
        kernel, before = _native.load()["square_sum"], turns[0]
        for _ in range(5):
            kernel(numbers, total)
        assert turns[0] > before
    finally:
        sys.setswitchinterval(interval)
        done.set()
        thread.join()

"""What all tests share: a cache folder of their own, no network, MNIST where there is one."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import fastnano
from fastnano import _state
from fastnano.data import MNIST, SyntheticDigits, cache_folder, write_idx

MNIST_FOLDER = Path(os.environ.get("FASTNANO_TEST_DATA") or cache_folder() / MNIST.key)


@pytest.fixture(scope="session", autouse=True)
def _sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache folder for the whole session, so that the synthetic digits are drawn once, and no network; and Ctrl-C,
    which a shell's background jobs ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTNANO_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("FASTNANO_OFFLINE", "1")
        patch.delenv("FASTNANO_DATA", raising=False)
        yield


@pytest.fixture(autouse=True)
def _process_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A back end and a number of threads that a test sets for the process end with it."""
    monkeypatch.setattr(_state, "_newest_choice", _state._newest_choice)
    threads = fastnano.get_num_threads()
    yield
    fastnano.set_num_threads(threads)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder for one test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("FASTNANO_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def digits() -> tuple[SyntheticDigits, SyntheticDigits]:
    """The synthetic digits, train and test."""
    return SyntheticDigits(train=True), SyntheticDigits(train=False)


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """Where MNIST's four files are: $FASTNANO_TEST_DATA, else the user's cache folder."""
    if not any(place.complete for place in MNIST.places(MNIST_FOLDER)):
        pytest.skip(f"MNIST is not in {MNIST_FOLDER}; name its folder in FASTNANO_TEST_DATA")
    return MNIST_FOLDER


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in MNIST's format, with few images."""
    folder = tmp_path_factory.mktemp("few")
    for train, size, stem in ((True, 480, "train"), (False, 100, "t10k")):
        digits = SyntheticDigits(train, size=size)
        write_idx(folder / f"{stem}-images-idx3-ubyte", np.array(digits.images))
        write_idx(folder / f"{stem}-labels-idx1-ubyte", np.array(digits.labels))
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many cases equal to PyTorch's each family has."""
    passed = [
        dict(report.user_properties).get("family") for report in terminalreporter.stats.get("passed", [])
    ]
    counts = {family: passed.count(family) for family in sorted({f for f in passed if f})}
    if counts:
        terminalreporter.write_line("")
        cases = ", ".join(f"{family} {count}" for family, count in counts.items())
        terminalreporter.write_line(f"equal to PyTorch, cases by family: {cases}")

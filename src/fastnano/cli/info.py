"""``fastnano info``: what this installation is and what it runs on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ._parser import Parser
from ._run import label


def main(argv: list[str]) -> int:
    Parser("info", "Version, back end, instruction set, threads and folders.").parse(argv)
    from .. import __version__, _state
    from ..data.cache import cache_folder

    built, isa, threads = native()
    label("fastnano", f" {__version__}")
    label("Python", f" {platform.python_version()} on {platform.platform(terse=True)}")
    label("CPU", f" {_cpu()}, {os.cpu_count()} processors")
    label("Back end", f" {_state.current_backend()}")
    label("Native", f" {built}")
    label("Set", f" {isa}")
    label("Threads", f" {threads or 'none'}")
    label("NumPy", f" {_version('numpy')}, Numba {_version('numba')}")
    label("Pictures", f" matplotlib {_version('matplotlib')}")
    label("Cache", f" {cache_folder()}")
    return 0


def native() -> tuple[str, str, int | None]:
    """Which instruction sets were built, the one that runs, and its threads."""
    try:
        from .._kernels import _native
    except ImportError:
        return "not built: build it, or set FASTNANO_BACKEND=numba", "none", None
    chosen = _native.current() if _native.available() else "none"
    return f"built for {', '.join(_native.ISAS)}", chosen, _native.get_num_threads()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "is not installed"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()

"""Builds the native code: the kernels once per instruction set, all else once.  The rest is in pyproject.toml.

# Design: every instruction set gets its own copy of one generated Cython source (naming the same ``.pyx`` in
# several extensions breaks ``cythonize``).  Never ``-march=native``, which crashes elsewhere; never ``-ffast-math``,
# which at link time changes the arithmetic of the whole process.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

ROOT = Path(__file__).parent.resolve()
KERNELS = Path("src/fastnano/_kernels")

FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-pthread", "-g0"]
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wno-unused-function",
    "-Wno-unused-parameter",
    "-Wno-missing-field-initializers",
]
DEBUG = os.environ.get("FASTNANO_DEBUG", "0") not in ("", "0")
SANITIZERS = [
    "-fsanitize=address,undefined,float-cast-overflow",
    "-fno-sanitize-recover=undefined,float-cast-overflow",
]
DEBUGGING = [*SANITIZERS, "-fno-omit-frame-pointer", "-g", "-O1", "-DFASTNANO_DEBUG"] if DEBUG else []
GENERATED = Path("build/debug/native" if DEBUG else "build/native")
AVX2 = ["-mavx2", "-mfma"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512"]
X86 = platform.machine().lower() in ("x86_64", "amd64")
ISAS = {"baseline": [], "avx2": AVX2, "avx512": AVX512} if X86 else {"baseline": []}

NO_COMPILER = """
fastnano builds C code and found no working C compiler ({error}).
  Debian, Ubuntu   apt install gcc python3-dev
  Fedora           dnf install gcc python3-devel
  Alpine           apk add gcc musl-dev python3-dev
  macOS            xcode-select --install
  conda            conda install c-compiler
CC names another compiler; GCC and Clang will do.
"""


def generator():
    """fastnano._kernels._build, without importing fastnano."""
    spec = importlib.util.spec_from_file_location("kernels", ROOT / KERNELS / "__init__.py")
    sys.modules["kernels"] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    return importlib.import_module("kernels._build")


def extension(name: str, source: str, flags: list[str]) -> Extension:
    """One module of the package, from a Cython source that is written only when it changes."""
    if DEBUG:
        source = source.replace("boundscheck=False", "boundscheck=True")
    path = ROOT / GENERATED / f"{name.rpartition('.')[2]}.pyx"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != source:
        path.write_text(source)
    return Extension(
        f"fastnano.{name}",
        [str(GENERATED / path.name)],
        include_dirs=[str(KERNELS), numpy.get_include()],
        depends=[str(KERNELS / header) for header in generator().HEADERS],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"), ("CYTHON_CLINE_IN_TRACEBACK", "0")],
        extra_compile_args=FLAGS + WARNINGS + flags + DEBUGGING,
        extra_link_args=["-pthread", *DEBUGGING],
    )


def extensions() -> list[Extension]:
    native = generator().native_source(ROOT / KERNELS)
    executor, memory = (
        (ROOT / path).read_text() for path in (KERNELS / "executor.pyx", "src/fastnano/_memory.pyx")
    )
    modules = [extension("_kernels._executor", executor, []), extension("_memory", memory, [])]
    modules += [extension(f"_kernels._native_{isa}", native, flags) for isa, flags in ISAS.items()]
    return cythonize(modules, include_path=[str(KERNELS)], quiet=True)


class Build(build_ext):
    """All extensions at once, and a helpful message where there is no compiler."""

    def build_extensions(self) -> None:
        compiler = self.compiler.compiler_so[0] if getattr(self.compiler, "compiler_so", None) else None
        if compiler and not shutil.which(compiler):
            raise SystemExit(NO_COMPILER.format(error=f"{compiler} is not on the PATH"))
        if self.compiler.compiler_type == "msvc":
            raise SystemExit("fastnano needs GCC or Clang; on Windows use WSL")
        self.parallel = self.parallel or os.cpu_count() or 1
        try:
            super().build_extensions()
        except CompileError as error:
            raise SystemExit(f"{error}\n{NO_COMPILER.format(error='see the messages above')}") from error


os.chdir(ROOT)
setup(ext_modules=extensions(), cmdclass={"build_ext": Build})

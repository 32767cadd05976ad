"""Imports go down only, and ``import fastnano`` brings in nothing that it does not need."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import fastnano

PACKAGE = Path(fastnano.__file__).parent

# Top to bottom; a module may import those of its own line and of the lines below.
LAYERS = (
    ("cli", "interop", "inspect", "rates", "__main__"),
    (
        "train",
        "callbacks",
        "checkpoint",
        "architecture",
        "uncertainty",
        "_frozen",
        "_replaying",
        "_training_data",
        "_watching",
    ),
    ("plan",),
    ("nn", "optim"),
    ("_own_formulas",),
    ("_graph", "_own_kernels"),
    ("autograd", "_tensor", "_methods", "functions", "_random"),
    ("_state", "_threads"),
    ("_kernels",),
    ("ops",),
    ("_expressions",),
    ("_rows",),
    ("_contract", "_dims", "_memory", "_lazy", "_erf", "_hooks", "_dtypes", "_errors"),
)
LEVEL = {name: len(LAYERS) - i for i, names in enumerate(LAYERS) for name in names}
ALONE = ("data", "metrics")  # of the package they import themselves, and nothing else does but the top layers
HEAVY = ("numba", "llvmlite", "matplotlib", "rich", "torch", "scipy", "sklearn", "safetensors", "onnx")
MODULES = sorted(PACKAGE.rglob("*.py"))


def parts(path: Path) -> list[str]:
    """fastnano/nn/linear.py as [nn, linear]; fastnano/nn/__init__.py as [nn]."""
    found = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return found[:-1] if found[-1] == "__init__" else found


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and first name below the package of everything of it that a module imports, types aside."""
    package = ["fastnano", *path.relative_to(PACKAGE).parent.parts]
    for node in statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base += node.module.split(".") if node.module else []
            names = [[*base, alias.name] for alias in node.names]
        else:
            continue
        yield from ((node.lineno, name[1]) for name in names if name[0] == "fastnano" and len(name) > 1)


def statements(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            yield child
            yield from statements(child)


@pytest.mark.parametrize("path", [p for p in MODULES if parts(p)], ids=lambda p: ".".join(parts(p)))
def test_imports_go_down_only(path):
    own = parts(path)[0]
    assert own in LEVEL or own in ALONE, f"{own} is in none of the LAYERS above"
    for line, name in imports(path):
        where = f"{path.relative_to(PACKAGE)}:{line} imports {name}"
        if name == own or (name not in LEVEL and name not in ALONE):
            continue  # itself, or a name of the package's own __init__
        assert own not in ALONE, f"{where}, but should need nothing else of the package"
        if name in ALONE:
            assert LEVEL[own] >= LEVEL["train"], f"{where}, which is for the top layers"
        else:
            assert LEVEL[own] >= LEVEL[name], f"{where}, which is above it"


def test_the_package_itself_imports_nothing_but_names_for_types():
    assert [name for _, name in imports(PACKAGE / "__init__.py")] == ["_lazy"]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("names", ["", "nn, optim, Tensor", "data", "metrics"])
def test_importing_brings_in_nothing_heavy(names):
    more = f"from fastnano import {names}" if names else ""
    found = run(f"import sys, fastnano\n{more}\nprint([n for n in {HEAVY} if n in sys.modules])")
    assert found.strip() == "[]"


@pytest.mark.parametrize("name", ["exp", "eq", "sum", "zeros", "cat", "gather", "matmul", "nn", "tensor"])
def test_any_name_may_be_asked_for_first(name):
    run(f"import fastnano; fastnano.{name}")


@pytest.mark.parametrize("name", ALONE)
def test_data_and_metrics_run_without_the_rest(name):
    names = run(
        f"import sys, fastnano.{name}\nprint(*(n for n in sys.modules if n.startswith('fastnano.')))"
    ).split()
    assert {n.split(".")[1] for n in names} == {name, "_lazy"}

"""Generates the source of the native modules, one per instruction set, for setup.py.

# Design: a kernel's own signature says how it is driven, so the glue between kernel and executor is generated from the
# text of the ``.pxi`` files: ``NAME_call(void **pointers, const double *numbers)`` and the table that names both.
# Rejected: an entry written per kernel (fifty signatures kept in step by hand), and memoryviews (1.1 MB and 4.6 s of
# compilation per module, against 0.2 MB and 1 s).

A kernel is a ``cdef void NAME(...) noexcept nogil``; helpers are ``cdef inline``.  Pointers are the row's arrays:

* ``vec *``   values per sample (leading letter ``n``), float32, in blocks ``[block][...][16]``
* ``ivec *``  the same for integers, as int32
* others      the array as it is

A short last block repeats a live sample in its dead lanes, but gradients (``d...``) are zero there, and must be left
so, so that sums over the batch need no masks.  Where every array per sample ends in ``s`` the kernel must treat lanes
as independent, since sixteen places of one sample may come as a block too.  Results marked ``+`` arrive zeroed and are
added to.

and the numbers are found by name: the row's letters (sizes) and scalars, and what the executor deals out:

* ``blocks``, ``live``          a block kernel: so many blocks of 16 samples, so many samples in them
* ``begin``, ``end``            an elementwise kernel: a range of the flat arrays
* ``sample``, ``features``      where they are in blocks: number of the first sample, elements of one; else 0
* ``o_begin``, ``o_end``        a kernel split by the letter ``o``: a range of it, of plain arrays; beside ``blocks``,
                              one that a plan may split so, over all blocks, and that else gets the whole range

A companion ``void NAME_single(...)`` does what the kernel does for one sample as it lies: the same arrays as plain
pointers, those per sample without the letter ``n``, and the same numbers, but neither ``n`` nor what is dealt out.  A
few samples go through it one by one, since a block costs all sixteen; where there is none they go as a block.

A companion ``size NAME_scratch(...)`` (``NAME_single_scratch``) tells how many floats the kernel wants per thread as
``scratch``, or -1 where it cannot serve such sizes; a companion ``void NAME_merge(mean, var, count, other_mean,
other_var, other_count, ..., before, added)`` merges the results of ``added`` samples into those of ``before``, where a
plain sum will not do.
"""

from __future__ import annotations

import re
from pathlib import Path

from . import _formula
from ._families import FAMILIES, FORMULAS

EXPRESSIONS = ("elementwise", "comparison")  # rows whose formulas have native kernels, for compiled steps
HEADERS = (
    *("layout.h", "vector.h", "tiles.h", "winograd.h", "pack.h", "samples.h", "augment.h"),
    *("threads.h", "debug.h"),
)
MOVERS = (  # between layouts, and of pixels
    *("pack", "unpack", "convert_bytes", "copy_floats", "pack_labels", "add_copies", "change_images"),
)
_FUNCTION = re.compile(r"^cdef (void|size) (\w+)\(\s*(.*?),?\s*\) noexcept nogil:", re.MULTILINE | re.DOTALL)
_PARAMETER = re.compile(r"(.*?[ *])(\w+)")


def native_source(kernels: Path) -> str:
    """native.pyx, every family and the generated callers, as one Cython source."""
    families = [(kernels / f"{family}_cython.pxi").read_text() for family in FAMILIES]
    families += [_formula.native(formula) for formula in formulas(kernels)]
    parts = [(kernels / "native.pyx").read_text(), *families]
    table = []
    for result, name, parameters in _FUNCTION.findall("\n".join(families)):
        split = [_split(parameter) for parameter in parameters.split(",")]
        parts.append(_caller(result, name, split))
        signature = ", ".join(f'"{kind} {word}"' for kind, word in split)
        table.append(f'    "{name}": (<size_t> &{name}_call, ({signature},)),')
    entries = "\n".join(table)
    movers = ", ".join(f"<size_t> &{name}" for name in MOVERS)
    parts.append(f"TABLE = {{\n{entries}\n}}\nPACKING = ({movers})\n")
    return "\n\n".join(parts)


def formulas(kernels: Path) -> list[_formula.Parsed]:
    """All that native kernels are made of: those of ops, and of expressions, which else are NumPy's alone."""
    found = [f for family in FORMULAS for f in _formula.of_functions((kernels / f"{family}.py").read_text())]
    for family in EXPRESSIONS:
        found += _formula.of_expressions((kernels.parent / "_expressions" / f"{family}.py").read_text())
    return found


def _split(parameter: str) -> tuple[str, str]:
    """``const vec *x`` as its type and its name."""
    match = _PARAMETER.fullmatch(" ".join(parameter.split()))
    if match is None:
        raise ValueError(f"cannot read the parameter {parameter!r} of a native kernel")
    return match[1].strip(), match[2]


def _caller(result: str, name: str, parameters: list[tuple[str, str]]) -> str:
    pointers = numbers = 0
    arguments = []
    for kind, _ in parameters:
        if kind.endswith("*"):
            arguments.append(f"<{kind}> pointers[{pointers}]")
            pointers += 1
        else:
            arguments.append(f"<{kind}> numbers[{numbers}]")
            numbers += 1
    call = f"{name}({', '.join(arguments)})"
    returned = "return " if result != "void" else ""
    head = f"cdef {result} {name}_call(void **pointers, const double *numbers) noexcept nogil:"
    return f"{head}\n    {returned}{call}\n"

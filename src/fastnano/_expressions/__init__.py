"""Operations written as NumPy expressions, one row each; broadcast by the engine.

The parameters of a gradient say what backward keeps: an input, the output z, the shape of x, or a keyword of the
forward expression.  Lambdas of ``elementwise`` and ``comparison`` that are formulas (see ``_kernels/_formula.py``),
with their numbers behind ``*``, have native kernels too, for compiled steps.
"""

from . import comparison, elementwise, indexing, movement, reduction

__all__ = ["EXPRESSIONS"]

_FAMILIES = (elementwise, comparison, reduction, movement, indexing)
EXPRESSIONS = {row.name: row for family in _FAMILIES for row in family.ROWS}

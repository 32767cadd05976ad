"""Rows of a table."""

from . import integers, row

ROWS = [
    row("Embedding(7, 5)", integers(7, 3, 4)),
    row("Embedding(7, 5)", integers(7, 17)),
    row("Embedding(7, 5)", integers(7)),
    row("Embedding(7, 33)", integers(7, 18, 2, 3)),
    row("Embedding(7, 1, padding_idx=2)", integers(7, 33, 2)),
    row("Embedding(7, 3, padding_idx=-7)", integers(7, 5, 5).astype("i4")),
    row("Embedding(7, 3)", integers(7, 0, 5)),
    row("Embedding(1, 3)", integers(1, 4)),
    row("Embedding(7, 3, max_norm=1.0)", integers(7, 4)),
    row("Embedding(7, 3, max_norm=0.5, norm_type=1.0)", integers(5, 4)),
    row("lambda x, w: F.embedding(x, w, padding_idx=1)", integers(7, 4, 2), (7, 3)),
]

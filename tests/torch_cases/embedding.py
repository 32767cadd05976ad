"""Rows of a table."""

import numpy as np

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
    *(
        case
        for mode in ("mean", "sum", "max")
        for case in (
            row(f"EmbeddingBag(7, 5, mode='{mode}')", integers(7, 3, 4)),
            row(f"EmbeddingBag(7, 5, mode='{mode}', padding_idx=2)", integers(7, 17, 6)),
            row(f"EmbeddingBag(7, 3, mode='{mode}')", integers(7, 9), np.array([0, 4, 4, 7])),
            row(
                f"EmbeddingBag(7, 3, max_norm=1.0, mode='{mode}', include_last_offset=True)",
                *(integers(7, 9), np.array([0, 1, 5, 9])),
            ),
        )
    ),
    row(
        "EmbeddingBag(7, 3, mode='sum')",
        *(integers(7, 3, 4), (3, 4)),
        call="lambda m, x, w: m(x, per_sample_weights=w)",
    ),
    row("EmbeddingBag(7, 3, mode='sum', padding_idx=1)", integers(7, 9), np.array([0, 4, 6]), (9,)),
    row("lambda x, w: F.embedding(x, w, padding_idx=1)", integers(7, 4, 2), (7, 3)),
]

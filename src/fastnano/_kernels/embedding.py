"""Rows of a table, looked up by number."""

import numpy as np

__all__ = ["embedding_dweight", "embedding_forward"]


def embedding_forward(index, weight, y, padding_idx):
    """y[n, s] = weight[index[n, s]]."""
    np.take(weight, index, axis=0, out=y, mode="clip")


def embedding_dweight(dy, index, dweight, padding_idx):
    """dweight[v] = Σ dy[n, s] where index[n, s] = v; 0 for v = padding_idx."""
    dweight.fill(0)
    used = index != padding_idx
    np.add.at(dweight, index[used], dy[used])

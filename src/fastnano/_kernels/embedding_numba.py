from ._numba import kernel, prange

__all__ = ["embedding_dweight", "embedding_forward"]


@kernel(serial_below=1_000)
def embedding_forward(index, weight, y, padding_idx):
    N, S, E = y.shape
    for n in prange(N):
        for s in range(S):
            row = index[n, s]
            for e in range(E):
                y[n, s, e] = weight[row, e]


@kernel(serial_below=50_000)
def embedding_dweight(dy, index, dweight, padding_idx):
    N, S, E = dy.shape
    for part in prange((E + 15) // 16):  # by columns, since a row may be named twice
        begin, end = 16 * part, min(16 * part + 16, E)
        dweight[:, begin:end] = 0
        for n in range(N):
            for s in range(S):
                row = index[n, s]
                if row != padding_idx:
                    for e in range(begin, end):
                        dweight[row, e] += dy[n, s, e]

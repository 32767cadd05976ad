# Design: a padded input is split into stride_h x stride_w planes, one per phase, so that for any stride and
# dilation a place of the kernel meets a plane at a fixed offset.  Input and output then share a row width and
# one long contiguous loop runs over whole planes, a few unused columns included: 20 GFLOP/s per core where a
# loop per output row of 10 or 28 numbers reached 3.  Four products per pass, to store sums less often.

import math

import numpy as np

from ._executor import WORKERS
from ._numba import helper, kernel, prange

__all__ = [
    "conv2d_dweight",
    "conv2d_dx",
    "conv2d_forward",
    "conv2d_im2col_dweight",
    "conv2d_im2col_dx",
    "conv2d_im2col_forward",
    "conv_transpose2d_dweight",
    "conv_transpose2d_dx",
    "conv_transpose2d_forward",
]

COLUMNS = 1 << 18  # numbers in the columns of a part of the batch: 1 MB, a core's share of cache


@helper
def _plane(outputs, kernel, stride, dilation):
    """Rows (or columns) of a phase's plane."""
    return outputs + (kernel - 1) * dilation // stride


@helper
def _offsets(D, K, L, rows, cols, stride_h, stride_w, dilation_h, dilation_w):
    """Where each place (d, k, l) of the kernel meets the planes of its group."""
    offsets = np.empty(D * K * L, np.uint64)
    t = 0
    for d in range(D):
        for k in range(K):
            for l in range(L):
                phase = (k * dilation_h) % stride_h * stride_w + (l * dilation_w) % stride_w
                i, j = k * dilation_h // stride_h, l * dilation_w // stride_w
                offsets[t] = ((d * stride_h * stride_w + phase) * rows + i) * cols + j
                t += 1
    return offsets


@helper
def _split(x, planes, pad_h, pad_w):
    """planes[c, a, b, i, j] = x[c, i · stride_h + a − pad_h, j · stride_w + b − pad_w], zero outside x."""
    C, H, W = x.shape
    stride_h, stride_w, rows, cols = planes.shape[1:]
    for c in range(C):
        for a in range(stride_h):
            for i in range(rows):
                row = i * stride_h + a - pad_h
                for b in range(stride_w):
                    out = planes[c, a, b, i]
                    first = min(max((pad_w - b + stride_w - 1) // stride_w, 0), cols)  # the columns inside x
                    last = max(min((W + pad_w - b + stride_w - 1) // stride_w, cols), first)
                    if not 0 <= row < H:
                        first = last = cols
                    for j in range(first):
                        out[j] = 0
                    for j in range(first, last):
                        out[j] = x[c, row, j * stride_w + b - pad_w]
                    for j in range(last, cols):
                        out[j] = 0


@helper
def _accumulate(out, source, weights, offsets):
    """out[s] += Σ_t weights[t] · source[offsets[t] + s]."""
    size, T = np.uint64(out.size), offsets.size  # unsigned: a loop over signed places does not vectorise
    for t in range(0, T - 3, 4):
        w0, w1, w2, w3 = weights[t], weights[t + 1], weights[t + 2], weights[t + 3]
        a, b, c, d = offsets[t], offsets[t + 1], offsets[t + 2], offsets[t + 3]
        for s in range(size):
            out[s] += w0 * source[a + s] + w1 * source[b + s] + w2 * source[c + s] + w3 * source[d + s]
    for t in range(T - T % 4, T):
        w0, a = weights[t], offsets[t]
        for s in range(size):
            out[s] += w0 * source[a + s]


@helper
def _correlate(out, source, values, offsets):
    """out[t] += Σ_s values[s] · source[offsets[t] + s]."""
    size, T = np.uint64(values.size), offsets.size
    zero = values.dtype.type(0)
    for t in range(0, T - 3, 4):
        a, b, c, d = offsets[t], offsets[t + 1], offsets[t + 2], offsets[t + 3]
        s0, s1, s2, s3 = zero, zero, zero, zero
        for s in range(size):
            s0 += values[s] * source[a + s]
            s1 += values[s] * source[b + s]
            s2 += values[s] * source[c + s]
            s3 += values[s] * source[d + s]
        out[t] += s0
        out[t + 1] += s1
        out[t + 2] += s2
        out[t + 3] += s3
    for t in range(T - T % 4, T):
        a, s0 = offsets[t], zero
        for s in range(size):
            s0 += values[s] * source[a + s]
        out[t] += s0


@kernel(serial_below=0)
def conv2d_forward(x, weight, bias, y, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups):
    (N, C), (O, D, K, L), (P, Q) = x.shape[:2], weight.shape, y.shape[2:]
    rows, cols = _plane(P, K, stride_h, dilation_h), _plane(Q, L, stride_w, dilation_w)
    offsets = _offsets(D, K, L, rows, cols, stride_h, stride_w, dilation_h, dilation_w)
    weights = weight.reshape(O, D * K * L)
    for n in prange(N):
        planes = np.empty((C, stride_h, stride_w, rows, cols), x.dtype)
        _split(x[n], planes, pad_h, pad_w)
        groups_of = planes.reshape(groups, -1)
        wide = np.empty(P * cols, x.dtype)
        out = wide[: P * cols - cols + Q]
        for o in range(O):
            for s in range(out.size):
                out[s] = bias[o]
            _accumulate(out, groups_of[o // (O // groups)], weights[o], offsets)
            for p in range(P):
                for q in range(Q):
                    y[n, o, p, q] = wide[p * cols + q]


@helper
def _widen(dy, wide, lead, cols):
    """Each dy[o] with rows of cols, zeros between them and around."""
    O, P, Q = dy.shape
    for o in range(O):
        for s in range(lead):
            wide[o, s] = 0
        for p in range(P):
            row = wide[o, lead + p * cols : lead + (p + 1) * cols]
            for q in range(Q):
                row[q] = dy[o, p, q]
            for q in range(Q, cols):
                row[q] = 0
        for s in range(lead + P * cols, wide.shape[1]):
            wide[o, s] = 0


@helper
def _by_phase(weight, groups, length, lead, cols, stride_h, stride_w, dilation_h, dilation_w):
    """For each phase the places (o, k, l) that meet it: where they begin, their offsets and weights[c]."""
    O, D, K, L = weight.shape
    M = O // groups
    starts, offsets = np.empty(stride_h * stride_w + 1, np.int64), np.empty(M * K * L, np.uint64)
    weights = np.empty((groups * D, M * K * L), weight.dtype)
    t = 0
    for phase in range(stride_h * stride_w):
        starts[phase] = t
        for o in range(M):
            for k in range(K):
                for l in range(L):
                    if (k * dilation_h) % stride_h * stride_w + (l * dilation_w) % stride_w == phase:
                        offsets[t] = (
                            o * length + lead - k * dilation_h // stride_h * cols - l * dilation_w // stride_w
                        )
                        for c in range(groups * D):
                            weights[c, t] = weight[c // D * M + o, c % D, k, l]
                        t += 1
    starts[stride_h * stride_w] = t
    return starts, offsets, weights


@kernel(serial_below=0)
def conv2d_dx(dy, weight, dx, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups):
    (N, O, P, Q), (D, K, L), (C, H, W) = dy.shape, weight.shape[1:], dx.shape[1:]
    rows, cols = _plane(P, K, stride_h, dilation_h), _plane(Q, L, stride_w, dilation_w)
    lead = (K - 1) * dilation_h // stride_h * cols + (L - 1) * dilation_w // stride_w
    length = lead + rows * cols
    starts, offsets, weights = _by_phase(
        weight, groups, length, lead, cols, stride_h, stride_w, dilation_h, dilation_w
    )
    for n in prange(N):
        wide = np.empty((O, length), dy.dtype)
        _widen(dy[n], wide, lead, cols)
        groups_of = wide.reshape(groups, -1)
        planes = np.empty((stride_h * stride_w, rows * cols), dy.dtype)
        for c in range(C):
            for phase in range(stride_h * stride_w):
                out, first, last = planes[phase], starts[phase], starts[phase + 1]
                for s in range(out.size):
                    out[s] = 0
                _accumulate(out, groups_of[c // D], weights[c, first:last], offsets[first:last])
            for i in range(H):
                a, row = (i + pad_h) % stride_h, (i + pad_h) // stride_h
                for j in range(W):
                    b, col = (j + pad_w) % stride_w, (j + pad_w) // stride_w
                    inside = row < rows and col < cols  # no window reaches the rest
                    dx[n, c, i, j] = planes[a * stride_w + b, row * cols + col] if inside else 0


@helper
def _add_up(parts, total):
    for i in range(total.size):
        total[i] = 0
        for worker in range(len(parts)):
            total[i] += parts[worker, i]


@kernel(serial_below=0)
def conv2d_dweight(dy, x, dweight, dbias, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups):
    (N, O, P, Q), C, (D, K, L) = dy.shape, x.shape[1], dweight.shape[1:]
    rows, cols = _plane(P, K, stride_h, dilation_h), _plane(Q, L, stride_w, dilation_w)
    offsets = _offsets(D, K, L, rows, cols, stride_h, stride_w, dilation_h, dilation_w)
    workers = min(N, WORKERS)
    sums = np.zeros((workers, O, D * K * L), x.dtype)  # one per worker: they would race for dweight
    biases = np.zeros((workers, O), x.dtype)
    for worker in prange(workers):
        planes = np.empty((C, stride_h, stride_w, rows, cols), x.dtype)
        wide = np.empty((O, P * cols), x.dtype)
        for n in range(worker * N // workers, (worker + 1) * N // workers):
            _split(x[n], planes, pad_h, pad_w)
            _widen(dy[n], wide, 0, cols)
            groups_of = planes.reshape(groups, -1)
            for o in range(O):
                values = wide[o, : P * cols - cols + Q]
                _correlate(sums[worker, o], groups_of[o // (O // groups)], values, offsets)
                total = x.dtype.type(0)
                for s in range(values.size):
                    total += values[s]
                biases[worker, o] += total
    _add_up(sums.reshape(workers, -1), dweight.reshape(-1))
    _add_up(biases, dbias)


@helper
def _inside(start, stride, extent, size):
    """The range of q for which 0 ≤ start + q · stride < extent, of q < size."""
    first = min(max((stride - 1 - start) // stride, 0), size)
    return first, max(min((extent - start + stride - 1) // stride, size), first)


@kernel(serial_below=5_000)
def _im2col(x, columns, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w):
    """columns[n, c, k, l, p, q] = x[n, c, p · stride_h + k · dilation_h − pad_h, ...], zero outside x."""
    (N, C, H, W), (K, L, P, Q) = x.shape, columns.shape[2:]
    for plane in prange(N * C):
        n, c = plane // C, plane % C
        for k in range(K):
            for l in range(L):
                start = l * dilation_w - pad_w
                left, right = _inside(start, stride_w, W, Q)
                for p in range(P):
                    i = p * stride_h + k * dilation_h - pad_h
                    first, last = (left, right) if 0 <= i < H else (Q, Q)
                    out = columns[n, c, k, l, p]
                    for q in range(first):
                        out[q] = 0
                    for q in range(first, last):
                        out[q] = x[n, c, i, q * stride_w + start]
                    for q in range(last, Q):
                        out[q] = 0


@kernel(serial_below=5_000)
def _col2im(columns, dx, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w):
    (N, C, H, W), (K, L, P, Q) = dx.shape, columns.shape[2:]
    for plane in prange(N * C):
        n, c = plane // C, plane % C
        for i in range(H):
            for j in range(W):
                dx[n, c, i, j] = 0
        for k in range(K):
            for l in range(L):
                start = l * dilation_w - pad_w
                left, right = _inside(start, stride_w, W, Q)
                for p in range(P):
                    i = p * stride_h + k * dilation_h - pad_h
                    if 0 <= i < H:
                        for q in range(left, right):
                            dx[n, c, i, q * stride_w + start] += columns[n, c, k, l, p, q]


def _parts(x, weight, y, groups):
    """The batch in parts whose columns stay in cache: samples, columns, the same as a matrix per group."""
    shape = (x.shape[1], *weight.shape[2:], *y.shape[2:])
    size = max(1, min(len(x), COLUMNS // math.prod(shape)))
    columns = np.empty((size, *shape), x.dtype)
    for start in range(0, len(x), size):
        part = columns[: len(x) - start]
        matrices = part.reshape(len(part), groups, -1, math.prod(y.shape[2:]))
        yield slice(start, start + size), part, matrices


def _matrices(y, groups):
    """y[n, o, p, q] as [n, group, o, p·q], weight[o, d, k, l] as [group, o, d·k·l]."""
    return y.reshape(len(y), groups, y.shape[1] // groups, -1)


# The products are NumPy's: its BLAS is always there, Numba's needs SciPy.


def conv2d_im2col_forward(
    x, weight, bias, y, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
):
    matrix, out = weight.reshape(groups, len(weight) // groups, -1), _matrices(y, groups)
    for samples, columns, matrices in _parts(x, weight, y, groups):
        _im2col(x[samples], columns, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w)
        np.matmul(matrix, matrices, out=out[samples])
        y[samples] += bias[:, None, None]


def conv2d_im2col_dx(dy, weight, dx, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups):
    matrix = weight.reshape(groups, len(weight) // groups, -1).swapaxes(1, 2)
    d = _matrices(dy, groups)
    for samples, columns, matrices in _parts(dx, weight, dy, groups):
        np.matmul(matrix, d[samples], out=matrices)
        _col2im(columns, dx[samples], stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w)


def conv2d_im2col_dweight(
    dy, x, dweight, dbias, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
):
    out, d = dweight.reshape(groups, len(dweight) // groups, -1), _matrices(dy, groups)
    dweight.fill(0)
    for samples, columns, matrices in _parts(x, dweight, dy, groups):
        _im2col(x[samples], columns, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w)
        out += np.matmul(d[samples], matrices.swapaxes(2, 3)).sum(axis=0)
    np.sum(dy, axis=(0, 2, 3), out=dbias)


def conv_transpose2d_forward(
    x, weight, bias, y, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
):
    conv2d_dx(x, weight, y, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups)
    y += bias[:, None, None]


def conv_transpose2d_dx(dy, weight, dx, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups):
    zero = np.zeros(len(weight), dx.dtype)
    conv2d_forward(dy, weight, zero, dx, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups)


def conv_transpose2d_dweight(
    dy, x, dweight, dbias, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
):
    unused = np.empty(len(dweight), x.dtype)
    conv2d_dweight(x, dy, dweight, unused, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups)
    np.sum(dy, axis=(0, 2, 3), out=dbias)

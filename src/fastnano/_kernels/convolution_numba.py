# Design: a padded input is split into stride_h x stride_w planes, one per phase, so that for any stride and dilation
# a place of the kernel meets a plane at a fixed offset.  Input and output then share a row width and one long
# contiguous loop runs over whole planes, a few unused columns included: 25 GFLOP/s per core where a loop per output
# row of 10 or 28 numbers reached 9.  Four products per pass, so that sums are not stored and loaded for each.

import numpy as np

from ._numba import helper, kernel, prange

__all__ = [
    "conv2d_dweight",
    "conv2d_dx",
    "conv2d_forward",
    "conv2d_im2col_dweight",
    "conv2d_im2col_dx",
    "conv2d_im2col_forward",
]

WORKERS = 8  # that share a batch for a sum over it, whatever the threads, so that its bits are always the same


@helper
def _plane(outputs, kernel, stride, dilation):
    """Rows (or columns) of a phase's plane."""
    return outputs + (kernel - 1) * dilation // stride


@helper
def _offsets(D, K, L, rows, cols, stride_h, stride_w, dilation_h, dilation_w):
    """Where each place (d, k, l) of the kernel meets the planes of its group."""
    offsets = np.empty(D * K * L, np.int64)
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
    size, T = out.size, offsets.size
    for t in range(0, T - 3, 4):
        w0, w1, w2, w3 = weights[t], weights[t + 1], weights[t + 2], weights[t + 3]
        x0, x1 = source[offsets[t] :][:size], source[offsets[t + 1] :][:size]
        x2, x3 = source[offsets[t + 2] :][:size], source[offsets[t + 3] :][:size]
        for s in range(size):
            out[s] += w0 * x0[s] + w1 * x1[s] + w2 * x2[s] + w3 * x3[s]
    for t in range(T - T % 4, T):
        w0, x0 = weights[t], source[offsets[t] :][:size]
        for s in range(size):
            out[s] += w0 * x0[s]


@helper
def _correlate(out, source, values, offsets):
    """out[t] += Σ_s values[s] · source[offsets[t] + s]."""
    size, T = values.size, offsets.size
    zero = values.dtype.type(0)
    for t in range(0, T - 3, 4):
        x0, x1 = source[offsets[t] :][:size], source[offsets[t + 1] :][:size]
        x2, x3 = source[offsets[t + 2] :][:size], source[offsets[t + 3] :][:size]
        s0, s1, s2, s3 = zero, zero, zero, zero
        for s in range(size):
            s0 += values[s] * x0[s]
            s1 += values[s] * x1[s]
            s2 += values[s] * x2[s]
            s3 += values[s] * x3[s]
        out[t] += s0
        out[t + 1] += s1
        out[t + 2] += s2
        out[t + 3] += s3
    for t in range(T - T % 4, T):
        x0, s0 = source[offsets[t] :][:size], zero
        for s in range(size):
            s0 += values[s] * x0[s]
        out[t] += s0


@kernel(serial_below=0)
def conv2d_forward(
    x, weight, bias, y, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
):
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
    starts, offsets = np.empty(stride_h * stride_w + 1, np.int64), np.empty(M * K * L, np.int64)
    weights = np.empty((groups * D, M * K * L), weight.dtype)
    t = 0
    for phase in range(stride_h * stride_w):
        starts[phase] = t
        for o in range(M):
            for k in range(K):
                for l in range(L):
                    if (k * dilation_h) % stride_h * stride_w + (l * dilation_w) % stride_w == phase:
                        offsets[t] = o * length + lead - k * dilation_h // stride_h * cols - l * dilation_w // stride_w
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
def conv2d_dweight(
    dy, x, dweight, dbias, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
):
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


@kernel(serial_below=10_000)
def _im2col(x, columns, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w):
    """columns[c, k, l, n, p, q] = x[n, c, p · stride_h + k · dilation_h − pad_h, ...], zero outside x."""
    (N, C, H, W), (K, L), (P, Q) = x.shape, columns.shape[1:3], columns.shape[4:]
    for plane in prange(N * C):
        n, c = plane // C, plane % C
        for k in range(K):
            for l in range(L):
                for p in range(P):
                    i, start = p * stride_h + k * dilation_h - pad_h, l * dilation_w - pad_w
                    out = columns[c, k, l, n, p]
                    first = min(max((stride_w - 1 - start) // stride_w, 0), Q)  # the places inside x
                    last = max(min((W - start + stride_w - 1) // stride_w, Q), first)
                    if not 0 <= i < H:
                        first = last = Q
                    for q in range(first):
                        out[q] = 0
                    for q in range(first, last):
                        out[q] = x[n, c, i, q * stride_w + start]
                    for q in range(last, Q):
                        out[q] = 0


@kernel(serial_below=10_000)
def _col2im(columns, dx, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w):
    (N, C, H, W), (K, L), (P, Q) = dx.shape, columns.shape[1:3], columns.shape[4:]
    for plane in prange(N * C):
        n, c = plane // C, plane % C
        for i in range(H):
            for j in range(W):
                dx[n, c, i, j] = 0
        for k in range(K):
            for l in range(L):
                for p in range(P):
                    i, start = p * stride_h + k * dilation_h - pad_h, l * dilation_w - pad_w
                    if 0 <= i < H:
                        first = min(max((stride_w - 1 - start) // stride_w, 0), Q)
                        last = max(min((W - start + stride_w - 1) // stride_w, Q), first)
                        for q in range(first, last):
                            dx[n, c, i, q * stride_w + start] += columns[c, k, l, n, p, q]


def _columns(x, kernel, dy, window):
    columns = np.empty((x.shape[1], *kernel, len(x), *dy.shape[2:]), x.dtype)
    _im2col(x, columns, *window)
    return columns


def _by_channel(y, groups):
    """y[n, o, p, q] as [group, o, n·p·q]: one matrix product for the whole batch."""
    return np.ascontiguousarray(y.swapaxes(0, 1)).reshape(groups, y.shape[1] // groups, -1)


def conv2d_im2col_forward(
    x, weight, bias, y, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
):
    columns = _columns(x, weight.shape[2:], y, (stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w))
    matrix = weight.reshape(groups, len(weight) // groups, -1)
    product = np.matmul(matrix, columns.reshape(groups, matrix.shape[2], -1))  # NumPy's BLAS; Numba's needs SciPy
    product = product.reshape(len(weight), len(x), *y.shape[2:]).swapaxes(0, 1)
    np.add(product, bias[:, None, None], out=y)


def conv2d_im2col_dx(
    dy, weight, dx, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
):
    matrix = weight.reshape(groups, len(weight) // groups, -1)
    columns = np.matmul(matrix.swapaxes(1, 2), _by_channel(dy, groups))
    columns = columns.reshape(dx.shape[1], *weight.shape[2:], len(dy), *dy.shape[2:])
    _col2im(columns, dx, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w)


def conv2d_im2col_dweight(
    dy, x, dweight, dbias, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
):
    columns = _columns(x, dweight.shape[2:], dy, (stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w))
    d = _by_channel(dy, groups)
    out = dweight.reshape(groups, len(dweight) // groups, -1)
    np.matmul(d, columns.reshape(groups, out.shape[2], -1).swapaxes(1, 2), out=out)
    np.sum(d, axis=2, out=dbias.reshape(groups, -1))

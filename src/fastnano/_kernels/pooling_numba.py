import numpy as np

from ._numba import kernel, prange

__all__ = ["avg_pool2d_dx", "avg_pool2d_forward", "max_pool2d_dx", "max_pool2d_forward"]


@kernel(serial_below=10_000)
def max_pool2d_forward(
    x, y, argmax, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w
):
    (N, C, H, W), (P, Q) = x.shape, y.shape[2:]
    for plane in prange(N * C):
        n, c = plane // C, plane % C
        for p in range(P):
            for q in range(Q):
                best, place = x.dtype.type(-np.inf), np.int32(-1)
                for k in range(kernel_h):
                    i = p * stride_h - pad_h + k * dilation_h
                    if 0 <= i < H:
                        for l in range(kernel_w):
                            j = q * stride_w - pad_w + l * dilation_w
                            if 0 <= j < W:
                                value = x[n, c, i, j]
                                if value > best or place < 0 or np.isnan(value):
                                    best, place = value, np.int32(i * W + j)
                y[n, c, p, q], argmax[n, c, p, q] = best, place


@kernel(serial_below=10_000)
def max_pool2d_dx(
    dy, argmax, dx, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w
):
    (N, C, H, W), (P, Q) = dx.shape, dy.shape[2:]
    for plane in prange(N * C):  # windows overlap within a plane, never across
        n, c = plane // C, plane % C
        for i in range(H):
            for j in range(W):
                dx[n, c, i, j] = 0
        for p in range(P):
            for q in range(Q):
                place = argmax[n, c, p, q]
                dx[n, c, place // W, place % W] += dy[n, c, p, q]


@kernel(serial_below=10_000)
def avg_pool2d_forward(x, scale, y, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w):
    (N, C, H, W), (P, Q) = x.shape, y.shape[2:]
    for plane in prange(N * C):
        n, c = plane // C, plane % C
        for p in range(P):
            top, bottom = max(p * stride_h - pad_h, 0), min(p * stride_h - pad_h + kernel_h, H)
            for q in range(Q):
                left, right = max(q * stride_w - pad_w, 0), min(q * stride_w - pad_w + kernel_w, W)
                total = x.dtype.type(0)
                for i in range(top, bottom):
                    for j in range(left, right):
                        total += x[n, c, i, j]
                y[n, c, p, q] = total * scale[p, q]


@kernel(serial_below=10_000)
def avg_pool2d_dx(dy, scale, dx, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w):
    (N, C, H, W), (P, Q) = dx.shape, dy.shape[2:]
    for plane in prange(N * C):
        n, c = plane // C, plane % C
        for i in range(H):
            for j in range(W):
                dx[n, c, i, j] = 0
        for p in range(P):
            top, bottom = max(p * stride_h - pad_h, 0), min(p * stride_h - pad_h + kernel_h, H)
            for q in range(Q):
                left, right = max(q * stride_w - pad_w, 0), min(q * stride_w - pad_w + kernel_w, W)
                share = dy[n, c, p, q] * scale[p, q]
                for i in range(top, bottom):
                    for j in range(left, right):
                        dx[n, c, i, j] += share

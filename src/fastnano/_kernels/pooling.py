"""Maximum and average over windows of the height x width plane."""

import numpy as np

__all__ = ["avg_pool2d_dx", "avg_pool2d_forward", "max_pool2d_dx", "max_pool2d_forward"]


def _places(kernel_h, kernel_w, p, q, stride_h, stride_w, dilation_h, dilation_w):
    """For each place of the window, the rows and columns of the padded plane that it meets."""
    for k in range(kernel_h):
        for l in range(kernel_w):
            yield k * dilation_h + np.arange(p) * stride_h, l * dilation_w + np.arange(q) * stride_w


def _extent(size, kernel, positions, stride, pad, dilation):
    """Length of the padded axis: windows of ceil_mode may reach beyond the padding."""
    return max(size + 2 * pad, (positions - 1) * stride + dilation * (kernel - 1) + 1)


def max_pool2d_forward(
    x, y, argmax, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w
):
    """y = the maximum of each window; argmax = its flat place in the plane, the first of equals; NaN wins."""
    (h, w), (p, q) = x.shape[2:], y.shape[2:]
    y.fill(-np.inf)
    argmax.fill(-1)
    for rows, columns in _places(kernel_h, kernel_w, p, q, stride_h, stride_w, dilation_h, dilation_w):
        rows, columns = rows[:, None] - pad_h, columns[None, :] - pad_w
        inside = (rows >= 0) & (rows < h) & (columns >= 0) & (columns < w)
        candidate = x[:, :, rows.clip(0, h - 1), columns.clip(0, w - 1)]
        better = inside & ((candidate > y) | np.isnan(candidate) | (argmax < 0))
        np.copyto(y, candidate, where=better)
        np.copyto(argmax, (rows * w + columns).astype(argmax.dtype), where=better)


def max_pool2d_dx(
    dy, argmax, dx, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w
):
    n, c, h, w = dx.shape
    dx.fill(0)
    planes = np.arange(n * c)[:, None]
    np.add.at(dx.reshape(n * c, h * w), (planes, argmax.reshape(n * c, -1)), dy.reshape(n * c, -1))


def avg_pool2d_forward(x, scale, y, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w):
    """y = scale · Σ of each window; scale[p,q] is one over the number of values that count there."""
    (h, w), (p, q) = x.shape[2:], y.shape[2:]
    padded = np.zeros(
        (
            *x.shape[:2],
            _extent(h, kernel_h, p, stride_h, pad_h, 1),
            _extent(w, kernel_w, q, stride_w, pad_w, 1),
        ),
        x.dtype,
    )
    padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w] = x
    y.fill(0)
    for rows, columns in _places(kernel_h, kernel_w, p, q, stride_h, stride_w, 1, 1):
        y += padded[:, :, rows[:, None], columns]
    y *= scale


def avg_pool2d_dx(dy, scale, dx, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w):
    (h, w), (p, q) = dx.shape[2:], dy.shape[2:]
    padded = np.zeros(
        (
            *dx.shape[:2],
            _extent(h, kernel_h, p, stride_h, pad_h, 1),
            _extent(w, kernel_w, q, stride_w, pad_w, 1),
        ),
        dx.dtype,
    )
    share = dy * scale
    for rows, columns in _places(kernel_h, kernel_w, p, q, stride_h, stride_w, 1, 1):
        padded[:, :, rows[:, None], columns] += share  # one place of all windows: no row or column twice
    dx[:] = padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w]

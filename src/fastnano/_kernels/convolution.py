"""Two-dimensional convolution (cross-correlation), by two algorithms.

y[n,o,p,q] = bias[o] + Σ_{d,k,l} weight[o,d,k,l] · x[n, g·D + d, i, j],
i = p·stride − pad + k·dilation,  j = q·stride − pad + l·dilation

with g the group of output channel o and x zero outside its borders.  ``conv2d`` sums over a kernel's places;
``conv2d_im2col`` first copies every window into a column, so that one matrix product does the rest
(K. Chellapilla, S. Puri, P. Simard, "High Performance Convolutional Neural Networks for Document
Processing", 2006).  ``conv_transpose2d`` is the linear map transposed: y as dx is made of dy, so its kernels are those
of ``conv2d`` with their roles exchanged (V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning",
2016).
"""

import numpy as np

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


def _pad(x, pad_h, pad_w):
    return np.pad(x, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))


def _crop(x, pad_h, pad_w):
    return x[:, :, pad_h : x.shape[2] - pad_h, pad_w : x.shape[3] - pad_w]


def _places(kernel, output, stride_h, stride_w, dilation_h, dilation_w):
    """For each place (k, l) of the kernel, the part of the padded input that it meets."""
    (height, width), (p, q) = kernel, output
    for k in range(height):
        for l in range(width):
            i, j = k * dilation_h, l * dilation_w
            yield (
                k,
                l,
                np.s_[
                    ..., i : i + (p - 1) * stride_h + 1 : stride_h, j : j + (q - 1) * stride_w + 1 : stride_w
                ],
            )


def _grouped(x, groups, axis):
    return x.reshape(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :])


def conv2d_forward(x, weight, bias, y, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups):
    """y[n,o,p,q] = bias[o] + Σ_{d,k,l} weight[o,d,k,l] · x[n, d, p·stride + k·dilation − pad, …], of o's group."""
    padded = _grouped(_pad(x, pad_h, pad_w), groups, axis=1)
    kernel = _grouped(weight, groups, axis=0)
    y[:] = bias[:, None, None]
    out = _grouped(y, groups, axis=1)
    for k, l, place in _places(weight.shape[2:], y.shape[2:], stride_h, stride_w, dilation_h, dilation_w):
        out += np.einsum("ngdpq,god->ngopq", padded[place], kernel[..., k, l], optimize=True)


def conv2d_dx(dy, weight, dx, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups):
    """dx[n,d,h,w] = Σ weight[o,d,k,l] · dy[n,o,p,q] over the o, k, l, p, q by which y read it."""
    n, c, h, w = dx.shape
    padded = np.zeros((n, c, h + 2 * pad_h, w + 2 * pad_w), dx.dtype)
    out, kernel, d = (
        _grouped(padded, groups, axis=1),
        _grouped(weight, groups, axis=0),
        _grouped(dy, groups, axis=1),
    )
    for k, l, place in _places(weight.shape[2:], dy.shape[2:], stride_h, stride_w, dilation_h, dilation_w):
        out[place] += np.einsum("ngopq,god->ngdpq", d, kernel[..., k, l], optimize=True)
    dx[:] = _crop(padded, pad_h, pad_w)


def conv2d_dweight(dy, x, dweight, dbias, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups):
    """dweight[o,d,k,l] = Σ_{n,p,q} dy[n,o,p,q] · x[n, d, p·stride + k·dilation − pad, …]; dbias[o] = Σ dy[n,o,p,q]."""
    padded, d = _grouped(_pad(x, pad_h, pad_w), groups, axis=1), _grouped(dy, groups, axis=1)
    out = _grouped(dweight, groups, axis=0)
    for k, l, place in _places(dweight.shape[2:], dy.shape[2:], stride_h, stride_w, dilation_h, dilation_w):
        out[..., k, l] = np.einsum("ngopq,ngdpq->god", d, padded[place], optimize=True)
    np.sum(dy, axis=(0, 2, 3), out=dbias)


def _columns(x, kernel, output, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups):
    """x as columns[n, g, d·k·l, p·q]: one column per output place."""
    padded = _pad(x, pad_h, pad_w)
    columns = np.empty((*x.shape[:2], *kernel, *output), x.dtype)
    for k, l, place in _places(kernel, output, stride_h, stride_w, dilation_h, dilation_w):
        columns[:, :, k, l] = padded[place]
    return columns.reshape(len(x), groups, -1, output[0] * output[1])


def _matrix(weight, groups):
    """weight as matrix[g, o, d·k·l]."""
    return weight.reshape(groups, len(weight) // groups, -1)


def conv2d_im2col_forward(
    x, weight, bias, y, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
):
    """y = weight · columns + bias, one product of matrices per sample and group."""
    window = stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
    columns = _columns(x, weight.shape[2:], y.shape[2:], *window)
    np.matmul(
        _matrix(weight, groups),
        columns,
        out=_grouped(y, groups, axis=1).reshape(len(x), groups, -1, columns.shape[-1]),
    )
    y += bias[:, None, None]


def conv2d_im2col_dx(dy, weight, dx, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups):
    """dcolumns = weightᵀ · dy; dx = the columns added where they came from."""
    n, c, h, w = dx.shape
    d = _grouped(dy, groups, axis=1).reshape(n, groups, weight.shape[0] // groups, -1)
    columns = np.matmul(_matrix(weight, groups).swapaxes(1, 2), d)
    columns = columns.reshape(n, c, *weight.shape[2:], *dy.shape[2:])
    padded = np.zeros((n, c, h + 2 * pad_h, w + 2 * pad_w), dx.dtype)
    for k, l, place in _places(weight.shape[2:], dy.shape[2:], stride_h, stride_w, dilation_h, dilation_w):
        padded[place] += columns[:, :, k, l]
    dx[:] = _crop(padded, pad_h, pad_w)


def conv2d_im2col_dweight(
    dy, x, dweight, dbias, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
):
    """dweight = Σ_n dy · columnsᵀ; dbias[o] = Σ dy[n,o,p,q]."""
    window = stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
    columns = _columns(x, dweight.shape[2:], dy.shape[2:], *window)
    d = _grouped(dy, groups, axis=1).reshape(len(x), groups, len(dweight) // groups, -1)
    np.einsum("ngos,ngms->gom", d, columns, out=_matrix(dweight, groups), optimize=True)
    np.sum(dy, axis=(0, 2, 3), out=dbias)


def conv_transpose2d_forward(
    x, weight, bias, y, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
):
    """y[n,o,h,w] = bias[o] + Σ x[n,c,p,q] · weight[c,o,k,l], p·stride + k·dilation − pad = h: ``conv2d_dx`` of x."""
    conv2d_dx(x, weight, y, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups)
    y += bias[:, None, None]


def conv_transpose2d_dx(dy, weight, dx, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups):
    """dx[n,c,p,q] = Σ_{o,k,l} weight[c,o,k,l] · dy[n, o, p·stride + k·dilation − pad, …]: ``conv2d_forward`` of dy."""
    zero = np.zeros(len(weight), dx.dtype)
    conv2d_forward(dy, weight, zero, dx, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups)


def conv_transpose2d_dweight(
    dy, x, dweight, dbias, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups
):
    """dweight[c,o,k,l] = Σ_{n,p,q} x[n,c,p,q] · dy[n, o, p·stride + k·dilation − pad, …]; dbias[o] = Σ dy[n,o,h,w]."""
    unused = np.empty(len(dweight), x.dtype)
    conv2d_dweight(x, dy, dweight, unused, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups)
    np.sum(dy, axis=(0, 2, 3), out=dbias)

from ._numba import exp, kernel, prange

__all__ = [
    "leaky_relu_dx",
    "leaky_relu_forward",
    "relu_dx",
    "relu_forward",
    "sigmoid_dx",
    "sigmoid_forward",
    "tanh_dx",
    "tanh_forward",
]


@kernel(flat=True)
def relu_forward(x, y):
    zero = x.dtype.type(0)
    for i in prange(x.size):
        y[i] = zero if x[i] < zero else x[i]  # this way round NaN passes


@kernel(flat=True)
def relu_dx(dy, y, dx):
    zero = y.dtype.type(0)
    for i in prange(y.size):
        dx[i] = dy[i] if y[i] > zero else zero


@kernel(flat=True)
def leaky_relu_forward(x, y, negative_slope):
    zero, slope = x.dtype.type(0), x.dtype.type(negative_slope)
    for i in prange(x.size):
        y[i] = x[i] if x[i] > zero else slope * x[i]


@kernel(flat=True)
def leaky_relu_dx(dy, x, dx, negative_slope):
    zero, slope = x.dtype.type(0), x.dtype.type(negative_slope)
    for i in prange(x.size):
        dx[i] = dy[i] if x[i] > zero else slope * dy[i]


@kernel(flat=True, serial_below=40_000)
def sigmoid_forward(x, y):
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for i in prange(x.size):
        e = exp(-abs(x[i]))
        y[i] = (e if x[i] < zero else one) / (one + e)


@kernel(flat=True)
def sigmoid_dx(dy, y, dx):
    one = y.dtype.type(1)
    for i in prange(y.size):
        dx[i] = dy[i] * y[i] * (one - y[i])


@kernel(flat=True, serial_below=40_000)
def tanh_forward(x, y):
    zero, one, two = x.dtype.type(0), x.dtype.type(1), x.dtype.type(2)
    for i in prange(x.size):
        e = exp(-two * abs(x[i]))
        t = (one - e) / (one + e)
        y[i] = -t if x[i] < zero else t


@kernel(flat=True)
def tanh_dx(dy, y, dx):
    one = y.dtype.type(1)
    for i in prange(y.size):
        dx[i] = dy[i] * (one - y[i] * y[i])

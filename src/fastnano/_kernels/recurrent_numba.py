import numpy as np

from ._numba import helper, kernel, prange

__all__ = [
    "gru_dweight",
    "gru_dx",
    "gru_forward",
    "lstm_dweight",
    "lstm_dx",
    "lstm_forward",
    "rnn_relu_dweight",
    "rnn_relu_dx",
    "rnn_relu_forward",
    "rnn_tanh_dweight",
    "rnn_tanh_dx",
    "rnn_tanh_forward",
]


@helper
def _sigmoid(x):
    one = type(x)(1)
    return one / (one + np.exp(-x))


@helper
def _weighed(weight, g, state):
    """Row g of the weights times the state."""
    total = state.dtype.type(0)
    for h in range(state.size):
        total += weight[g, h] * state[h]
    return total


@helper
def _back(dgates, weight, dstate):
    """dstate += weightᵀ dgates."""
    for g in range(weight.shape[0]):
        for h in range(weight.shape[1]):
            dstate[h] += weight[g, h] * dgates[g]


@helper
def _outer_sum(dgates, y, start, dweight, g):
    """Row g of Σ_n Σ_t dgates_t ⊗ h_{t−1}."""
    dweight[g] = 0
    for n in range(y.shape[0]):
        for t in range(y.shape[1]):
            before = y[n, t - 1] if t else start[n]
            for h in range(before.size):
                dweight[g, h] += dgates[n, t, g] * before[h]


# Of one sample


@helper
def _rnn_forward(x, weight, start, y, tanh):
    for t in range(x.shape[0]):
        before = y[t - 1] if t else start
        for g in range(x.shape[1]):
            total = x[t, g] + _weighed(weight, g, before)
            y[t, g] = np.tanh(total) if tanh else max(total, x.dtype.type(0))


@helper
def _rnn_dx(dy, y, weight, dx, dstart, tanh):
    T, H = y.shape
    zero, one = y.dtype.type(0), y.dtype.type(1)
    dstart[:] = 0
    for back in range(T):
        t = T - 1 - back
        for h in range(H):
            total = dy[t, h] + dstart[h]
            dx[t, h] = total * (one - y[t, h] * y[t, h]) if tanh else total if y[t, h] > 0 else zero
            dstart[h] = 0
        _back(dx[t], weight, dstart)


@kernel(serial_below=4_000)
def rnn_tanh_forward(x, weight, start, y):
    for n in prange(x.shape[0]):
        _rnn_forward(x[n], weight, start[n], y[n], True)


@kernel(serial_below=4_000)
def rnn_tanh_dx(dy, y, weight, dx, dstart):
    for n in prange(y.shape[0]):
        _rnn_dx(dy[n], y[n], weight, dx[n], dstart[n], True)


@kernel(serial_below=4_000)
def rnn_tanh_dweight(dx, y, start, dweight):
    for g in prange(dx.shape[2]):
        _outer_sum(dx, y, start, dweight, g)


@kernel(serial_below=4_000)
def rnn_relu_forward(x, weight, start, y):
    for n in prange(x.shape[0]):
        _rnn_forward(x[n], weight, start[n], y[n], False)


@kernel(serial_below=4_000)
def rnn_relu_dx(dy, y, weight, dx, dstart):
    for n in prange(y.shape[0]):
        _rnn_dx(dy[n], y[n], weight, dx[n], dstart[n], False)


rnn_relu_dweight = rnn_tanh_dweight


@kernel(serial_below=4_000)
def lstm_forward(x, weight, start, cell, y, gates):
    N, T, G = x.shape
    H = G // 4
    for n in prange(N):
        for t in range(T):
            before, cells = (y[n, 0, t - 1], y[n, 1, t - 1]) if t else (start[n], cell[n])
            gate = gates[n, t]
            for g in range(G):
                gate[g] = x[n, t, g] + _weighed(weight, g, before)
            for h in range(H):
                gate[h], gate[H + h] = _sigmoid(gate[h]), _sigmoid(gate[H + h])
                gate[2 * H + h], gate[3 * H + h] = np.tanh(gate[2 * H + h]), _sigmoid(gate[3 * H + h])
                y[n, 1, t, h] = gate[H + h] * cells[h] + gate[h] * gate[2 * H + h]
                y[n, 0, t, h] = gate[3 * H + h] * np.tanh(y[n, 1, t, h])


@kernel(serial_below=4_000)
def lstm_dx(dy, y, gates, weight, cell, dx, dstart, dcell):
    N, T, G = gates.shape
    H, one = G // 4, y.dtype.type(1)
    for n in prange(N):
        dstart[n], dcell[n] = 0, 0
        for back in range(T):
            t = T - 1 - back
            cells = y[n, 1, t - 1] if t else cell[n]
            for h in range(H):
                i, f, g, o = (
                    gates[n, t, h],
                    gates[n, t, H + h],
                    gates[n, t, 2 * H + h],
                    gates[n, t, 3 * H + h],
                )
                dh, bent = dy[n, 0, t, h] + dstart[n, h], np.tanh(y[n, 1, t, h])
                dc = dcell[n, h] + dy[n, 1, t, h] + dh * o * (one - bent * bent)
                dx[n, t, h] = dc * g * i * (one - i)
                dx[n, t, H + h] = dc * cells[h] * f * (one - f)
                dx[n, t, 2 * H + h] = dc * i * (one - g * g)
                dx[n, t, 3 * H + h] = dh * bent * o * (one - o)
                dstart[n, h], dcell[n, h] = 0, dc * f
            _back(dx[n, t], weight, dstart[n])


@kernel(serial_below=4_000)
def lstm_dweight(dx, y, start, dweight):
    for g in prange(dx.shape[2]):
        _outer_sum(dx, y[:, 0], start, dweight, g)


@kernel(serial_below=4_000)
def gru_forward(x, weight, bias, start, y, gates, inner):
    N, T, G = x.shape
    H = G // 3
    for n in prange(N):
        for t in range(T):
            before = y[n, t - 1] if t else start[n]
            gate = gates[n, t]
            for g in range(G):
                gate[g] = _weighed(weight, g, before) + bias[g]
            for h in range(H):
                r, z = _sigmoid(x[n, t, h] + gate[h]), _sigmoid(x[n, t, H + h] + gate[H + h])
                inner[n, t, h] = gate[2 * H + h]
                new = np.tanh(x[n, t, 2 * H + h] + r * inner[n, t, h])
                y[n, t, h] = new + z * (before[h] - new)
                gate[h], gate[H + h], gate[2 * H + h] = r, z, new


@kernel(serial_below=4_000)
def gru_dx(dy, y, gates, inner, weight, start, dx, dgates, dstart):
    N, T, H = y.shape
    one = y.dtype.type(1)
    for n in prange(N):
        dstart[n] = 0
        for back in range(T):
            t = T - 1 - back
            before = y[n, t - 1] if t else start[n]
            for h in range(H):
                r, z, new = gates[n, t, h], gates[n, t, H + h], gates[n, t, 2 * H + h]
                dh = dy[n, t, h] + dstart[n, h]
                dn = dh * (one - z) * (one - new * new)
                dr, dz = dn * inner[n, t, h] * r * (one - r), dh * (before[h] - new) * z * (one - z)
                dx[n, t, h], dx[n, t, H + h], dx[n, t, 2 * H + h] = dr, dz, dn
                dgates[n, t, h], dgates[n, t, H + h], dgates[n, t, 2 * H + h] = dr, dz, dn * r
                dstart[n, h] = dh * z
            _back(dgates[n, t], weight, dstart[n])


@kernel(serial_below=4_000)
def gru_dweight(dgates, y, start, dweight, dbias):
    for g in prange(dgates.shape[2]):
        _outer_sum(dgates, y, start, dweight, g)
        dbias[g] = 0
        for n in range(y.shape[0]):
            for t in range(y.shape[1]):
                dbias[g] += dgates[n, t, g]

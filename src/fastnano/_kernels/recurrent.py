"""Recurrent layers over whole sequences, from the projections x[n, t, ·] of their inputs.

h_t = f(x_t + weight · h_{t−1}) from h_{−1} = start, with the gates of f in PyTorch's order.
Sources: J. Elman, "Finding Structure in Time", 1990; S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", 1997,
with the forget gate of F. Gers et al., 2000; K. Cho et al., arXiv:1406.1078 (GRU, here with the reset gate behind the
product, as in cuDNN).
"""

# Design: an op goes over all time steps, since per sample they depend on nothing but the weights: a block of samples
# goes through them with its state in cache, and a step costs no calls.  Rejected: an op per step, which takes as many
# calls and copies as there are steps.

import numpy as np

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


def _sigmoid(x):
    return 1 / (1 + np.exp(-np.abs(x))) * np.where(x < 0, np.exp(-np.abs(x)), 1)


def _previous(y, start, t):
    return y[:, t - 1] if t else start


def _outer_sum(dgates, y, start):
    """Σ_n Σ_t dgates_t ⊗ h_{t−1}."""
    before = np.concatenate([start[:, None], y[:, :-1]], axis=1)
    return dgates.reshape(-1, dgates.shape[2]).T @ before.reshape(-1, y.shape[2])


def _rnn_forward(x, weight, start, y, activation):
    for t in range(x.shape[1]):
        y[:, t] = activation(x[:, t] + _previous(y, start, t) @ weight.T)


def _rnn_dx(dy, weight, dx, dstart, slope):
    """dx_t = f'(·) · dh_t, dh_t = dy_t + weightᵀ dx_{t+1}."""
    dstart.fill(0)
    for t in reversed(range(dy.shape[1])):
        dx[:, t] = (dy[:, t] + dstart) * slope[:, t]
        dstart[:] = dx[:, t] @ weight


def rnn_tanh_forward(x, weight, start, y):
    """h_t = tanh(x_t + weight · h_{t−1})."""
    _rnn_forward(x, weight, start, y, np.tanh)


def rnn_tanh_dx(dy, y, weight, dx, dstart):
    _rnn_dx(dy, weight, dx, dstart, 1 - y * y)


def rnn_tanh_dweight(dx, y, start, dweight):
    dweight[:] = _outer_sum(dx, y, start)


def rnn_relu_forward(x, weight, start, y):
    """h_t = max(x_t + weight · h_{t−1}, 0)."""
    _rnn_forward(x, weight, start, y, lambda a: np.maximum(a, 0))


def rnn_relu_dx(dy, y, weight, dx, dstart):
    _rnn_dx(dy, weight, dx, dstart, y > 0)


rnn_relu_dweight = rnn_tanh_dweight


def lstm_forward(x, weight, start, cell, y, gates):
    """i, f, g, o = x_t + weight · h_{t−1};  c_t = σ(f) c_{t−1} + σ(i) tanh(g);  h_t = σ(o) tanh(c_t).

    y[:, 0] is h, y[:, 1] is c; gates holds σ(i), σ(f), tanh(g), σ(o).
    """
    hidden, cells = y[:, 0], y[:, 1]
    for t in range(x.shape[1]):
        sums = np.split(x[:, t] + _previous(hidden, start, t) @ weight.T, 4, axis=1)
        i, f, g, o = _sigmoid(sums[0]), _sigmoid(sums[1]), np.tanh(sums[2]), _sigmoid(sums[3])
        cells[:, t] = f * _previous(cells, cell, t) + i * g
        hidden[:, t] = o * np.tanh(cells[:, t])
        gates[:, t] = np.concatenate([i, f, g, o], axis=1)


def lstm_dx(dy, y, gates, weight, cell, dx, dstart, dcell):
    dstart.fill(0)
    dcell.fill(0)
    for t in reversed(range(gates.shape[1])):
        i, f, g, o = np.split(gates[:, t], 4, axis=1)
        dh, tanh_c = dy[:, 0, t] + dstart, np.tanh(y[:, 1, t])
        dc = dcell + dy[:, 1, t] + dh * o * (1 - tanh_c * tanh_c)
        di, df, dg = (
            dc * g * i * (1 - i),
            dc * _previous(y[:, 1], cell, t) * f * (1 - f),
            dc * i * (1 - g * g),
        )
        dx[:, t] = np.concatenate([di, df, dg, dh * tanh_c * o * (1 - o)], axis=1)
        dstart[:], dcell[:] = dx[:, t] @ weight, dc * f


def lstm_dweight(dx, y, start, dweight):
    dweight[:] = _outer_sum(dx, y[:, 0], start)


def gru_forward(x, weight, bias, start, y, gates, inner):
    """r, z, m = weight · h_{t−1} + bias;  r = σ(x_r + r), z = σ(x_z + z), n = tanh(x_n + r m);
    h_t = (1 − z) n + z h_{t−1}.  gates holds r, z, n, inner holds m."""
    h = y.shape[2]
    for t in range(x.shape[1]):
        before = _previous(y, start, t)
        sums = before @ weight.T + bias
        both, inner[:, t] = _sigmoid(x[:, t, : 2 * h] + sums[:, : 2 * h]), sums[:, 2 * h :]
        r, z = both[:, :h], both[:, h:]
        n = np.tanh(x[:, t, 2 * h :] + r * inner[:, t])
        y[:, t] = n + z * (before - n)
        gates[:, t] = np.concatenate([r, z, n], axis=1)


def gru_dx(dy, y, gates, inner, weight, start, dx, dgates, dstart):
    """dgates is the gradient of weight · h_{t−1} + bias, which differs from dx in n."""
    dstart.fill(0)
    for t in reversed(range(dy.shape[1])):
        r, z, n = np.split(gates[:, t], 3, axis=1)
        dh = dy[:, t] + dstart
        dn = dh * (1 - z) * (1 - n * n)
        dr, dz = dn * inner[:, t] * r * (1 - r), dh * (_previous(y, start, t) - n) * z * (1 - z)
        dx[:, t] = np.concatenate([dr, dz, dn], axis=1)
        dgates[:, t] = np.concatenate([dr, dz, dn * r], axis=1)
        dstart[:] = dgates[:, t] @ weight + dh * z


def gru_dweight(dgates, y, start, dweight, dbias):
    dweight[:] = _outer_sum(dgates, y, start)
    dbias[:] = dgates.sum(axis=(0, 1))

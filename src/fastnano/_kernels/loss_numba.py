import numpy as np

from ._numba import exp, kernel, prange
from .loss import weight_of_targets_forward  # one number per place: nothing to win

__all__ = [
    "cross_entropy_dx",
    "cross_entropy_forward",
    "hinge_loss_dx",
    "hinge_loss_forward",
    "multi_margin_loss_dx",
    "multi_margin_loss_forward",
    "nll_loss_dx",
    "nll_loss_forward",
    "weight_of_targets_forward",
]


@kernel(serial_below=20_000)
def cross_entropy_forward(x, target, weight, loss, logsumexp, ignore_index, label_smoothing):
    N, C, S = x.shape
    one_hot, smooth = x.dtype.type(1 - label_smoothing), x.dtype.type(label_smoothing / C)
    for i in prange(N * S):
        n, s = i // S, i % S
        top = x[n, 0, s]
        for c in range(1, C):
            top = max(top, x[n, c, s])
        total = x.dtype.type(0)
        for c in range(C):
            total += exp(x[n, c, s] - top)
        L = top + np.log(total)
        logsumexp[n, s] = L
        t = target[n, s]
        value = x.dtype.type(0)
        if t != ignore_index:
            value = one_hot * weight[t] * (L - x[n, t, s])
            if smooth:  # without it a score of −∞ elsewhere must not turn into 0 · ∞
                for c in range(C):
                    value += smooth * weight[c] * (L - x[n, c, s])
        loss[n, s] = value


@kernel(serial_below=2_000)
def cross_entropy_dx(dloss, x, target, weight, logsumexp, dx, ignore_index, label_smoothing):
    N, C, S = x.shape
    smooth = x.dtype.type(label_smoothing / C)
    smooth_total = x.dtype.type(0)
    for c in range(C):
        smooth_total += smooth * weight[c]
    for i in prange(N * S):
        n, s = i // S, i % S
        t = target[n, s]
        if t == ignore_index:
            for c in range(C):
                dx[n, c, s] = 0
        else:
            chosen = x.dtype.type(1 - label_smoothing) * weight[t]
            for c in range(C):
                q = exp(x[n, c, s] - logsumexp[n, s]) * (chosen + smooth_total)
                dx[n, c, s] = dloss[n, s] * (q - smooth * weight[c])
            dx[n, t, s] -= dloss[n, s] * chosen


@kernel()
def nll_loss_forward(x, target, weight, loss, ignore_index):
    N, S = target.shape
    for n in prange(N):
        for s in range(S):
            t = target[n, s]
            loss[n, s] = 0
            if t != ignore_index:
                loss[n, s] = -weight[t] * x[n, t, s]


@kernel(serial_below=10_000)
def nll_loss_dx(dloss, target, weight, dx, ignore_index):
    N, C, S = dx.shape
    for n in prange(N):
        for c in range(C):
            for s in range(S):
                dx[n, c, s] = 0
        for s in range(S):
            t = target[n, s]
            if t != ignore_index:
                dx[n, t, s] = -weight[t] * dloss[n, s]


@kernel(serial_below=20_000)
def multi_margin_loss_forward(x, target, weight, loss, p, margin):
    N, C = x.shape
    zero, edge, classes = x.dtype.type(0), x.dtype.type(margin), x.dtype.type(C)
    for n in prange(N):
        t = target[n]
        total = zero
        for c in range(C):
            gap = edge - x[n, t] + x[n, c]
            if c != t and not gap <= zero:  # this way round NaN passes
                total += gap * gap if p == 2 else gap
        loss[n] = weight[t] * total / classes


@kernel(serial_below=2_000)
def multi_margin_loss_dx(dloss, x, target, weight, dx, p, margin):
    N, C = x.shape
    zero, edge, classes = x.dtype.type(0), x.dtype.type(margin), x.dtype.type(C)
    for n in prange(N):
        t = target[n]
        scale, total = dloss[n] * weight[t] / classes, zero
        for c in range(C):
            gap = edge - x[n, t] + x[n, c]
            dx[n, c] = zero
            if c != t and p == 2 and not gap <= zero:
                dx[n, c] = scale * (gap + gap)
            elif c != t and p != 2 and gap > zero:
                dx[n, c] = scale
            total += dx[n, c]
        dx[n, t] = -total


@kernel()
def hinge_loss_forward(x, target, loss, margin):
    N, C, S = x.shape
    zero, edge = x.dtype.type(0), x.dtype.type(margin)
    for n in prange(N):
        for c in range(C):
            for s in range(S):
                gap = edge - x[n, c, s] if c == target[n, s] else edge + x[n, c, s]
                loss[n, c, s] = zero if gap < zero else gap


@kernel()
def hinge_loss_dx(dloss, x, target, dx, margin):
    N, C, S = x.shape
    zero, edge = x.dtype.type(0), x.dtype.type(margin)
    for n in prange(N):
        for c in range(C):
            for s in range(S):
                mine = c == target[n, s]
                gap = edge - x[n, c, s] if mine else edge + x[n, c, s]
                slope = -dloss[n, c, s] if mine else dloss[n, c, s]
                dx[n, c, s] = slope if gap >= zero else zero

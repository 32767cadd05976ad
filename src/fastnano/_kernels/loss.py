"""Losses over class scores, one value per sample and place or per score; axis c of x[n, c, s] holds the classes."""

import numpy as np

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


def _classes(target, ignore_index):
    """target as an index of axis c, and where it counts; ignored places point at class 0."""
    counts = target != ignore_index
    return np.where(counts, target, 0)[:, None, :], counts


def cross_entropy_forward(x, target, weight, loss, logsumexp, ignore_index, label_smoothing):
    """Softmax and cross-entropy in one pass (C classes, ε = label_smoothing, t = target; 0 where ignored):

    loss = (1 − ε) · weight_t · (L − x_t) + ε/C · Σ_c weight_c · (L − x_c),  L = logsumexp = log Σ_c e^x_c

    Label smoothing: C. Szegedy et al., "Rethinking the Inception Architecture", arXiv:1512.00567.
    """
    index, counts = _classes(target, ignore_index)
    top = x.max(axis=1)
    logsumexp[:] = top + np.log(np.exp(x - top[:, None]).sum(axis=1))
    chosen = np.take_along_axis(x, index, axis=1)[:, 0]
    loss[:] = (1 - label_smoothing) * weight[index[:, 0]] * (logsumexp - chosen)
    if label_smoothing:
        every = (weight[:, None] * (logsumexp[:, None] - x)).sum(axis=1)
        loss += label_smoothing / x.shape[1] * every
    loss[~counts] = 0


def cross_entropy_dx(dloss, x, target, weight, logsumexp, dx, ignore_index, label_smoothing):
    """dx_c = dloss · (softmax_c · Σ_k q_k − q_c),  q_c = (1 − ε) · weight_t · [c = t] + ε/C · weight_c."""
    index, counts = _classes(target, ignore_index)
    smooth = (label_smoothing / x.shape[1] * weight).astype(x.dtype)
    chosen = ((1 - label_smoothing) * weight[index]).astype(x.dtype)
    np.exp(x - logsumexp[:, None], out=dx)
    dx *= chosen + smooth.sum()
    dx -= smooth[:, None]
    np.put_along_axis(dx, index, np.take_along_axis(dx, index, axis=1) - chosen, axis=1)
    dx *= dloss[:, None]
    np.copyto(dx, 0, where=~counts[:, None])


def nll_loss_forward(x, target, weight, loss, ignore_index):
    """loss = −weight_t · x_t; 0 where t is ignored."""
    index, counts = _classes(target, ignore_index)
    chosen = np.take_along_axis(x, index, axis=1)[:, 0]
    loss[:] = np.where(counts, -weight[index[:, 0]] * chosen, 0)


def nll_loss_dx(dloss, target, weight, dx, ignore_index):
    index, counts = _classes(target, ignore_index)
    dx.fill(0)
    np.put_along_axis(dx, index, -weight[index] * np.where(counts, dloss, 0)[:, None], axis=1)


def weight_of_targets_forward(target, weight, total, ignore_index):
    """total = Σ weight_t over the targets that count: what a weighted mean is divided by."""
    total[...] = weight[target[target != ignore_index]].sum(dtype=np.float64)


def _gaps(x, target, margin):
    """max(0, margin − x_t + x_c), and 0 for c = t."""
    index = target[:, None]
    gaps = np.maximum(margin - np.take_along_axis(x, index, axis=1) + x, 0)
    np.put_along_axis(gaps, index, 0, axis=1)
    return gaps


def multi_margin_loss_forward(x, target, weight, loss, p, margin):
    """loss = weight_t / C · Σ_{c≠t} max(0, margin − x_t + x_c)^p, p = 1 or 2 (K. Crammer, Y. Singer, JMLR 2, 2001)."""
    gaps = _gaps(x, target, margin)
    loss[:] = weight[target] * (gaps * gaps if p == 2 else gaps).sum(axis=1) / x.shape[1]


def multi_margin_loss_dx(dloss, x, target, weight, dx, p, margin):
    """At the kink, a gap of 0, the gradient is 0."""
    gaps = _gaps(x, target, margin)
    scale = dloss * weight[target] / x.shape[1]
    np.multiply(scale[:, None], 2 * gaps if p == 2 else gaps > 0, out=dx)
    np.put_along_axis(dx, target[:, None], -dx.sum(axis=1, keepdims=True), axis=1)


def _signs(x, target):
    """+1 for the class of the target, −1 for the others."""
    here = np.arange(x.shape[1])[:, None] == target[:, None, :]
    return np.where(here, x.dtype.type(1), x.dtype.type(-1))


def hinge_loss_forward(x, target, loss, margin):
    """loss_c = max(0, margin − s · x_c), s = +1 for c = t and −1 for the other classes."""
    np.maximum(margin - _signs(x, target) * x, 0, out=loss)


def hinge_loss_dx(dloss, x, target, dx, margin):
    """At the kink, a gap of 0, the gradient is that of the slope."""
    signs = _signs(x, target)
    np.multiply(dloss, np.where(margin - signs * x >= 0, -signs, 0), out=dx)

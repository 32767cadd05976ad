import numpy as np

from ._numba import kernel, prange
from .optim import advance, clip_factor, zero  # one number each: nothing to win

__all__ = [
    "adam",
    "adamw",
    "advance",
    "clip_factor",
    "limit_gradient",
    "scale_gradient",
    "sgd",
    "sgd_momentum",
    "square_sum",
    "zero",
]

# The hyper-parameters are float64; each is brought to the parameters' dtype once: the loops stay in it.


@kernel()
def square_sum(grad, total):
    chunk = 16384
    parts = np.empty((grad.size + chunk - 1) // chunk)
    for k in prange(parts.size):
        part = 0.0
        for i in range(k * chunk, min((k + 1) * chunk, grad.size)):
            part += np.float64(grad[i]) * np.float64(grad[i])
        parts[k] = part
    for k in range(parts.size):
        total[0] += parts[k]


@kernel(flat=True)
def scale_gradient(factor, grad):
    scale = grad.dtype.type(factor[0])
    for i in prange(grad.size):
        grad[i] *= scale


@kernel(flat=True)
def limit_gradient(limit, grad):
    most = grad.dtype.type(limit[0])
    for i in prange(grad.size):
        if grad[i] > most:
            grad[i] = most
        elif grad[i] < -most:
            grad[i] = -most


@kernel(flat=True)
def sgd(grad, lr, weight_decay, param):
    number = param.dtype.type
    rate, decay = number(lr[0]), number(weight_decay[0])
    for i in prange(param.size):
        param[i] -= rate * (grad[i] + decay * param[i])


@kernel(flat=True)
def sgd_momentum(grad, lr, momentum, dampening, nesterov, weight_decay, step, param, velocity):
    number = param.dtype.type
    rate, decay, mu = number(lr[0]), number(weight_decay[0]), number(momentum[0])
    fresh = number(1 - dampening[0] if step[0] > 1 else 1)
    look_ahead = nesterov[0] != 0
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        v = mu * velocity[i] + fresh * g
        velocity[i] = v
        param[i] -= rate * (g + mu * v if look_ahead else v)


@kernel(flat=True, serial_below=40_000)
def adam(grad, lr, betas, eps, weight_decay, step, param, mean, square):
    number = param.dtype.type
    rate, root = number(lr[0] / (1 - betas[0] ** step[0])), number(1 / np.sqrt(1 - betas[1] ** step[0]))
    beta1, beta2 = number(betas[0]), number(betas[1])
    fresh1, fresh2 = number(1 - betas[0]), number(1 - betas[1])
    least, decay = number(eps[0]), number(weight_decay[0])
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        mean[i] = beta1 * mean[i] + fresh1 * g
        square[i] = beta2 * square[i] + fresh2 * g * g
        param[i] -= rate * mean[i] / (np.sqrt(square[i]) * root + least)


@kernel(flat=True, serial_below=40_000)
def adamw(grad, lr, betas, eps, weight_decay, step, param, mean, square):
    number = param.dtype.type
    rate, root = number(lr[0] / (1 - betas[0] ** step[0])), number(1 / np.sqrt(1 - betas[1] ** step[0]))
    beta1, beta2 = number(betas[0]), number(betas[1])
    fresh1, fresh2 = number(1 - betas[0]), number(1 - betas[1])
    least, shrink = number(eps[0]), number(1 - lr[0] * weight_decay[0])
    for i in prange(param.size):
        mean[i] = beta1 * mean[i] + fresh1 * grad[i]
        square[i] = beta2 * square[i] + fresh2 * grad[i] * grad[i]
        param[i] = shrink * param[i] - rate * mean[i] / (np.sqrt(square[i]) * root + least)

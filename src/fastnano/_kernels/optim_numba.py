import numpy as np

from ._numba import helper, kernel, prange
from .optim import advance, asgd_rates, clip_factor, nadam_product, zero  # one number each: nothing to win

__all__ = [
    "adadelta",
    "adagrad",
    "adam",
    "adam_amsgrad",
    "adamax",
    "advance",
    "asgd",
    "asgd_rates",
    "clip_factor",
    "limit_gradient",
    "lion",
    "nadam",
    "nadam_product",
    "radam",
    "rmsprop",
    "rmsprop_centered",
    "rmsprop_centered_momentum",
    "rmsprop_momentum",
    "rprop",
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
def sgd_momentum(grad, lr, momentum, dampening, nesterov, weight_decay, step, param, momentum_buffer):
    number = param.dtype.type
    rate, decay, mu = number(lr[0]), number(weight_decay[0]), number(momentum[0])
    fresh = number(1 - dampening[0] if step[0] > 1 else 1)
    look_ahead = nesterov[0] != 0
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        v = mu * momentum_buffer[i] + fresh * g
        momentum_buffer[i] = v
        param[i] -= rate * (g + mu * v if look_ahead else v)


@kernel(flat=True)
def asgd(grad, lambd, weight_decay, eta, mu, param, ax):
    number = param.dtype.type
    rate, decay, part = number(eta[0]), number(weight_decay[0]), number(mu[0])
    shrink = number(1 - lambd[0] * eta[0])
    for i in prange(param.size):
        param[i] = shrink * param[i] - rate * (grad[i] + decay * param[i])
        ax[i] += part * (param[i] - ax[i])


@kernel(flat=True)
def rprop(grad, etas, step_sizes, param, prev, step_size):
    number = param.dtype.type
    less, more, none = number(etas[0]), number(etas[1]), number(0)
    least, most = number(step_sizes[0]), number(step_sizes[1])
    for i in prange(param.size):
        product = grad[i] * prev[i]
        size = step_size[i] * (more if product > 0 else less if product < 0 else number(1))
        step_size[i] = min(max(size, least), most)
        prev[i] = none if product < 0 else grad[i]
        param[i] -= np.sign(prev[i]) * step_size[i]


# Numbers of Adam and its kin, in the parameters' dtype


@helper
def _decay(lr, weight_decay, decoupled, param):
    """What the parameter is multiplied by, and what of it is added to the gradient."""
    number = param.dtype.type
    if decoupled[0] != 0:
        return number(1 - lr[0] * weight_decay[0]), number(0)
    return number(1), number(weight_decay[0])


@helper
def _fading(betas, param):
    """What each of the two averages keeps, and what of the new it takes."""
    number = param.dtype.type
    return number(betas[0]), number(1 - betas[0]), number(betas[1]), number(1 - betas[1])


@helper
def _unbiased(lr, betas, step, param):
    """The rate, and what a square root is multiplied by, so that averages that began at 0 count as whole ones."""
    number = param.dtype.type
    return number(lr[0] / (1 - betas[0] ** step[0])), number(1 / np.sqrt(1 - betas[1] ** step[0]))


@kernel(flat=True)
def lion(grad, lr, betas, weight_decay, param, exp_avg):
    number = param.dtype.type
    rate, shrink = number(lr[0]), number(1 - lr[0] * weight_decay[0])
    beta1, fresh1, beta2, fresh2 = _fading(betas, param)
    for i in prange(param.size):
        param[i] = shrink * param[i] - rate * np.sign(beta1 * exp_avg[i] + fresh1 * grad[i])
        exp_avg[i] = beta2 * exp_avg[i] + fresh2 * grad[i]


@kernel(flat=True, serial_below=40_000)
def adagrad(grad, lr, lr_decay, weight_decay, eps, step, param, sum):
    number = param.dtype.type
    rate = number(lr[0] / (1 + (step[0] - 1) * lr_decay[0]))
    decay, least = number(weight_decay[0]), number(eps[0])
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        sum[i] += g * g
        param[i] -= rate * g / (np.sqrt(sum[i]) + least)


@kernel(flat=True, serial_below=40_000)
def adadelta(grad, lr, rho, eps, weight_decay, param, square_avg, acc_delta):
    number = param.dtype.type
    rate, decay, least = number(lr[0]), number(weight_decay[0]), number(eps[0])
    keep, fresh = number(rho[0]), number(1 - rho[0])
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        square_avg[i] = keep * square_avg[i] + fresh * g * g
        delta = np.sqrt((acc_delta[i] + least) / (square_avg[i] + least)) * g
        acc_delta[i] = keep * acc_delta[i] + fresh * delta * delta
        param[i] -= rate * delta


@kernel(flat=True, serial_below=40_000)
def rmsprop(grad, lr, alpha, eps, weight_decay, param, square_avg):
    number = param.dtype.type
    rate, decay, least = number(lr[0]), number(weight_decay[0]), number(eps[0])
    keep, fresh = number(alpha[0]), number(1 - alpha[0])
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        square_avg[i] = keep * square_avg[i] + fresh * g * g
        param[i] -= rate * g / (np.sqrt(square_avg[i]) + least)


@kernel(flat=True, serial_below=40_000)
def rmsprop_momentum(grad, lr, momentum, alpha, eps, weight_decay, param, square_avg, momentum_buffer):
    number = param.dtype.type
    rate, mu, decay, least = number(lr[0]), number(momentum[0]), number(weight_decay[0]), number(eps[0])
    keep, fresh = number(alpha[0]), number(1 - alpha[0])
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        square_avg[i] = keep * square_avg[i] + fresh * g * g
        momentum_buffer[i] = mu * momentum_buffer[i] + g / (np.sqrt(square_avg[i]) + least)
        param[i] -= rate * momentum_buffer[i]


@kernel(flat=True, serial_below=40_000)
def rmsprop_centered(grad, lr, alpha, eps, weight_decay, param, square_avg, grad_avg):
    number = param.dtype.type
    rate, decay, least = number(lr[0]), number(weight_decay[0]), number(eps[0])
    keep, fresh = number(alpha[0]), number(1 - alpha[0])
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        square_avg[i] = keep * square_avg[i] + fresh * g * g
        grad_avg[i] = keep * grad_avg[i] + fresh * g
        param[i] -= rate * g / (np.sqrt(square_avg[i] - grad_avg[i] * grad_avg[i]) + least)


@kernel(flat=True, serial_below=40_000)
def rmsprop_centered_momentum(
    grad, lr, momentum, alpha, eps, weight_decay, param, square_avg, grad_avg, momentum_buffer
):
    number = param.dtype.type
    rate, mu, decay, least = number(lr[0]), number(momentum[0]), number(weight_decay[0]), number(eps[0])
    keep, fresh = number(alpha[0]), number(1 - alpha[0])
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        square_avg[i] = keep * square_avg[i] + fresh * g * g
        grad_avg[i] = keep * grad_avg[i] + fresh * g
        update = g / (np.sqrt(square_avg[i] - grad_avg[i] * grad_avg[i]) + least)
        momentum_buffer[i] = mu * momentum_buffer[i] + update
        param[i] -= rate * momentum_buffer[i]


@kernel(flat=True, serial_below=40_000)
def adam(grad, lr, betas, eps, weight_decay, decoupled_weight_decay, step, param, exp_avg, exp_avg_sq):
    rate, root = _unbiased(lr, betas, step, param)
    beta1, fresh1, beta2, fresh2 = _fading(betas, param)
    shrink, decay = _decay(lr, weight_decay, decoupled_weight_decay, param)
    least = param.dtype.type(eps[0])
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        exp_avg[i] = beta1 * exp_avg[i] + fresh1 * g
        exp_avg_sq[i] = beta2 * exp_avg_sq[i] + fresh2 * g * g
        param[i] = shrink * param[i] - rate * exp_avg[i] / (np.sqrt(exp_avg_sq[i]) * root + least)


@kernel(flat=True, serial_below=40_000)
def adam_amsgrad(
    grad,
    lr,
    betas,
    eps,
    weight_decay,
    decoupled_weight_decay,
    step,
    param,
    exp_avg,
    exp_avg_sq,
    max_exp_avg_sq,
):
    rate, root = _unbiased(lr, betas, step, param)
    beta1, fresh1, beta2, fresh2 = _fading(betas, param)
    shrink, decay = _decay(lr, weight_decay, decoupled_weight_decay, param)
    least = param.dtype.type(eps[0])
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        exp_avg[i] = beta1 * exp_avg[i] + fresh1 * g
        exp_avg_sq[i] = beta2 * exp_avg_sq[i] + fresh2 * g * g
        max_exp_avg_sq[i] = max(max_exp_avg_sq[i], exp_avg_sq[i])
        param[i] = shrink * param[i] - rate * exp_avg[i] / (np.sqrt(max_exp_avg_sq[i]) * root + least)


@kernel(flat=True, serial_below=40_000)
def adamax(grad, lr, betas, eps, weight_decay, step, param, exp_avg, exp_inf):
    number = param.dtype.type
    rate, decay, least = number(lr[0] / (1 - betas[0] ** step[0])), number(weight_decay[0]), number(eps[0])
    beta1, fresh, beta2 = number(betas[0]), number(1 - betas[0]), number(betas[1])
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        exp_avg[i] = beta1 * exp_avg[i] + fresh * g
        exp_inf[i] = max(beta2 * exp_inf[i], abs(g) + least)
        param[i] -= rate * exp_avg[i] / exp_inf[i]


@kernel(flat=True, serial_below=40_000)
def nadam(
    grad, lr, betas, eps, weight_decay, momentum_decay, decoupled_weight_decay, step, mu_product, param, exp_avg,
    exp_avg_sq
):  # fmt: skip
    number = param.dtype.type
    beta1, fresh1, beta2, fresh2 = _fading(betas, param)
    now = betas[0] * (1 - 0.5 * 0.96 ** (step[0] * momentum_decay[0]))
    ahead = betas[0] * (1 - 0.5 * 0.96 ** ((step[0] + 1) * momentum_decay[0]))
    of_grad = number(lr[0] * (1 - now) / (1 - mu_product[0]))
    of_mean = number(lr[0] * ahead / (1 - mu_product[0] * ahead))
    root, least = _unbiased(lr, betas, step, param)[1], number(eps[0])
    shrink, decay = _decay(lr, weight_decay, decoupled_weight_decay, param)
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        exp_avg[i] = beta1 * exp_avg[i] + fresh1 * g
        exp_avg_sq[i] = beta2 * exp_avg_sq[i] + fresh2 * g * g
        update = of_grad * g + of_mean * exp_avg[i]
        param[i] = shrink * param[i] - update / (np.sqrt(exp_avg_sq[i]) * root + least)


@kernel(flat=True, serial_below=40_000)
def radam(grad, lr, betas, eps, weight_decay, decoupled_weight_decay, step, param, exp_avg, exp_avg_sq):
    number = param.dtype.type
    beta1, fresh1, beta2, fresh2 = _fading(betas, param)
    shrink, decay = _decay(lr, weight_decay, decoupled_weight_decay, param)
    power, most = betas[1] ** step[0], 2 / (1 - betas[1]) - 1
    length = most - 2 * step[0] * power / (1 - power)
    size, of_root, floor = (
        lr[0] / (1 - betas[0] ** step[0]),
        0.0,
        1.0,
    )  # param -= size * m / (of_root * √s + floor)
    if length > 5:
        r = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
        size, of_root, floor = size * np.sqrt(r * (1 - power)), 1.0, eps[0]
    rate, root, least = number(size), number(of_root), number(floor)
    for i in prange(param.size):
        g = grad[i] + decay * param[i]
        exp_avg[i] = beta1 * exp_avg[i] + fresh1 * g
        exp_avg_sq[i] = beta2 * exp_avg_sq[i] + fresh2 * g * g
        param[i] = shrink * param[i] - rate * exp_avg[i] / (np.sqrt(exp_avg_sq[i]) * root + least)

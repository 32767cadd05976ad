"""Steps of the optimisers and of clipping, in place.  Hyper-parameters are float64 arrays of one element, so
that a schedule can change them between steps; ``step`` counts from 1.
"""

import numpy as np

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


def zero(total):
    """total = 0."""
    total[0] = 0


def square_sum(grad, total):
    """total += Σ grad², in float64."""
    total[0] += np.einsum("i,i->", grad, grad, dtype=np.float64)  # which converts a small buffer at a time


def clip_factor(total, max_norm, factor):
    """factor = min(1, max_norm / (√total + 1e-6))  (R. Pascanu, T. Mikolov, Y. Bengio, ICML 2013)."""
    ratio = max_norm[0] / (np.sqrt(total[0]) + 1e-6)
    factor[0] = ratio if ratio < 1 else 1


def scale_gradient(factor, grad):
    """grad *= factor."""
    grad *= grad.dtype.type(factor[0])


def limit_gradient(limit, grad):
    """grad = min(limit, max(−limit, grad)); NaN stays NaN."""
    np.clip(grad, -limit[0], limit[0], out=grad, casting="same_kind")


def advance(step):
    """step += 1."""
    step[0] += 1


def sgd(grad, lr, weight_decay, param):
    """param −= lr · (grad + weight_decay · param)."""
    param -= (lr[0] * (grad + weight_decay[0] * param)).astype(param.dtype)


def sgd_momentum(grad, lr, momentum, dampening, nesterov, weight_decay, step, param, momentum_buffer):
    """g = grad + weight_decay · param;  v = momentum · v + (1 − dampening) · g, but v = g in the first step;
    param −= lr · (g + momentum · v if nesterov else v)  (I. Sutskever et al., ICML 2013).
    """
    g = grad + (weight_decay[0] * param).astype(param.dtype)
    fresh = 1 - dampening[0] if step[0] > 1 else 1.0  # the buffer starts as zeros
    momentum_buffer[...] = momentum[0] * momentum_buffer + fresh * g
    update = g + momentum[0] * momentum_buffer if nesterov[0] else momentum_buffer
    param -= (lr[0] * update).astype(param.dtype)


def asgd(grad, lambd, weight_decay, eta, mu, param, ax):
    """param = (1 − lambd · eta) · param − eta · (grad + weight_decay · param);  ax += mu · (param − ax), the average
    (B. Polyak, A. Juditsky, "Acceleration of stochastic approximation by averaging", 1992).
    """
    g = grad + weight_decay[0] * param
    param[...] = (1 - lambd[0] * eta[0]) * param - eta[0] * g
    ax += (mu[0] * (param - ax)).astype(param.dtype)


def asgd_rates(lr, lambd, alpha, t0, step, eta, mu):
    """Of the next step: eta = lr / (1 + lambd · lr · step)^alpha;  mu = 1 / max(1, step − t0)."""
    eta[0] = lr[0] / (1 + lambd[0] * lr[0] * step[0]) ** alpha[0]
    mu[0] = 1 / max(1, step[0] - t0[0])


def rprop(grad, etas, step_sizes, param, prev, step_size):
    """Where grad keeps its sign, step_size · etas[1]; where it changes, step_size · etas[0], and grad = 0 this once;
    param −= sign(grad) · step_size, which stays within step_sizes  (M. Riedmiller, H. Braun, ICNN 1993).
    """
    product = grad * prev
    size = step_size * np.where(product > 0, etas[1], np.where(product < 0, etas[0], 1))
    step_size[...] = np.clip(size, step_sizes[0], step_sizes[1])
    prev[...] = np.where(product < 0, 0, grad)
    param -= np.sign(prev) * step_size


def lion(grad, lr, betas, weight_decay, param, exp_avg):
    """param −= lr · (sign(β₁ m + (1 − β₁) g) + weight_decay · param);  then m = β₂ m + (1 − β₂) g
    (X. Chen et al., "Symbolic Discovery of Optimization Algorithms", arXiv:2302.06675).
    """
    direction = np.sign(betas[0] * exp_avg + (1 - betas[0]) * grad)
    param[...] = (1 - lr[0] * weight_decay[0]) * param - lr[0] * direction
    exp_avg[...] = betas[1] * exp_avg + (1 - betas[1]) * grad


def adagrad(grad, lr, lr_decay, weight_decay, eps, step, param, sum):
    """sum += g², g = grad + weight_decay · param;  param −= lr / (1 + (step − 1) · lr_decay) · g / (√sum + eps)
    (J. Duchi, E. Hazan, Y. Singer, JMLR 2011).
    """
    g = grad + (weight_decay[0] * param).astype(param.dtype)
    sum += g * g
    rate = lr[0] / (1 + (step[0] - 1) * lr_decay[0])
    param -= (rate * g / (np.sqrt(sum) + eps[0])).astype(param.dtype)


def adadelta(grad, lr, rho, eps, weight_decay, param, square_avg, acc_delta):
    """s = rho · s + (1 − rho) · g², g = grad + weight_decay · param;  d = √(a + eps) / √(s + eps) · g;
    a = rho · a + (1 − rho) · d²;  param −= lr · d  (M. Zeiler, arXiv:1212.5701).
    """
    g = grad + (weight_decay[0] * param).astype(param.dtype)
    square_avg[...] = rho[0] * square_avg + (1 - rho[0]) * g * g
    delta = np.sqrt((acc_delta + eps[0]) / (square_avg + eps[0])) * g
    acc_delta[...] = rho[0] * acc_delta + (1 - rho[0]) * delta * delta
    param -= (lr[0] * delta).astype(param.dtype)


def rmsprop(grad, lr, alpha, eps, weight_decay, param, square_avg):
    """s = alpha · s + (1 − alpha) · g², g = grad + weight_decay · param;  param −= lr · g / (√s + eps)
    (T. Hinton, "Neural Networks for Machine Learning", lecture 6, 2012).
    """
    g = _mean_square(grad, alpha, weight_decay, param, square_avg)
    param -= (lr[0] * g / (np.sqrt(square_avg) + eps[0])).astype(param.dtype)


def rmsprop_momentum(grad, lr, momentum, alpha, eps, weight_decay, param, square_avg, momentum_buffer):
    """rmsprop, with v = momentum · v + g / (√s + eps);  param −= lr · v."""
    g = _mean_square(grad, alpha, weight_decay, param, square_avg)
    momentum_buffer[...] = momentum[0] * momentum_buffer + g / (np.sqrt(square_avg) + eps[0])
    param -= (lr[0] * momentum_buffer).astype(param.dtype)


def rmsprop_centered(grad, lr, alpha, eps, weight_decay, param, square_avg, grad_avg):
    """rmsprop, with √(s − m²) for √s, m = alpha · m + (1 − alpha) · g  (A. Graves, arXiv:1308.0850)."""
    g = _mean_square(grad, alpha, weight_decay, param, square_avg)
    param -= (lr[0] * g / (_deviation(g, alpha, square_avg, grad_avg) + eps[0])).astype(param.dtype)


def rmsprop_centered_momentum(
    grad, lr, momentum, alpha, eps, weight_decay, param, square_avg, grad_avg, momentum_buffer
):
    """rmsprop_centered, with v = momentum · v + g / (√(s − m²) + eps);  param −= lr · v."""
    g = _mean_square(grad, alpha, weight_decay, param, square_avg)
    update = g / (_deviation(g, alpha, square_avg, grad_avg) + eps[0])
    momentum_buffer[...] = momentum[0] * momentum_buffer + update
    param -= (lr[0] * momentum_buffer).astype(param.dtype)


def _mean_square(grad, alpha, weight_decay, param, square_avg):
    g = grad + (weight_decay[0] * param).astype(param.dtype)
    square_avg[...] = alpha[0] * square_avg + (1 - alpha[0]) * g * g
    return g


def _deviation(g, alpha, square_avg, grad_avg):
    grad_avg[...] = alpha[0] * grad_avg + (1 - alpha[0]) * g
    return np.sqrt(square_avg - grad_avg * grad_avg)


def adam(grad, lr, betas, eps, weight_decay, decoupled_weight_decay, step, param, exp_avg, exp_avg_sq):
    """m = β₁ m + (1 − β₁) g;  s = β₂ s + (1 − β₂) g²;  param −= lr · m̂ / (√ŝ + eps), with g = grad +
    weight_decay · param, m̂ = m / (1 − β₁ᵗ), ŝ = s / (1 − β₂ᵗ)  (D. Kingma, J. Ba, arXiv:1412.6980).

    Decoupled: g = grad, after param *= 1 − lr · weight_decay  (I. Loshchilov, F. Hutter, arXiv:1711.05101).
    """
    g = _decayed(grad, lr, weight_decay, decoupled_weight_decay, param)
    _moments(g, betas, exp_avg, exp_avg_sq)
    _adam(lr, betas, eps, step, param, exp_avg, exp_avg_sq)


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
    """adam, with the largest s so far for s  (S. Reddi, S. Kale, S. Kumar, arXiv:1904.09237)."""
    g = _decayed(grad, lr, weight_decay, decoupled_weight_decay, param)
    _moments(g, betas, exp_avg, exp_avg_sq)
    np.maximum(max_exp_avg_sq, exp_avg_sq, out=max_exp_avg_sq)
    _adam(lr, betas, eps, step, param, exp_avg, max_exp_avg_sq)


def _decayed(grad, lr, weight_decay, decoupled, param):
    if decoupled[0]:
        param *= param.dtype.type(1 - lr[0] * weight_decay[0])
        return grad
    return grad + (weight_decay[0] * param).astype(param.dtype)


def _moments(g, betas, exp_avg, exp_avg_sq):
    exp_avg[...] = betas[0] * exp_avg + (1 - betas[0]) * g
    exp_avg_sq[...] = betas[1] * exp_avg_sq + (1 - betas[1]) * g * g


def _adam(lr, betas, eps, step, param, exp_avg, exp_avg_sq):
    denominator = np.sqrt(exp_avg_sq) / np.sqrt(1 - betas[1] ** step[0]) + eps[0]
    param -= (lr[0] / (1 - betas[0] ** step[0]) * exp_avg / denominator).astype(param.dtype)


def adamax(grad, lr, betas, eps, weight_decay, step, param, exp_avg, exp_inf):
    """m = β₁ m + (1 − β₁) g, g = grad + weight_decay · param;  u = max(β₂ u, |g| + eps);  param −= lr · m̂ / u
    (D. Kingma, J. Ba, arXiv:1412.6980).
    """
    g = grad + (weight_decay[0] * param).astype(param.dtype)
    exp_avg[...] = betas[0] * exp_avg + (1 - betas[0]) * g
    exp_inf[...] = np.maximum(betas[1] * exp_inf, np.abs(g) + eps[0])
    param -= (lr[0] / (1 - betas[0] ** step[0]) * exp_avg / exp_inf).astype(param.dtype)


def nadam_product(betas, momentum_decay, step, mu_product):
    """mu_product *= μₜ, where μₜ = β₁ (1 − 0.96^(t · momentum_decay) / 2)."""
    mu_product[0] *= betas[0] * (1 - 0.5 * 0.96 ** (step[0] * momentum_decay[0]))


def nadam(
    grad, lr, betas, eps, weight_decay, momentum_decay, decoupled_weight_decay, step, mu_product, param, exp_avg,
    exp_avg_sq
):  # fmt: skip
    """adam with m̂ = (1 − μₜ) g / (1 − Πμ) + μₜ₊₁ m / (1 − μₜ₊₁ Πμ), Πμ = mu_product
    (T. Dozat, "Incorporating Nesterov Momentum into Adam", 2016).
    """
    g = _decayed(grad, lr, weight_decay, decoupled_weight_decay, param)
    _moments(g, betas, exp_avg, exp_avg_sq)
    now, ahead = (betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay[0])) for t in (step[0], step[0] + 1))
    denominator = np.sqrt(exp_avg_sq / (1 - betas[1] ** step[0])) + eps[0]
    mean = (1 - now) / (1 - mu_product[0]) * g + ahead / (1 - mu_product[0] * ahead) * exp_avg
    param -= (lr[0] * mean / denominator).astype(param.dtype)


def radam(grad, lr, betas, eps, weight_decay, decoupled_weight_decay, step, param, exp_avg, exp_avg_sq):
    """param −= lr · m̂ · r · √(1 − β₂ᵗ) / (√s + eps), and lr · m̂ as long as ρₜ ≤ 5, m̂ and s as adam's;
    ρₜ = ρ − 2 t β₂ᵗ / (1 − β₂ᵗ), ρ = 2 / (1 − β₂) − 1;  r² = (ρₜ − 4)(ρₜ − 2) ρ / ((ρ − 4)(ρ − 2) ρₜ)
    (L. Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", arXiv:1908.03265).
    """
    g = _decayed(grad, lr, weight_decay, decoupled_weight_decay, param)
    _moments(g, betas, exp_avg, exp_avg_sq)
    t, power = step[0], betas[1] ** step[0]
    most = 2 / (1 - betas[1]) - 1
    length = most - 2 * t * power / (1 - power)
    update = lr[0] / (1 - betas[0] ** t) * exp_avg
    if length > 5:
        r = np.sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
        update = update * r * np.sqrt(1 - power) / (np.sqrt(exp_avg_sq) + eps[0])
    param -= update.astype(param.dtype)

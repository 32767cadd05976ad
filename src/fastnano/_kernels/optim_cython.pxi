# Clipping, and steps of the optimisers, elementwise; what depends on the step alone is worked out once per call, in
# double.

cdef enum:
    SUMS = 16  # that run side by side, so that one addition need not wait for the last


cdef void zero(double *total) noexcept nogil:
    total[0] = 0


cdef void square_sum(const float *grad, double *total, size i) noexcept nogil:
    cdef double parts[SUMS]
    cdef size k, part, whole = i - i % SUMS
    memset(parts, 0, sizeof(parts))
    for k from 0 <= k < whole by SUMS:
        for part in range(SUMS):
            parts[part] += <double> grad[k + part] * grad[k + part]
    for k in range(whole, i):
        parts[k - whole] += <double> grad[k] * grad[k]
    for part in range(1, SUMS):
        parts[0] += parts[part]
    total[0] += parts[0]


cdef void clip_factor(const double *total, const double *max_norm, double *factor) noexcept nogil:
    cdef double ratio = max_norm[0] / (sqrt(total[0]) + 1e-6)
    factor[0] = ratio if ratio < 1 else 1


cdef void scale_gradient(const double *factor, float *grad, size begin, size end) noexcept nogil:
    cdef size i
    cdef vec scale = splat(<float> factor[0])
    if factor[0] == 1:  # as in most steps
        return
    for i from begin <= i < end by LANES:
        store(grad + i, load(grad + i, end - i) * scale, end - i)


cdef void limit_gradient(const double *limit, float *grad, size begin, size end) noexcept nogil:
    cdef size i
    cdef vec most = splat(<float> limit[0])
    for i from begin <= i < end by LANES:  # in this order NaN stays NaN
        store(grad + i, minimum(most, maximum(-most, load(grad + i, end - i))), end - i)


cdef void advance(double *step) noexcept nogil:
    step[0] += 1


cdef void sgd(
    const float *grad, const double *lr, const double *weight_decay, float *param, size begin, size end
) noexcept nogil:
    cdef size i
    cdef vec rate = splat(<float> lr[0]), decay = splat(<float> weight_decay[0]), old
    for i from begin <= i < end by LANES:
        old = load(param + i, end - i)
        store(param + i, old - rate * (load(grad + i, end - i) + decay * old), end - i)


cdef void sgd_momentum(
    const float *grad, const double *lr, const double *momentum, const double *dampening, const double *nesterov,
    const double *weight_decay, const double *step, float *param, float *momentum_buffer, size begin, size end
) noexcept nogil:
    cdef size i
    cdef vec rate = splat(<float> lr[0]), decay = splat(<float> weight_decay[0]), keep = splat(<float> momentum[0])
    cdef vec fresh = splat(<float> (1 - dampening[0] if step[0] > 1 else 1)), old, g, v
    cdef bint ahead = nesterov[0] != 0
    for i from begin <= i < end by LANES:
        old = load(param + i, end - i)
        g = load(grad + i, end - i) + decay * old
        v = keep * load(momentum_buffer + i, end - i) + fresh * g
        store(momentum_buffer + i, v, end - i)
        if ahead:
            v = g + keep * v
        store(param + i, old - rate * v, end - i)


cdef void asgd(
    const float *grad, const double *lambd, const double *weight_decay, const double *eta, const double *mu,
    float *param, float *ax, size begin, size end
) noexcept nogil:
    cdef size i
    cdef vec rate = splat(<float> eta[0]), decay = splat(<float> weight_decay[0]), part = splat(<float> mu[0])
    cdef vec shrink = splat(<float> (1 - lambd[0] * eta[0])), old, average
    for i from begin <= i < end by LANES:
        old = load(param + i, end - i)
        old = shrink * old - rate * (load(grad + i, end - i) + decay * old)
        average = load(ax + i, end - i)
        store(param + i, old, end - i)
        store(ax + i, average + part * (old - average), end - i)


cdef void asgd_rates(
    const double *lr, const double *lambd, const double *alpha, const double *t0, const double *step, double *eta,
    double *mu
) noexcept nogil:
    cdef double averaged = step[0] - t0[0]
    eta[0] = lr[0] / pow(1 + lambd[0] * lr[0] * step[0], alpha[0])
    mu[0] = 1 / averaged if averaged > 1 else 1


cdef inline vec sign(vec a) noexcept nogil:
    return choose(greater(a, splat(0)), splat(1), choose(greater(splat(0), a), splat(-1), a))


cdef void rprop(
    const float *grad, const double *etas, const double *step_sizes, float *param, float *prev, float *step_size,
    size begin, size end
) noexcept nogil:
    cdef size i
    cdef vec less = splat(<float> etas[0]), more = splat(<float> etas[1]), g, product, length
    cdef vec least = splat(<float> step_sizes[0]), most = splat(<float> step_sizes[1])
    for i from begin <= i < end by LANES:
        g = load(grad + i, end - i)
        product = g * load(prev + i, end - i)
        length = choose(greater(product, splat(0)), more, choose(greater(splat(0), product), less, splat(1)))
        length = minimum(most, maximum(least, length * load(step_size + i, end - i)))
        g = choose(greater(splat(0), product), splat(0), g)
        store(prev + i, g, end - i)
        store(step_size + i, length, end - i)
        store(param + i, load(param + i, end - i) - sign(g) * length, end - i)


cdef void lion(
    const float *grad, const double *lr, const double *betas, const double *weight_decay, float *param,
    float *exp_avg, size begin, size end
) noexcept nogil:
    cdef size i
    cdef vec rate = splat(<float> lr[0]), shrink = splat(<float> (1 - lr[0] * weight_decay[0])), g, m
    cdef vec keep1 = splat(<float> betas[0]), fresh1 = splat(<float> (1 - betas[0]))
    cdef vec keep2 = splat(<float> betas[1]), fresh2 = splat(<float> (1 - betas[1]))
    for i from begin <= i < end by LANES:
        g, m = load(grad + i, end - i), load(exp_avg + i, end - i)
        store(param + i, shrink * load(param + i, end - i) - rate * sign(keep1 * m + fresh1 * g), end - i)
        store(exp_avg + i, keep2 * m + fresh2 * g, end - i)


cdef void adagrad(
    const float *grad, const double *lr, const double *lr_decay, const double *weight_decay, const double *eps,
    const double *step, float *param, float *sum, size begin, size end
) noexcept nogil:
    cdef size i
    cdef vec rate = splat(<float> (lr[0] / (1 + (step[0] - 1) * lr_decay[0]))), old, g, s
    cdef vec decay = splat(<float> weight_decay[0]), least = splat(<float> eps[0])
    for i from begin <= i < end by LANES:
        old = load(param + i, end - i)
        g = load(grad + i, end - i) + decay * old
        s = load(sum + i, end - i) + g * g
        store(sum + i, s, end - i)
        store(param + i, old - rate * g / (root(s) + least), end - i)


cdef void adadelta(
    const float *grad, const double *lr, const double *rho, const double *eps, const double *weight_decay,
    float *param, float *square_avg, float *acc_delta, size begin, size end
) noexcept nogil:
    cdef size i
    cdef vec rate = splat(<float> lr[0]), decay = splat(<float> weight_decay[0]), least = splat(<float> eps[0])
    cdef vec keep = splat(<float> rho[0]), fresh = splat(<float> (1 - rho[0])), old, g, s, d
    for i from begin <= i < end by LANES:
        old, d = load(param + i, end - i), load(acc_delta + i, end - i)
        g = load(grad + i, end - i) + decay * old
        s = keep * load(square_avg + i, end - i) + fresh * g * g
        g = root((d + least) / (s + least)) * g
        store(square_avg + i, s, end - i)
        store(acc_delta + i, keep * d + fresh * g * g, end - i)
        store(param + i, old - rate * g, end - i)


cdef inline void rmsprop_step(
    const float *grad, double lr, double momentum, double alpha, double eps, double weight_decay, float *param,
    float *square_avg, float *grad_avg, float *momentum_buffer, size begin, size end
) noexcept nogil:
    """All variants: without grad_avg it is not centred, without momentum_buffer it has no momentum."""
    cdef size i
    cdef vec rate = splat(<float> lr), mu = splat(<float> momentum), decay = splat(<float> weight_decay)
    cdef vec least = splat(<float> eps), keep = splat(<float> alpha), fresh = splat(<float> (1 - alpha)), old, g, s, m
    for i from begin <= i < end by LANES:
        old = load(param + i, end - i)
        g = load(grad + i, end - i) + decay * old
        s = keep * load(square_avg + i, end - i) + fresh * g * g
        store(square_avg + i, s, end - i)
        if grad_avg != NULL:
            m = keep * load(grad_avg + i, end - i) + fresh * g
            store(grad_avg + i, m, end - i)
            s = s - m * m
        g = g / (root(s) + least)
        if momentum_buffer != NULL:
            g = mu * load(momentum_buffer + i, end - i) + g
            store(momentum_buffer + i, g, end - i)
        store(param + i, old - rate * g, end - i)


cdef void rmsprop(
    const float *grad, const double *lr, const double *alpha, const double *eps, const double *weight_decay,
    float *param, float *square_avg, size begin, size end
) noexcept nogil:
    rmsprop_step(
        grad, lr[0], 0, alpha[0], eps[0], weight_decay[0], param, square_avg, NULL, NULL, begin, end)


cdef void rmsprop_momentum(
    const float *grad, const double *lr, const double *momentum, const double *alpha, const double *eps,
    const double *weight_decay, float *param, float *square_avg, float *momentum_buffer, size begin, size end
) noexcept nogil:
    rmsprop_step(
        grad, lr[0], momentum[0], alpha[0], eps[0], weight_decay[0], param, square_avg, NULL, momentum_buffer, begin,
        end)


cdef void rmsprop_centered(
    const float *grad, const double *lr, const double *alpha, const double *eps, const double *weight_decay,
    float *param, float *square_avg, float *grad_avg, size begin, size end
) noexcept nogil:
    rmsprop_step(
        grad, lr[0], 0, alpha[0], eps[0], weight_decay[0], param, square_avg, grad_avg, NULL, begin, end)


cdef void rmsprop_centered_momentum(
    const float *grad, const double *lr, const double *momentum, const double *alpha, const double *eps,
    const double *weight_decay, float *param, float *square_avg, float *grad_avg, float *momentum_buffer, size begin,
    size end
) noexcept nogil:
    rmsprop_step(
        grad, lr[0], momentum[0], alpha[0], eps[0], weight_decay[0], param, square_avg, grad_avg, momentum_buffer,
        begin, end)


cdef inline void adam_step(
    const float *grad, const double *lr, const double *betas, const double *weight_decay, const double *decoupled,
    double of_grad, double of_mean, double of_root, double floor, float *param, float *exp_avg, float *exp_avg_sq,
    float *max_exp_avg_sq, size begin, size end
) noexcept nogil:
    """param -= (of_grad * g + of_mean * m) / (of_root * sqrt(s) + floor), and weight decay."""
    cdef size i
    cdef vec keep_mean = splat(<float> betas[0]), add_mean = splat(<float> (1 - betas[0]))
    cdef vec keep_square = splat(<float> betas[1]), add_square = splat(<float> (1 - betas[1]))
    cdef vec decay = splat(<float> (0 if decoupled[0] != 0 else weight_decay[0]))
    cdef vec shrink = splat(<float> (1 - lr[0] * weight_decay[0] if decoupled[0] != 0 else 1))
    cdef vec grads = splat(<float> of_grad), means = splat(<float> of_mean)
    cdef vec unbias = splat(<float> of_root), least = splat(<float> floor), old, g, m, s
    for i from begin <= i < end by LANES:
        old = load(param + i, end - i)
        g = load(grad + i, end - i) + decay * old
        m = keep_mean * load(exp_avg + i, end - i) + add_mean * g
        s = keep_square * load(exp_avg_sq + i, end - i) + add_square * g * g
        store(exp_avg + i, m, end - i)
        store(exp_avg_sq + i, s, end - i)
        if max_exp_avg_sq != NULL:
            s = maximum(load(max_exp_avg_sq + i, end - i), s)
            store(max_exp_avg_sq + i, s, end - i)
        m = means * m
        if of_grad != 0:
            m = m + grads * g
        store(param + i, shrink * old - m / (root(s) * unbias + least), end - i)


cdef void adam(
    const float *grad, const double *lr, const double *betas, const double *eps, const double *weight_decay,
    const double *decoupled_weight_decay, const double *step, float *param, float *exp_avg, float *exp_avg_sq,
    size begin, size end
) noexcept nogil:
    adam_step(
        grad, lr, betas, weight_decay, decoupled_weight_decay, 0, lr[0] / (1 - pow(betas[0], step[0])),
        1 / sqrt(1 - pow(betas[1], step[0])), eps[0], param, exp_avg, exp_avg_sq, NULL, begin, end)


cdef void adam_amsgrad(
    const float *grad, const double *lr, const double *betas, const double *eps, const double *weight_decay,
    const double *decoupled_weight_decay, const double *step, float *param, float *exp_avg, float *exp_avg_sq,
    float *max_exp_avg_sq, size begin, size end
) noexcept nogil:
    adam_step(
        grad, lr, betas, weight_decay, decoupled_weight_decay, 0, lr[0] / (1 - pow(betas[0], step[0])),
        1 / sqrt(1 - pow(betas[1], step[0])), eps[0], param, exp_avg, exp_avg_sq, max_exp_avg_sq, begin, end)


cdef void radam(
    const float *grad, const double *lr, const double *betas, const double *eps, const double *weight_decay,
    const double *decoupled_weight_decay, const double *step, float *param, float *exp_avg, float *exp_avg_sq,
    size begin, size end
) noexcept nogil:
    cdef double power = pow(betas[1], step[0]), most = 2 / (1 - betas[1]) - 1
    cdef double length = most - 2 * step[0] * power / (1 - power), rate = lr[0] / (1 - pow(betas[0], step[0]))
    cdef bint adapts = length > 5
    if adapts:
        rate *= sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length) * (1 - power))
    adam_step(
        grad, lr, betas, weight_decay, decoupled_weight_decay, 0, rate, 1 if adapts else 0, eps[0] if adapts else 1,
        param, exp_avg, exp_avg_sq, NULL, begin, end)


cdef void adamax(
    const float *grad, const double *lr, const double *betas, const double *eps, const double *weight_decay,
    const double *step, float *param, float *exp_avg, float *exp_inf, size begin, size end
) noexcept nogil:
    cdef size i
    cdef vec rate = splat(<float> (lr[0] / (1 - pow(betas[0], step[0])))), old, g, m, most
    cdef vec decay = splat(<float> weight_decay[0]), least = splat(<float> eps[0])
    cdef vec keep = splat(<float> betas[0]), fresh = splat(<float> (1 - betas[0])), fade = splat(<float> betas[1])
    for i from begin <= i < end by LANES:
        old = load(param + i, end - i)
        g = load(grad + i, end - i) + decay * old
        m = keep * load(exp_avg + i, end - i) + fresh * g
        most = maximum(fade * load(exp_inf + i, end - i), absolute(g) + least)
        store(exp_avg + i, m, end - i)
        store(exp_inf + i, most, end - i)
        store(param + i, old - rate * m / most, end - i)


cdef inline double nadam_momentum(const double *betas, const double *momentum_decay, double step) noexcept nogil:
    return betas[0] * (1 - 0.5 * pow(0.96, step * momentum_decay[0]))


cdef void nadam_product(
    const double *betas, const double *momentum_decay, const double *step, double *mu_product
) noexcept nogil:
    mu_product[0] *= nadam_momentum(betas, momentum_decay, step[0])


cdef void nadam(
    const float *grad, const double *lr, const double *betas, const double *eps, const double *weight_decay,
    const double *momentum_decay, const double *decoupled_weight_decay, const double *step, const double *mu_product,
    float *param, float *exp_avg, float *exp_avg_sq, size begin, size end
) noexcept nogil:
    cdef double now = nadam_momentum(betas, momentum_decay, step[0])
    cdef double ahead = nadam_momentum(betas, momentum_decay, step[0] + 1)
    adam_step(
        grad, lr, betas, weight_decay, decoupled_weight_decay, lr[0] * (1 - now) / (1 - mu_product[0]),
        lr[0] * ahead / (1 - mu_product[0] * ahead), 1 / sqrt(1 - pow(betas[1], step[0])), eps[0], param, exp_avg,
        exp_avg_sq, NULL, begin, end)

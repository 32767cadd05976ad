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
    const double *weight_decay, const double *step, float *param, float *velocity, size begin, size end
) noexcept nogil:
    cdef size i
    cdef vec rate = splat(<float> lr[0]), decay = splat(<float> weight_decay[0]), keep = splat(<float> momentum[0])
    cdef vec fresh = splat(<float> (1 - dampening[0] if step[0] > 1 else 1)), old, g, v
    cdef bint ahead = nesterov[0] != 0
    for i from begin <= i < end by LANES:
        old = load(param + i, end - i)
        g = load(grad + i, end - i) + decay * old
        v = keep * load(velocity + i, end - i) + fresh * g
        store(velocity + i, v, end - i)
        if ahead:
            v = g + keep * v
        store(param + i, old - rate * v, end - i)


cdef inline void adam_step(
    const float *grad, const double *betas, const double *eps, const double *step, double rate, float decay,
    float shrink, float *param, float *mean, float *square, size begin, size end
) noexcept nogil:
    """param = shrink * param - rate * m / (sqrt(s) + eps), with decay * param in the gradient."""
    cdef size i
    cdef vec keep_mean = splat(<float> betas[0]), add_mean = splat(<float> (1 - betas[0]))
    cdef vec keep_square = splat(<float> betas[1]), add_square = splat(<float> (1 - betas[1]))
    cdef vec size_of_step = splat(<float> (rate / (1 - pow(betas[0], step[0]))))
    cdef vec unbias = splat(<float> (1 / sqrt(1 - pow(betas[1], step[0])))), least = splat(<float> eps[0])
    cdef vec old, g, m, v
    for i from begin <= i < end by LANES:
        old = load(param + i, end - i)
        g = load(grad + i, end - i) + splat(decay) * old
        m = keep_mean * load(mean + i, end - i) + add_mean * g
        v = keep_square * load(square + i, end - i) + add_square * g * g
        store(mean + i, m, end - i)
        store(square + i, v, end - i)
        store(param + i, splat(shrink) * old - size_of_step * m / (root(v) * unbias + least), end - i)


cdef void adam(
    const float *grad, const double *lr, const double *betas, const double *eps, const double *weight_decay,
    const double *step, float *param, float *mean, float *square, size begin, size end
) noexcept nogil:
    adam_step(grad, betas, eps, step, lr[0], <float> weight_decay[0], 1, param, mean, square, begin, end)


cdef void adamw(
    const float *grad, const double *lr, const double *betas, const double *eps, const double *weight_decay,
    const double *step, float *param, float *mean, float *square, size begin, size end
) noexcept nogil:
    adam_step(grad, betas, eps, step, lr[0], 0, <float> (1 - lr[0] * weight_decay[0]), param, mean, square, begin, end)

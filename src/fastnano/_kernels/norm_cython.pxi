# Batch normalisation in blocks: per channel all is a multiplication and an addition.

# Mean and variance of the samples of this call.  Lanes beyond the live samples repeat one, so they are masked.
cdef void batch_statistics_forward(
    const vec *x, float *mean, float *var, float *count, size c, size s, size blocks, size live
) noexcept nogil:
    cdef size channel, block, half, i
    cdef double values = <double> live * s
    cdef vec total, one, centre
    cdef const vec *plane
    for channel in range(c):
        total = splat(0)
        for block in range(blocks):
            plane = x + VECS * (block * c + channel) * s
            for half in range(VECS):
                one = splat(0)
                for i in range(s):
                    one += plane[VECS * i + half]
                total += where(live_lanes(live, BLOCK * block + LANES * half), one)
        mean[channel] = <float> (sum(total) / values)
        total, centre = splat(0), splat(mean[channel])
        for block in range(blocks):  # a second pass, since E[x^2] - E[x]^2 would cancel
            plane = x + VECS * (block * c + channel) * s
            for half in range(VECS):
                one = splat(0)
                for i in range(s):
                    one += (plane[VECS * i + half] - centre) * (plane[VECS * i + half] - centre)
                total += where(live_lanes(live, BLOCK * block + LANES * half), one)
        var[channel] = <float> (sum(total) / values)
    count[0] = <float> values


# T. Chan, G. Golub, R. LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.
cdef void batch_statistics_forward_merge(
    float *mean, float *var, float *count, const float *other_mean, const float *other_var, const float *other_count,
    size c, size before, size added
) noexcept nogil:
    cdef size channel
    cdef double share = <double> added / (before + added), delta
    for channel in range(c):
        delta = <double> other_mean[channel] - mean[channel]
        mean[channel] = <float> (mean[channel] + share * delta)
        var[channel] = <float> (
            (1 - share) * var[channel] + share * other_var[channel] + share * (1 - share) * delta * delta)
    count[0] += other_count[0]


cdef inline void normalise(const vec *x, vec *y, float mean, float scale, float bias, size count) noexcept nogil:
    """The mean is subtracted first: folded into the bias, x near a large mean would lose its digits."""
    cdef size i
    for i in range(count):
        y[i] = (x[i] - splat(mean)) * splat(scale) + splat(bias)


cdef void batch_norm_forward(
    const vec *x, const float *weight, const float *bias, const float *mean, const float *var, vec *y,
    size c, size s, double eps, size blocks
) noexcept nogil:
    cdef size i, channel, plane = VECS * s
    cdef double scale
    for i in range(blocks * c):
        channel = i % c
        scale = weight[channel] / sqrt(var[channel] + eps)
        normalise(x + i * plane, y + i * plane, mean[channel], <float> scale, bias[channel], plane)


cdef void batch_norm_dweight(
    const vec *dy, const vec *x, const float *mean, const float *var, float *dweight, float *dbias,
    size c, size s, double eps, size blocks
) noexcept nogil:
    cdef size i, j, channel, plane = VECS * s
    cdef vec centre, with_x, alone
    for i in range(blocks * c):
        channel = i % c
        centre, with_x, alone = splat(mean[channel]), splat(0), splat(0)
        for j in range(i * plane, (i + 1) * plane):
            with_x += dy[j] * (x[j] - centre)
            alone += dy[j]
        dweight[channel] += <float> (sum(with_x) / sqrt(var[channel] + eps))
        dbias[channel] += sum(alone)


cdef void batch_norm_dx(
    const vec *dy, const vec *x, const float *weight, const float *mean, const float *var, const float *dweight,
    const float *dbias, vec *dx, size n, size c, size s, double eps, size blocks, size live
) noexcept nogil:
    cdef size i, j, channel, plane = VECS * s
    cdef double m = <double> n * s, deviation
    cdef vec scale, centre, slope, shift
    for i in range(blocks * c):
        channel = i % c
        deviation = sqrt(var[channel] + eps)
        scale, centre = splat(<float> (weight[channel] / deviation)), splat(mean[channel])
        slope, shift = splat(<float> (dweight[channel] / (m * deviation))), splat(<float> (dbias[channel] / m))
        for j in range(i * plane, (i + 1) * plane):
            dx[j] = (dy[j] - shift - (x[j] - centre) * slope) * scale
        if live < (i // c + 1) * BLOCK:  # lanes of no sample have no gradient, whatever the batch's sums say
            for j in range(plane):
                dx[i * plane + j] = where(
                    live_lanes(live, i // c * BLOCK + LANES * (j % VECS)), dx[i * plane + j])


cdef void batch_norm_inference_forward(
    const vec *x, const float *weight, const float *bias, const float *mean, const float *var, vec *y,
    size c, size s, double eps, size blocks
) noexcept nogil:
    batch_norm_forward(x, weight, bias, mean, var, y, c, s, eps, blocks)


cdef void batch_norm_inference_forward_single(
    const float *x, const float *weight, const float *bias, const float *mean, const float *var, float *y,
    size c, size s, double eps
) noexcept nogil:
    cdef size channel, i
    cdef vec centre, scale, shift
    for channel in range(c):
        scale = splat(<float> (weight[channel] / sqrt(var[channel] + eps)))
        centre, shift = splat(mean[channel]), splat(bias[channel])
        for i from channel * s <= i < (channel + 1) * s by LANES:
            store(y + i, (load(x + i, (channel + 1) * s - i) - centre) * scale + shift, (channel + 1) * s - i)


cdef void batch_norm_inference_dweight(
    const vec *dy, const vec *x, const float *mean, const float *var, float *dweight, float *dbias,
    size c, size s, double eps, size blocks
) noexcept nogil:
    batch_norm_dweight(dy, x, mean, var, dweight, dbias, c, s, eps, blocks)


cdef void batch_norm_inference_dx(
    const vec *dy, const float *weight, const float *var, vec *dx, size c, size s, double eps, size blocks
) noexcept nogil:
    cdef size i, plane = VECS * s
    for i in range(blocks * c):
        normalise(
            dy + i * plane, dx + i * plane, 0, <float> (weight[i % c] / sqrt(var[i % c] + eps)), 0, plane)


cdef void running_statistics(
    const float *mean, const float *var, const float *count, const double *momentum,
    float *running_mean, float *running_var, int64_t *tracked, size c
) noexcept nogil:
    cdef size i
    cdef double values = count[0], share = momentum[0], unbiased = values / max(values - 1, 1.0)
    tracked[0] += 1
    if share != share:  # NaN
        share = 1 / <double> tracked[0]
    for i in range(c):
        running_mean[i] += <float> (share * (mean[i] - running_mean[i]))
        running_var[i] += <float> (share * (var[i] * unbiased - running_var[i]))

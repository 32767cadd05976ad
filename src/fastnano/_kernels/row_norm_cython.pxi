# Rows normalised by themselves: a lane is a row, so that its mean is a sum down a column of vectors.

cdef inline vec column_mean(const vec *x, size s) noexcept nogil:
    cdef size i
    cdef vec total = splat(0)
    for i in range(s):
        total += x[VECS * i]
    return total * splat(<float> (1.0 / s))


cdef inline vec centred_moments(const vec *x, vec near, size s, vec *off) noexcept nogil:
    """The mean square about a value near the mean, and how far the mean is off it."""
    cdef size i
    cdef vec away, squares = splat(0)
    off[0] = splat(0)
    for i in range(s):
        away = x[VECS * i] - near
        off[0] += away
        squares += away * away
    off[0] *= splat(<float> (1.0 / s))
    return squares * splat(<float> (1.0 / s))


cdef void layer_norm_forward(
    const vec *x, const float *weight, const float *bias, vec *y, vec *mean, vec *rstd, size s, double eps, size blocks
) noexcept nogil:
    cdef size i, j, start
    cdef vec square, off, centre, scale
    for i in range(blocks * VECS):
        start = i // VECS * VECS * s + i % VECS
        centre = column_mean(x + start, s)
        square = centred_moments(x + start, centre, s, &off)
        centre += off  # gets back the digits that a sum of many has lost
        scale = splat(1) / root(square - off * off + splat(<float> eps))
        for j in range(s):
            y[start + VECS * j] = (x[start + VECS * j] - centre) * scale * splat(weight[j]) + splat(bias[j])
        mean[i], rstd[i] = centre, scale


cdef void layer_norm_dweight(
    const vec *dy, const vec *x, const vec *mean, const vec *rstd, float *dweight, float *dbias, size s, size blocks
) noexcept nogil:
    cdef size i, j, start
    cdef vec with_x, alone
    for j in range(s):
        with_x, alone = splat(0), splat(0)
        for i in range(blocks * VECS):
            start = i // VECS * VECS * s + VECS * j + i % VECS
            with_x += dy[start] * (x[start] - mean[i]) * rstd[i]
            alone += dy[start]
        dweight[j] += sum(with_x)
        dbias[j] += sum(alone)


cdef inline vec mean_products(
    const vec *dy, const vec *x, const float *weight, vec centre, size s, vec *total
) noexcept nogil:
    """Means of g (x - centre) and of g = weight dy."""
    cdef size i
    cdef vec g, product = splat(0)
    total[0] = splat(0)
    for i in range(s):
        g = dy[VECS * i] * splat(weight[i])
        total[0] += g
        product += g * (x[VECS * i] - centre)
    total[0] *= splat(<float> (1.0 / s))
    return product * splat(<float> (1.0 / s))


cdef void layer_norm_dx(
    const vec *dy, const vec *x, const float *weight, const vec *mean, const vec *rstd, vec *dx, size s, size blocks
) noexcept nogil:
    cdef size i, j, start
    cdef vec total, product, away
    for i in range(blocks * VECS):
        start = i // VECS * VECS * s + i % VECS
        product = mean_products(dy + start, x + start, weight, mean[i], s, &total) * rstd[i] * rstd[i]
        for j in range(s):
            away = x[start + VECS * j] - mean[i]
            dx[start + VECS * j] = (dy[start + VECS * j] * splat(weight[j]) - total - away * product) * rstd[i]


cdef void rms_norm_forward(
    const vec *x, const float *weight, vec *y, vec *rstd, size s, double eps, size blocks
) noexcept nogil:
    cdef size i, j, start
    cdef vec off, scale
    for i in range(blocks * VECS):
        start = i // VECS * VECS * s + i % VECS
        scale = splat(1) / root(centred_moments(x + start, splat(0), s, &off) + splat(<float> eps))
        for j in range(s):
            y[start + VECS * j] = x[start + VECS * j] * scale * splat(weight[j])
        rstd[i] = scale


cdef void rms_norm_dweight(
    const vec *dy, const vec *x, const vec *rstd, float *dweight, size s, size blocks
) noexcept nogil:
    cdef size i, j, start
    cdef vec total
    for j in range(s):
        total = splat(0)
        for i in range(blocks * VECS):
            start = i // VECS * VECS * s + VECS * j + i % VECS
            total += dy[start] * x[start] * rstd[i]
        dweight[j] += sum(total)


cdef void rms_norm_dx(
    const vec *dy, const vec *x, const float *weight, const vec *rstd, vec *dx, size s, size blocks
) noexcept nogil:
    cdef size i, j, start
    cdef vec total, product
    for i in range(blocks * VECS):
        start = i // VECS * VECS * s + i % VECS
        product = mean_products(dy + start, x + start, weight, splat(0), s, &total) * rstd[i] * rstd[i]
        for j in range(s):
            dx[start + VECS * j] = (dy[start + VECS * j] * splat(weight[j]) - x[start + VECS * j] * product) * rstd[i]


# One sample: its row lies in vectors.

cdef void layer_norm_forward_single(
    const float *x, const float *weight, const float *bias, float *y, float *mean, float *rstd, size s, double eps
) noexcept nogil:
    cdef size j
    cdef vec total = splat(0), centre, away
    for j from 0 <= j < s by LANES:
        total += load(x + j, s - j)
    mean[0] = sum(total) / <float> s
    centre, total = splat(mean[0]), splat(0)
    for j from 0 <= j < s by LANES:
        away = where(live_lanes(s, j), load(x + j, s - j) - centre)
        total += away * away
    rstd[0] = <float> (1 / sqrt(sum(total) / s + eps))
    for j from 0 <= j < s by LANES:
        away = (load(x + j, s - j) - centre) * splat(rstd[0])
        store(y + j, away * load(weight + j, s - j) + load(bias + j, s - j), s - j)


cdef void rms_norm_forward_single(
    const float *x, const float *weight, float *y, float *rstd, size s, double eps
) noexcept nogil:
    cdef size j
    cdef vec total = splat(0)
    for j from 0 <= j < s by LANES:
        total += load(x + j, s - j) * load(x + j, s - j)
    rstd[0] = <float> (1 / sqrt(sum(total) / s + eps))
    for j from 0 <= j < s by LANES:
        store(y + j, load(x + j, s - j) * splat(rstd[0]) * load(weight + j, s - j), s - j)

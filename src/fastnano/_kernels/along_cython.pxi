# Along an axis c: every vector of a place is a column of its own.  A sign of −1 turns the largest into the smallest.

cdef inline vec extreme_of(const vec *x, size c, size stride, float sign) noexcept nogil:
    """The largest of a column; NaN where one is."""
    cdef size k
    cdef vec best = splat(sign) * x[0]
    for k in range(1, c):
        best = larger_of(best, splat(sign) * x[k * stride])
    return splat(sign) * best


cdef inline void extremes(const vec *x, vec *z, size c, size s, size blocks, float sign) noexcept nogil:
    cdef size block, i, column = VECS * s
    for block in range(blocks):
        for i in range(column):
            z[i] = extreme_of(x + i, c, column, sign)
        x, z = x + c * column, z + column


cdef inline void share_out(
    const vec *dz, const vec *z, const vec *x, vec *dx, size c, size s, size blocks
) noexcept nogil:
    """The gradient to those that are z, in equal parts."""
    cdef size block, i, k, column = VECS * s
    cdef vec count
    for block in range(blocks):
        for i in range(column):
            count = splat(0)
            for k in range(c):
                count += where(alike(x[k * column + i], z[i]), splat(1))
            for k in range(c):
                dx[k * column + i] = where(alike(x[k * column + i], z[i]), splat(1)) / count * dz[i]
        dz, z, x, dx = dz + column, z + column, x + c * column, dx + c * column


cdef void amax_forward(const vec *x, vec *z, size c, size s, size blocks) noexcept nogil:
    extremes(x, z, c, s, blocks, 1)


cdef void amin_forward(const vec *x, vec *z, size c, size s, size blocks) noexcept nogil:
    extremes(x, z, c, s, blocks, -1)


cdef void amax_dx(
    const vec *dz, const vec *z, const vec *x, vec *dx, size c, size s, size blocks
) noexcept nogil:
    share_out(dz, z, x, dx, c, s, blocks)


cdef void amin_dx(
    const vec *dz, const vec *z, const vec *x, vec *dx, size c, size s, size blocks
) noexcept nogil:
    share_out(dz, z, x, dx, c, s, blocks)


cdef inline void places_of_extremes(const vec *x, ivec *z, size c, size s, size blocks, float sign) noexcept nogil:
    cdef size block, i, k, column = VECS * s
    cdef vec best, here
    cdef ivec at, better
    for block in range(blocks):
        for i in range(column):
            best, at = splat(sign) * x[i], isplat(0)
            for k in range(1, c):
                here = splat(sign) * x[k * column + i]
                better = either(greater(here, best), both(is_nan(here), alike(best, best)))
                best, at = choose(better, here, best), ichoose(better, isplat(<int> k), at)
            z[i] = at
        x, z = x + c * column, z + column


cdef void argmax_forward(const vec *x, ivec *z, size c, size s, size blocks) noexcept nogil:
    places_of_extremes(x, z, c, s, blocks, 1)


cdef void argmin_forward(const vec *x, ivec *z, size c, size s, size blocks) noexcept nogil:
    places_of_extremes(x, z, c, s, blocks, -1)


cdef void any_forward(const vec *x, vec *z, size c, size s, size blocks) noexcept nogil:
    cdef size block, i, k, column = VECS * s
    cdef ivec found
    for block in range(blocks):
        for i in range(column):
            found = isplat(0)
            for k in range(c):
                found = either(found, unlike(x[k * column + i], splat(0)))
            z[i] = where(found, splat(1))
        x, z = x + c * column, z + column


cdef void all_forward(const vec *x, vec *z, size c, size s, size blocks) noexcept nogil:
    cdef size block, i, k, column = VECS * s
    cdef ivec missing
    for block in range(blocks):
        for i in range(column):
            missing = isplat(0)
            for k in range(c):
                missing = either(missing, alike(x[k * column + i], splat(0)))
            z[i] = where(neither(missing), splat(1))
        x, z = x + c * column, z + column


cdef inline vec finite_or_0(vec x) noexcept nogil:
    return where(greater(splat(INFINITY), absolute(x)), x)


cdef void logsumexp_forward(const vec *x, vec *z, size c, size s, size blocks) noexcept nogil:
    cdef size block, i, column = VECS * s
    cdef vec top
    for block in range(blocks):
        for i in range(column):
            top = finite_or_0(extreme_of(x + i, c, column, 1))
            z[i] = log_of(sum_of_exponentials(x + i, top, c, column)) + top
        x, z = x + c * column, z + column


cdef void logsumexp_dx(
    const vec *dz, const vec *z, const vec *x, vec *dx, size c, size s, size blocks
) noexcept nogil:
    cdef size block, i, k, column = VECS * s
    for block in range(blocks):
        for i in range(column):
            for k in range(c):
                dx[k * column + i] = dz[i] * exponential(x[k * column + i] - z[i])
        dz, z, x, dx = dz + column, z + column, x + c * column, dx + c * column


# Each lane has places of its own.

cdef void gather_forward(
    const vec *x, const ivec *index, vec *z, size c, size k, size s, size blocks
) noexcept nogil:
    cdef size block, to, column = BLOCK * s
    cdef const float *source = <const float *> x
    cdef const int32_t *place = <const int32_t *> index
    cdef float *found = <float *> z
    for block in range(blocks):
        for to in range(k * column):
            found[to] = source[place[to] * column + to % column] if 0 <= place[to] < c else 0
        source, place, found = source + c * column, place + k * column, found + k * column


cdef void gather_dx(
    const vec *dz, const ivec *index, vec *dx, size c, size k, size s, size blocks
) noexcept nogil:
    cdef size block, at, column = BLOCK * s
    cdef const float *gradient = <const float *> dz
    cdef const int32_t *place = <const int32_t *> index
    cdef float *to = <float *> dx
    memset(dx, 0, 4 * c * column * blocks)
    for block in range(blocks):
        for at in range(k * column):
            if 0 <= place[at] < c:
                to[place[at] * column + at % column] += gradient[at]
        gradient, place, to = gradient + k * column, place + k * column, to + c * column


# One sample: the places lie side by side, a vector of them is a column.

cdef inline vec extreme_of_places(const float *x, size c, size s, size count, float sign) noexcept nogil:
    cdef size k
    cdef vec best = splat(sign) * load(x, count)
    for k in range(1, c):
        best = larger_of(best, splat(sign) * load(x + k * s, count))
    return splat(sign) * best


cdef void amax_forward_single(const float *x, float *z, size c, size s) noexcept nogil:
    cdef size i
    for i from 0 <= i < s by LANES:
        store(z + i, extreme_of_places(x + i, c, s, s - i, 1), s - i)


cdef void amin_forward_single(const float *x, float *z, size c, size s) noexcept nogil:
    cdef size i
    for i from 0 <= i < s by LANES:
        store(z + i, extreme_of_places(x + i, c, s, s - i, -1), s - i)


cdef inline void places_in_sample(const float *x, int32_t *z, size c, size s, float sign) noexcept nogil:
    cdef size i, k
    cdef float best, here
    for i in range(s):
        z[i], best = 0, sign * x[i]
        for k in range(1, c):
            here = sign * x[k * s + i]
            if here > best or (here != here and best == best):
                z[i], best = <int32_t> k, here


cdef void argmax_forward_single(const float *x, int32_t *z, size c, size s) noexcept nogil:
    places_in_sample(x, z, c, s, 1)


cdef void argmin_forward_single(const float *x, int32_t *z, size c, size s) noexcept nogil:
    places_in_sample(x, z, c, s, -1)


cdef void any_forward_single(const float *x, float *z, size c, size s) noexcept nogil:
    cdef size i, k
    cdef ivec found
    for i from 0 <= i < s by LANES:
        found = isplat(0)
        for k in range(c):
            found = either(found, unlike(load(x + k * s + i, s - i), splat(0)))
        store(z + i, where(found, splat(1)), s - i)


cdef void all_forward_single(const float *x, float *z, size c, size s) noexcept nogil:
    cdef size i, k
    cdef ivec missing
    for i from 0 <= i < s by LANES:
        missing = isplat(0)
        for k in range(c):
            missing = either(missing, alike(load(x + k * s + i, s - i), splat(0)))
        store(z + i, where(neither(missing), splat(1)), s - i)


cdef void logsumexp_forward_single(const float *x, float *z, size c, size s) noexcept nogil:
    cdef size i, k
    cdef vec top, total
    for i from 0 <= i < s by LANES:
        top, total = finite_or_0(extreme_of_places(x + i, c, s, s - i, 1)), splat(0)
        for k in range(c):
            total += exponential(load(x + k * s + i, s - i) - top)
        store(z + i, log_of(total) + top, s - i)


cdef void gather_forward_single(
    const float *x, const int32_t *index, float *z, size c, size k, size s
) noexcept nogil:
    cdef size to
    for to in range(k * s):
        z[to] = x[index[to] * s + to % s] if 0 <= index[to] < c else 0

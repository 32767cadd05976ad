# Values put elsewhere: a block element at a time, the same place of sixteen samples.

cdef void one_hot_forward(
    const ivec *target, const float *value, vec *y, size c, size s, size blocks
) noexcept nogil:
    cdef size block, i, k, column = VECS * s
    for block in range(blocks):
        for k in range(c):
            for i in range(column):
                y[k * column + i] = where(equal(target[i], <int> k), splat(value[k]))
        target, y = target + column, y + c * column


cdef void take_forward(const vec *x, const int32_t *index, vec *y, size i, size j, size blocks) noexcept nogil:
    cdef size block, half, to
    for block in range(blocks):
        for to in range(j):
            for half in range(VECS):
                y[VECS * to + half] = x[VECS * index[to] + half] if index[to] >= 0 else splat(0)
        x, y = x + VECS * i, y + VECS * j


cdef void take_forward_single(const float *x, const int32_t *index, float *y, size j) noexcept nogil:
    cdef size to
    for to in range(j):
        y[to] = x[index[to]] if index[to] >= 0 else 0


cdef void take_dx(const vec *dy, const int32_t *index, vec *dx, size i, size j, size blocks) noexcept nogil:
    cdef size block, half, to
    for block in range(blocks):
        memset(dx, 0, 4 * BLOCK * i)
        for to in range(j):
            if index[to] >= 0:
                for half in range(VECS):
                    dx[VECS * index[to] + half] += dy[VECS * to + half]
        dy, dx = dy + VECS * j, dx + VECS * i


cdef void take_dx_single(const float *dy, const int32_t *index, float *dx, size i, size j) noexcept nogil:
    cdef size to
    memset(dx, 0, 4 * i)
    for to in range(j):
        if index[to] >= 0:
            dx[index[to]] += dy[to]


cdef void spread_forward(
    const float *x, const int32_t *index, const vec *like, vec *y, size j, size blocks
) noexcept nogil:
    cdef size block, half, to
    for block in range(blocks):
        for to in range(j):
            for half in range(VECS):
                y[VECS * to + half] = splat(x[index[to]] if index[to] >= 0 else 0)
        y += VECS * j


cdef void spread_forward_single(
    const float *x, const int32_t *index, const float *like, float *y, size j
) noexcept nogil:
    take_forward_single(x, index, y, j)


cdef void spread_dx(
    const vec *dy, const int32_t *index, float *dx, size j, size blocks, size live
) noexcept nogil:
    """Lanes beyond the live samples are masked: a compiled step sums what is no gradient by it, too."""
    cdef size block, half, to
    cdef vec total
    for to in range(j):
        total = splat(0)
        for block in range(blocks):
            for half in range(VECS):
                total += where(live_lanes(live, BLOCK * block + LANES * half), dy[VECS * (block * j + to) + half])
        if index[to] >= 0:
            dx[index[to]] += sum(total)


cdef void to_float(const ivec *x, vec *y, size s, size blocks) noexcept nogil:
    cdef size i
    cdef const int32_t *whole = <const int32_t *> x
    cdef float *to = <float *> y
    for i in range(BLOCK * blocks * s):
        to[i] = <float> whole[i]


cdef void answers_to_float(const uint8_t *x, float *y, size begin, size end) noexcept nogil:
    cdef size i
    for i in range(begin, end):
        y[i] = x[i]

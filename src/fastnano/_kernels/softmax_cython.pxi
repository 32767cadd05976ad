# Softmax down the axis c: every vector of a place is a column of its own.

cdef inline vec max_of(const vec *x, size c, size stride) noexcept nogil:
    """The largest of a column."""
    cdef size k
    cdef vec top = x[0]
    for k in range(1, c):
        top = maximum(top, x[k * stride])
    return top


cdef inline vec sum_of_exponentials(const vec *x, vec top, size c, size stride) noexcept nogil:
    cdef size k
    cdef vec total = splat(0)
    for k in range(c):
        total += exponential(x[k * stride] - top)
    return total


cdef void softmax_forward(const vec *x, vec *y, size c, size s, size blocks) noexcept nogil:
    cdef size block, i, k, column = VECS * s
    cdef vec top, total
    for block in range(blocks):
        for i in range(column):
            top, total = max_of(x + i, c, column), splat(0)
            for k in range(c):
                y[k * column + i] = exponential(x[k * column + i] - top)
                total += y[k * column + i]
            total = splat(1) / total
            for k in range(c):
                y[k * column + i] *= total
        x, y = x + c * column, y + c * column


cdef void softmax_dx(const vec *dy, const vec *y, vec *dx, size c, size s, size blocks) noexcept nogil:
    cdef size block, i, k, column = VECS * s
    cdef vec total
    for block in range(blocks):
        for i in range(column):
            total = splat(0)
            for k in range(c):
                total += dy[k * column + i] * y[k * column + i]
            for k in range(c):
                dx[k * column + i] = y[k * column + i] * (dy[k * column + i] - total)
        dy, y, dx = dy + c * column, y + c * column, dx + c * column


cdef void log_softmax_forward(const vec *x, vec *y, size c, size s, size blocks) noexcept nogil:
    cdef size block, i, k, column = VECS * s
    cdef vec top, logsum
    for block in range(blocks):
        for i in range(column):
            top = max_of(x + i, c, column)
            logsum = logarithm(sum_of_exponentials(x + i, top, c, column))
            for k in range(c):
                y[k * column + i] = x[k * column + i] - top - logsum
        x, y = x + c * column, y + c * column


cdef void log_softmax_dx(const vec *dy, const vec *y, vec *dx, size c, size s, size blocks) noexcept nogil:
    cdef size block, i, k, column = VECS * s
    cdef vec total
    for block in range(blocks):
        for i in range(column):
            total = splat(0)
            for k in range(c):
                total += dy[k * column + i]
            for k in range(c):
                dx[k * column + i] = dy[k * column + i] - exponential(y[k * column + i]) * total
        dy, y, dx = dy + c * column, y + c * column, dx + c * column


# One sample: the places lie side by side, a vector of them is a column.

cdef inline vec max_of_places(const float *x, size c, size s, size count) noexcept nogil:
    cdef size k
    cdef vec top = load(x, count)
    for k in range(1, c):
        top = maximum(top, load(x + k * s, count))
    return top


cdef void softmax_forward_single(const float *x, float *y, size c, size s) noexcept nogil:
    cdef size i, k
    cdef vec top, one, total
    for i from 0 <= i < s by LANES:
        top, total = max_of_places(x + i, c, s, s - i), splat(0)
        for k in range(c):
            one = exponential(load(x + k * s + i, s - i) - top)
            store(y + k * s + i, one, s - i)
            total += one
        total = splat(1) / total
        for k in range(c):
            store(y + k * s + i, load(y + k * s + i, s - i) * total, s - i)


cdef void log_softmax_forward_single(const float *x, float *y, size c, size s) noexcept nogil:
    cdef size i, k
    cdef vec top, total
    for i from 0 <= i < s by LANES:
        top, total = max_of_places(x + i, c, s, s - i), splat(0)
        for k in range(c):
            total += exponential(load(x + k * s + i, s - i) - top)
        total = logarithm(total)
        for k in range(c):
            store(y + k * s + i, load(x + k * s + i, s - i) - top - total, s - i)

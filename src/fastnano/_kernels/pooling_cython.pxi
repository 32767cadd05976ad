# Pooling over blocks: every window is a handful of vectors, whatever its size.

cdef inline bint inside(size at, size extent) noexcept nogil:
    return 0 <= at < extent


cdef void max_pool2d_forward(
    const vec *x, vec *y, ivec *argmax, size c, size h, size w, size p, size q, size kernel_h, size kernel_w,
    size stride_h, size stride_w, size pad_h, size pad_w, size dilation_h, size dilation_w, size blocks
) noexcept nogil:
    cdef size plane, i, j, half, out
    for plane in range(blocks * c):
        for i in range(p):
            for j in range(q):
                out = VECS * ((plane * p + i) * q + j)
                for half in range(VECS):
                    max_of_window(
                        x + VECS * plane * h * w + half, y + out + half, argmax + out + half, h, w, kernel_h, kernel_w,
                        i * stride_h - pad_h, j * stride_w - pad_w, dilation_h, dilation_w)


cdef inline void max_of_window(
    const vec *x, vec *y, ivec *argmax, size h, size w, size kernel_h, size kernel_w,
    size top, size left, size dilation_h, size dilation_w
) noexcept nogil:
    """The first of the largest values, or of the NaNs; there is always one inside the plane."""
    cdef size k, l, row, column
    cdef bint first = True
    cdef vec best, value
    cdef ivec at, better
    best, at = splat(0), isplat(0)
    for k in range(kernel_h):
        row = top + k * dilation_h
        if not inside(row, h):
            continue
        for l in range(kernel_w):
            column = left + l * dilation_w
            if not inside(column, w):
                continue
            value = x[VECS * (row * w + column)]
            if first:
                best, at, first = value, isplat(<int> (row * w + column)), False
                continue
            better = either(greater(value, best), is_nan(value))
            best = choose(better, value, best)
            at = ichoose(better, isplat(<int> (row * w + column)), at)
    y[0], argmax[0] = best, at


cdef void max_pool2d_dx(
    const vec *dy, const ivec *argmax, vec *dx, size c, size h, size w, size p, size q, size kernel_h, size kernel_w,
    size stride_h, size stride_w, size pad_h, size pad_w, size dilation_h, size dilation_w, size blocks
) noexcept nogil:
    cdef size plane, i, j, k, l, half, row, column, at
    cdef vec *to
    memset(dx, 0, 4 * BLOCK * blocks * c * h * w)
    for plane in range(blocks * c):
        to = dx + VECS * plane * h * w
        for i in range(p):
            for j in range(q):
                for k in range(kernel_h):
                    row = i * stride_h - pad_h + k * dilation_h
                    if not inside(row, h):
                        continue
                    for l in range(kernel_w):
                        column = j * stride_w - pad_w + l * dilation_w
                        if not inside(column, w):
                            continue
                        for half in range(VECS):
                            at = VECS * ((plane * p + i) * q + j) + half
                            to[VECS * (row * w + column) + half] += where(
                                equal(argmax[at], <int> (row * w + column)), dy[at])


cdef void avg_pool2d_forward(
    const vec *x, const float *scale, vec *y, size c, size h, size w, size p, size q, size kernel_h, size kernel_w,
    size stride_h, size stride_w, size pad_h, size pad_w, size blocks
) noexcept nogil:
    cdef size plane, i, j, row, column, half
    cdef vec total
    for plane in range(blocks * c):
        for i in range(p):
            for j in range(q):
                for half in range(VECS):
                    total = splat(0)
                    for row in range(max(0, i * stride_h - pad_h), min(h, i * stride_h - pad_h + kernel_h)):
                        for column in range(max(0, j * stride_w - pad_w), min(w, j * stride_w - pad_w + kernel_w)):
                            total += x[VECS * ((plane * h + row) * w + column) + half]
                    y[VECS * ((plane * p + i) * q + j) + half] = total * splat(scale[i * q + j])


cdef void avg_pool2d_dx(
    const vec *dy, const float *scale, vec *dx, size c, size h, size w, size p, size q, size kernel_h, size kernel_w,
    size stride_h, size stride_w, size pad_h, size pad_w, size blocks
) noexcept nogil:
    cdef size plane, i, j, row, column, half
    cdef vec share
    memset(dx, 0, 4 * BLOCK * blocks * c * h * w)
    for plane in range(blocks * c):
        for i in range(p):
            for j in range(q):
                for half in range(VECS):
                    share = dy[VECS * ((plane * p + i) * q + j) + half] * splat(scale[i * q + j])
                    for row in range(max(0, i * stride_h - pad_h), min(h, i * stride_h - pad_h + kernel_h)):
                        for column in range(max(0, j * stride_w - pad_w), min(w, j * stride_w - pad_w + kernel_w)):
                            dx[VECS * ((plane * h + row) * w + column) + half] += share

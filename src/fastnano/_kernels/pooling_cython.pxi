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


# One sample: the plane is split into phases (see convolution), so that the vectors run along a row of outputs.  They are
# stored whole, though a row may end before: the next one, stored later, begins there.

cdef inline size phase_extent(size extent, size pad, size outputs, size kernel, size stride, size dilation) noexcept nogil:
    """Places of a phase along one axis; windows of ceil_mode may reach beyond the padding."""
    return max(divide_up(extent + pad, stride), outputs + (kernel - 1) * dilation // stride)


cdef size max_pool2d_forward_single_scratch(
    size c, size h, size w, size p, size q, size kernel_h, size kernel_w, size stride_h, size stride_w, size pad_h,
    size pad_w, size dilation_h, size dilation_w
) noexcept nogil:
    cdef size rows = phase_extent(h, pad_h, p, kernel_h, stride_h, dilation_h)
    cdef size columns = phase_extent(w, pad_w, q, kernel_w, stride_w, dilation_w)
    if conv_too_large(c * stride_h * stride_w, rows, columns):
        return -1
    return (c + 1) * stride_h * stride_w * rows * columns + 2 * BLOCK + h * w + kernel_h * kernel_w


cdef void max_pool2d_forward_single(
    const float *x, float *y, int32_t *argmax, float *scratch, size c, size h, size w, size p, size q,
    size kernel_h, size kernel_w, size stride_h, size stride_w, size pad_h, size pad_w, size dilation_h, size dilation_w
) noexcept nogil:
    cdef size rows = phase_extent(h, pad_h, p, kernel_h, stride_h, dilation_h), channel, i, j, at, left = c * p * q
    cdef size columns = phase_extent(w, pad_w, q, kernel_w, stride_w, dilation_w)
    cdef size plane = stride_h * stride_w * rows * columns
    cdef float *number = scratch + c * plane + BLOCK
    cdef int32_t *numbers = <int32_t *> (number + plane + BLOCK)
    cdef int32_t *places = numbers + h * w
    cdef size terms = phase_places(places, 1, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, rows, columns)
    for i in range(h * w):
        numbers[i] = <int32_t> i + 1  # 0 is outside
    split_phases(<float *> numbers, number, 1, h, w, stride_h, stride_w, pad_h, pad_w, rows, columns)
    split_phases(x, scratch, c, h, w, stride_h, stride_w, pad_h, pad_w, rows, columns)
    for channel in range(c):
        for i in range(p):
            for j from 0 <= j < q by LANES:
                at = i * columns + j
                max_of_terms(scratch + channel * plane + at, number + at, places, terms, y + j, argmax + j, left - j)
            y, argmax, left = y + q, argmax + q, left - q


cdef inline void max_of_terms(
    const float *x, const float *number, const int32_t *places, size terms, float *y, int32_t *argmax, size left
) noexcept nogil:
    """The first of the largest values, or the last of the NaNs, and its number less one."""
    cdef size term
    cdef vec best = splat(0), value
    cdef ivec at = isplat(0), here, better
    for term in range(terms):
        value, here = load(x + places[term], LANES), <ivec> load(number + places[term], LANES)
        better = both(differ(here, 0), either(either(greater(value, best), is_nan(value)), equal(at, 0)))
        best, at = choose(better, value, best), ichoose(better, here, at)
    store(y, best, left)
    store(<float *> argmax, <vec> (at - isplat(1)), left)


cdef size avg_pool2d_forward_single_scratch(
    size c, size h, size w, size p, size q, size kernel_h, size kernel_w, size stride_h, size stride_w, size pad_h,
    size pad_w
) noexcept nogil:
    cdef size rows = phase_extent(h, pad_h, p, kernel_h, stride_h, 1)
    cdef size columns = phase_extent(w, pad_w, q, kernel_w, stride_w, 1)
    if conv_too_large(c * stride_h * stride_w, rows, columns):
        return -1
    return c * stride_h * stride_w * rows * columns + BLOCK + kernel_h * kernel_w


cdef void avg_pool2d_forward_single(
    const float *x, const float *scale, float *y, float *scratch, size c, size h, size w, size p, size q,
    size kernel_h, size kernel_w, size stride_h, size stride_w, size pad_h, size pad_w
) noexcept nogil:
    cdef size rows = phase_extent(h, pad_h, p, kernel_h, stride_h, 1), channel, i, j, term, left = c * p * q
    cdef size columns = phase_extent(w, pad_w, q, kernel_w, stride_w, 1)
    cdef size plane = stride_h * stride_w * rows * columns
    cdef int32_t *places = <int32_t *> (scratch + c * plane + BLOCK)
    cdef size terms = phase_places(places, 1, kernel_h, kernel_w, stride_h, stride_w, 1, 1, rows, columns)
    cdef vec total
    split_phases(x, scratch, c, h, w, stride_h, stride_w, pad_h, pad_w, rows, columns)
    for channel in range(c):
        for i in range(p):
            for j from 0 <= j < q by LANES:
                total = splat(0)
                for term in range(terms):
                    total += load(scratch + channel * plane + i * columns + j + places[term], LANES)
                store(y + j, total * load(scale + i * q + j, (p - i) * q - j), left - j)
            y, left = y + q, left - q

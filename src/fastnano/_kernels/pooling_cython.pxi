# Pooling over blocks: every window is a handful of vectors, whatever its size.
#
# Design: what of a window lies inside the plane is worked out once per window, by comparisons alone where all of it
# does; the 2 x 2 windows of nearly every network are the same code with its numbers known to the compiler.  Where the
# windows tile the plane, gradients are written once: no zeros before, nothing read.  Rejected: asking of every place
# whether it is inside (half the speed forward, a third in dx).

cdef inline size begin_inside(size start, size dilation) noexcept nogil:
    """The first place of a window that is inside."""
    return 0 if start >= 0 else (dilation - 1 - start) // dilation


cdef inline size end_inside(size start, size kernel, size dilation, size extent) noexcept nogil:
    return kernel if start + (kernel - 1) * dilation < extent else (extent - start + dilation - 1) // dilation


cdef inline bint tiles_plane(
    size kernel_h, size kernel_w, size stride_h, size stride_w, size pad_h, size pad_w, size dilation_h, size dilation_w
) noexcept nogil:
    """Whether windows lie side by side from the first place on; only the far ends may be left over."""
    return kernel_h == stride_h and kernel_w == stride_w and pad_h == pad_w == 0 and dilation_h == dilation_w == 1


cdef inline void clear_rest(vec *dx, size h, size w, size rows, size columns) noexcept nogil:
    """Zeros behind the rows and columns of a plane that windows tile."""
    cdef size row
    if columns < w:
        for row in range(rows):
            memset(dx + VECS * (row * w + columns), 0, 4 * BLOCK * (w - columns))
    memset(dx + VECS * rows * w, 0, 4 * BLOCK * (h - rows) * w)


cdef void max_pool2d_forward(
    const vec *x, vec *y, ivec *argmax, size c, size h, size w, size p, size q, size kernel_h, size kernel_w,
    size stride_h, size stride_w, size pad_h, size pad_w, size dilation_h, size dilation_w, size blocks
) noexcept nogil:
    cdef size plane, i, j, half, top, left, first, last, begin, end, out = 0
    cdef const vec *window
    cdef bint small
    for plane in range(blocks * c):
        for i in range(p):
            top = i * stride_h - pad_h
            first, last = begin_inside(top, dilation_h), end_inside(top, kernel_h, dilation_h, h)
            for j in range(q):
                left = j * stride_w - pad_w
                begin, end = begin_inside(left, dilation_w), end_inside(left, kernel_w, dilation_w, w)
                window = x + VECS * ((plane * h + top) * w + left)
                small = first == begin == 0 and last == end == 2 and dilation_w == 1
                for half in range(VECS):
                    if small:
                        max_of_window(window + half, y + out, argmax + out, top * w + left, 0, 2, 0, 2,
                                      dilation_h * w, 1)
                    else:
                        max_of_window(window + half, y + out, argmax + out, top * w + left, first, last, begin, end,
                                      dilation_h * w, dilation_w)
                    out += 1


cdef inline void max_of_window(
    const vec *x, vec *y, ivec *argmax, size place, size first, size last, size begin, size end, size row, size column
) noexcept nogil:
    """The first of the largest values, or the last of the NaNs; `place` is where the window begins."""
    cdef size k, l, at
    cdef vec best = x[VECS * (first * row + begin * column)], value
    cdef ivec which = isplat(<int> (first * row + begin * column)), better
    for k in range(first, last):
        for l in range(begin, end):
            if k == first and l == begin:
                continue
            at = k * row + l * column
            value = x[VECS * at]
            better = either(greater(value, best), is_nan(value))
            best = choose(better, value, best)
            which = ichoose(better, isplat(<int> at), which)
    y[0], argmax[0] = best, iadd(which, isplat(<int> place))


cdef void max_pool2d_dx(
    const vec *dy, const ivec *argmax, vec *dx, size c, size h, size w, size p, size q, size kernel_h, size kernel_w,
    size stride_h, size stride_w, size pad_h, size pad_w, size dilation_h, size dilation_w, size blocks
) noexcept nogil:
    cdef size plane, i, j, half, top, left, first, last, begin, end, place, out = 0
    cdef bint tiled = tiles_plane(kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w)
    cdef bint small = tiled and kernel_h == kernel_w == 2 and 2 * p <= h and 2 * q <= w
    cdef vec *to
    if not tiled:
        memset(dx, 0, 4 * BLOCK * blocks * c * h * w)
    for plane in range(blocks * c):
        to = dx + VECS * plane * h * w
        if tiled:
            clear_rest(to, h, w, min(h, p * kernel_h), min(w, q * kernel_w))
        for i in range(p):
            top = i * stride_h - pad_h
            first, last = begin_inside(top, dilation_h), end_inside(top, kernel_h, dilation_h, h)
            for j in range(q):
                left = j * stride_w - pad_w
                begin, end = begin_inside(left, dilation_w), end_inside(left, kernel_w, dilation_w, w)
                place = top * w + left
                for half in range(VECS):
                    if small:
                        spread_window(to + half, dy[out], argmax[out], place, 0, 2, 0, 2, w, 1, True)
                    else:
                        spread_window(to + half, dy[out], argmax[out], place, first, last, begin, end,
                                      dilation_h * w, dilation_w, tiled)
                    out += 1


cdef inline void spread_window(
    vec *to, vec dy, ivec argmax, size place, size first, size last, size begin, size end, size row, size column,
    bint only
) noexcept nogil:
    """dy to the place it came from; 0 to the others, if there is only this window that they belong to."""
    cdef size k, l, at
    cdef vec share
    for k in range(first, last):
        for l in range(begin, end):
            at = place + k * row + l * column
            share = where(equal(argmax, <int> at), dy)
            to[VECS * at] = share if only else to[VECS * at] + share


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
    cdef size plane, i, j, row, column, half, out = 0
    cdef bint tiled = tiles_plane(kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, 1, 1)
    cdef vec share
    cdef vec *to
    if not tiled:
        memset(dx, 0, 4 * BLOCK * blocks * c * h * w)
    for plane in range(blocks * c):
        if tiled:
            clear_rest(dx + VECS * plane * h * w, h, w, min(h, p * kernel_h), min(w, q * kernel_w))
        for i in range(p):
            for j in range(q):
                for half in range(VECS):
                    share = dy[out] * splat(scale[i * q + j])
                    out += 1
                    for row in range(max(0, i * stride_h - pad_h), min(h, i * stride_h - pad_h + kernel_h)):
                        to = dx + VECS * (plane * h + row) * w + half
                        for column in range(max(0, j * stride_w - pad_w), min(w, j * stride_w - pad_w + kernel_w)):
                            to[VECS * column] = share if tiled else to[VECS * column] + share


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

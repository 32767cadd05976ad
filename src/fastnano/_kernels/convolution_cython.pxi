# Convolution in blocks: the 16 samples fill the vectors, so no size, stride or dilation is odd.
#
# Design: output columns are the columns of a register tile and output channels its rows; the terms of its sum are a
# list of places, made once per call.  Stride, dilation and the mirrored order of dx are nothing but other places.
# Weights of dx are copied in the order of its terms, a hundredth of its time, so that a tile reads them side by side.
# Rejected: zeros above and below dy, with which dx takes a product for each (lenet 2: 52 GFLOP/s where this has 79),
# and dy plane by plane, whose lines lie on more pages than the first TLB holds (basic 2: 80 where this has 94).


cdef inline bint conv_too_large(size channels, size rows, size columns) noexcept nogil:
    """Whether an offset within a padded block does not fit a place; in double, which does not overflow."""
    return <double> BLOCK * channels * rows * columns > 2147483647.0


cdef inline size conv_padded(size channels, size h, size w, size pad_h, size pad_w) noexcept nogil:
    """Floats of a padded block; none where nothing is padded."""
    return BLOCK * channels * (h + 2 * pad_h) * (w + 2 * pad_w) if pad_h or pad_w else 0


cdef inline const float *surround(
    const vec *x, float *padded, size channels, size h, size w, size top, size bottom, size left, size right
) noexcept nogil:
    """A block with zeros around its planes; x itself where there are none to add."""
    cdef size channel, row, columns = left + w + right
    cdef float *to = padded
    cdef const float *source = <const float *> x
    if not (top or bottom or left or right):
        return source
    for channel in range(channels):
        memset(to, 0, 4 * BLOCK * (top * columns + left))
        to += BLOCK * (top * columns + left)
        for row in range(h):
            memcpy(to, source, 4 * BLOCK * w)
            memset(to + BLOCK * w, 0, 4 * BLOCK * (left + right if row < h - 1 else right + bottom * columns))
            to += BLOCK * columns if row < h - 1 else BLOCK * (w + right + bottom * columns)
            source += BLOCK * w
    return padded


cdef size conv2d_forward_scratch(
    size c, size h, size w, size d, size k, size l, size pad_h, size pad_w
) noexcept nogil:
    if conv_too_large(c, h + 2 * pad_h, w + 2 * pad_w):
        return -1
    return conv_padded(c, h, w, pad_h, pad_w) + d * k * l


cdef void conv2d_forward(
    const vec *x, const float *weight, const float *bias, vec *y, float *scratch,
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size dilation_h, size dilation_w, size groups, size blocks
) noexcept nogil:
    cdef size block, group, row, channel, i, j, term = 0
    cdef size rows = h + 2 * pad_h, columns = w + 2 * pad_w, outputs = o // groups
    cdef int32_t *places = <int32_t *> (scratch + conv_padded(c, h, w, pad_h, pad_w))
    cdef const float *source
    cdef product t
    for channel in range(d):
        for i in range(k):
            for j in range(l):
                places[term] = <int32_t> (BLOCK * ((channel * rows + i * dilation_h) * columns + j * dilation_w))
                term += 1
    listed(&t, places, term)
    t.a_row, t.b_col, t.out_row, t.out_col = d * k * l, BLOCK * stride_w, BLOCK * p * q, BLOCK
    for block in range(blocks):
        source = surround(x + VECS * block * c * h * w, scratch, c, h, w, pad_h, pad_h, pad_w, pad_w)
        for group in range(groups):
            t.a, t.bias = weight + group * outputs * d * k * l, bias + group * outputs if bias != NULL else NULL
            for row in range(p):
                t.b = source + BLOCK * (group * d * rows + row * stride_h) * columns
                t.out = <float *> y + BLOCK * ((block * o + group * outputs) * p + row) * q
                multiply(&t, outputs, q)


cdef inline size divide_up(size a, size b) noexcept nogil:
    return -(-a // b) if a < 0 else (a + b - 1) // b


cdef inline size dx_before(size kernel, size stride, size pad, size dilation) noexcept nogil:
    """Zeros that dx needs before dy along one axis: its input 0 looks back that far."""
    return max(0, divide_up((kernel - 1) * dilation - pad, stride))


cdef inline size dx_after(size input, size output, size stride, size pad) noexcept nogil:
    return max(0, (input - 1 + pad) // stride - (output - 1))


cdef size conv2d_dx_scratch(
    size w, size o, size d, size k, size l, size p, size q, size stride_w, size pad_w, size dilation_w, size groups
) noexcept nogil:
    cdef size columns = q + dx_before(l, stride_w, pad_w, dilation_w) + dx_after(w, q, stride_w, pad_w)
    if conv_too_large(o, p + k, columns):
        return -1
    return BLOCK * o * p * columns + o // groups * k * l * (1 + d)


cdef inline const float *rows_first(
    const vec *dy, float *to, size channels, size p, size q, size left, size right
) noexcept nogil:
    """dy with zeros beside its rows as [row][channel][column]: what one row of dx meets lies together."""
    cdef size row, channel
    cdef float *at = to
    if not (left or right):
        return <const float *> dy
    for row in range(p):
        for channel in range(channels):
            memset(at, 0, 4 * BLOCK * left)
            memcpy(at + BLOCK * left, dy + VECS * (channel * p + row) * q, 4 * BLOCK * q)
            memset(at + BLOCK * (left + q), 0, 4 * BLOCK * right)
            at += BLOCK * (left + q + right)
    return to


# dx[i] = sum of weight[k] dy[(i + pad - k dilation) / stride] over the k that divide.  Inputs of equal remainder by the
# stride meet the same k, so each such phase is a dense sum over a list of places of its own, with the weights in its
# order.  The kernel's rows come first in it, so that those outside dy can be left out at either end.
cdef inline void scatter(
    const vec *dy, const float *weight, const float *bias, vec *dx, float *scratch,
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size dilation_h, size dilation_w, size groups, size blocks
) noexcept nogil:
    cdef size block, group, row, i, at, begin, end, each, phase_h, phase_w, first_h, first_w, outputs = o // groups
    cdef size left = dx_before(l, stride_w, pad_w, dilation_w)
    cdef size right = dx_after(w, q, stride_w, pad_w), columns = left + q + right
    cdef size row_step = o * columns if left or right else q, plane_step = columns if left or right else p * q
    cdef float *turned = scratch + BLOCK * o * p * columns
    cdef int32_t *places = <int32_t *> (turned + outputs * d * k * l)
    cdef const float *source
    cdef product t
    t.b_col, t.out_row, t.out_col = BLOCK, BLOCK * h * w, BLOCK * stride_w
    for block in range(blocks):
        source = rows_first(dy + VECS * block * o * p * q, scratch, o, p, q, left, right)
        for phase_h in range(min(stride_h, h)):
            for phase_w in range(min(stride_w, w)):
                first_h, first_w = phase_h + pad_h, phase_w + pad_w + left * stride_w
                for group in range(groups):
                    each = dx_terms(
                        places, weight + group * outputs * d * k * l, turned, first_h, first_w, outputs, d, k, l,
                        stride_h, stride_w, dilation_h, dilation_w, row_step, plane_step, &t.a_row)
                    for row from phase_h <= row < h by stride_h:
                        begin = end = 0
                        for i in range(k):
                            at = row - phase_h + first_h - i * dilation_h  # falls with i
                            if at % stride_h == 0:
                                begin += at >= p * stride_h
                                end += at >= 0
                        listed(&t, places + begin * each, (end - begin) * each)
                        t.a, t.bias = turned + begin * each, bias + group * d if bias != NULL else NULL
                        t.b = source + BLOCK * (group * outputs * plane_step + (row - phase_h) // stride_h * row_step)
                        t.out = <float *> dx + BLOCK * (((block * groups + group) * d * h + row) * w + phase_w)
                        multiply(&t, d, divide_up(w - phase_w, stride_w))


cdef void conv2d_dx(
    const vec *dy, const float *weight, vec *dx, float *scratch,
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size dilation_h, size dilation_w, size groups, size blocks
) noexcept nogil:
    scatter(dy, weight, NULL, dx, scratch, c, h, w, o, d, k, l, p, q, stride_h, stride_w, pad_h, pad_w,
            dilation_h, dilation_w, groups, blocks)


cdef inline size dx_terms(
    int32_t *places, const float *weight, float *turned, size first_h, size first_w, size outputs, size d, size k,
    size l, size stride_h, size stride_w, size dilation_h, size dilation_w, size row_step, size plane_step, size *terms
) noexcept nogil:
    """The terms of one phase: their offsets in dy and their weights; returns their number in a row of the kernel."""
    cdef size channel, input, i, j, rows = 0, each = 0, term = 0
    for i in range(k):
        rows += (first_h - i * dilation_h) % stride_h == 0
    for j in range(l):
        each += outputs * ((first_w - j * dilation_w) % stride_w == 0)
    terms[0] = rows * each
    for i in range(k):
        if (first_h - i * dilation_h) % stride_h:
            continue
        for channel in range(outputs):
            for j in range(l):
                if (first_w - j * dilation_w) % stride_w:
                    continue
                for input in range(d):
                    turned[input * terms[0] + term] = weight[((channel * d + input) * k + i) * l + j]
                places[term] = <int32_t> (BLOCK * (
                    channel * plane_step + (first_h - i * dilation_h) // stride_h * row_step
                    + (first_w - j * dilation_w) // stride_w))
                term += 1
    return each


cdef size conv2d_dweight_scratch(size c, size h, size w, size p, size q, size pad_h, size pad_w) noexcept nogil:
    if conv_too_large(c, h + 2 * pad_h, w + 2 * pad_w):
        return -1
    return conv_padded(c, h, w, pad_h, pad_w)


# dweight[o, d, k, l] sums dy[o] times x over all places of an output plane; a tile is some output channels by the
# places of one channel's kernel, so that the lines of x it meets are already in cache.
cdef void conv2d_dweight(
    const vec *dy, const vec *x, float *dweight, float *dbias, float *scratch,
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size dilation_h, size dilation_w, size groups, size blocks
) noexcept nogil:
    cdef size block, group, column, rows = h + 2 * pad_h, columns = w + 2 * pad_w, outputs = o // groups
    cdef const float *source
    cdef product t
    t.terms, t.b_step, t.lines, t.b_line = q, BLOCK * stride_w, p, BLOCK * stride_h * columns
    t.a_row, t.out_row = BLOCK * p * q, d * k * l
    t.b_group, t.out_group, t.out_col = BLOCK * dilation_h * columns, l, 1
    t.b_plane, t.out_plane = BLOCK * rows * columns, k * l
    for block in range(blocks):
        source = surround(x + VECS * block * c * h * w, scratch, c, h, w, pad_h, pad_h, pad_w, pad_w)
        for group in range(groups):
            t.a = <const float *> dy + BLOCK * (block * o + group * outputs) * p * q
            t.b = source + BLOCK * group * d * rows * columns
            t.out, t.sums = dweight + group * outputs * d * k * l, dbias + group * outputs if dbias != NULL else NULL
            if k * l == 1:  # too few columns, so they are the input channels
                t.b_group, t.out_group = t.b_plane, t.out_plane
                correlate(&t, outputs, 1, d, 1)
            elif dilation_w == 1:
                correlate(&t, outputs, d, k, l)
            else:  # the columns of a tile lie side by side
                for column in range(l):
                    correlate(&t, outputs, d, k, 1)
                    t.b, t.out, t.sums = t.b + BLOCK * dilation_w, t.out + 1, NULL


# Transposed convolution: the kernels of convolution with x and dy in each other's place; only the bias is its own.

cdef size conv_transpose2d_forward_scratch(
    size w, size o, size d, size k, size l, size p, size q, size stride_w, size pad_w, size dilation_w, size groups
) noexcept nogil:
    return conv2d_dx_scratch(w, o, d, k, l, p, q, stride_w, pad_w, dilation_w, groups)


cdef void conv_transpose2d_forward(
    const vec *x, const float *weight, const float *bias, vec *y, float *scratch,
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size dilation_h, size dilation_w, size groups, size blocks
) noexcept nogil:
    scatter(x, weight, bias, y, scratch, c, h, w, o, d, k, l, p, q, stride_h, stride_w, pad_h, pad_w,
            dilation_h, dilation_w, groups, blocks)


cdef size conv_transpose2d_dx_scratch(
    size c, size h, size w, size d, size k, size l, size pad_h, size pad_w
) noexcept nogil:
    return conv2d_forward_scratch(c, h, w, d, k, l, pad_h, pad_w)


cdef void conv_transpose2d_dx(
    const vec *dy, const float *weight, vec *dx, float *scratch,
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size dilation_h, size dilation_w, size groups, size blocks
) noexcept nogil:
    conv2d_forward(dy, weight, NULL, dx, scratch, c, h, w, o, d, k, l, p, q, stride_h, stride_w, pad_h, pad_w,
                   dilation_h, dilation_w, groups, blocks)


cdef size conv_transpose2d_dweight_scratch(
    size c, size h, size w, size p, size q, size pad_h, size pad_w
) noexcept nogil:
    return conv2d_dweight_scratch(c, h, w, p, q, pad_h, pad_w)


cdef void conv_transpose2d_dweight(
    const vec *dy, const vec *x, float *dweight, float *dbias, float *scratch,
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size dilation_h, size dilation_w, size groups, size blocks
) noexcept nogil:
    cdef size plane
    conv2d_dweight(x, dy, dweight, NULL, scratch, c, h, w, o, d, k, l, p, q, stride_h, stride_w, pad_h, pad_w,
                   dilation_h, dilation_w, groups, blocks)
    for plane in range(blocks * c):
        dbias[plane % c] += sum_row(<const float *> dy + BLOCK * plane * h * w, BLOCK * h * w)


# Convolution by columns and a matrix product (im2col), a row of outputs at a time, so that the columns stay in cache.

cdef inline void gather_row(
    const float *source, float *columns, size channels, size k, size l, size q, size stride_w,
    size dilation_h, size dilation_w, size plane, size width
) noexcept nogil:
    """columns[channel, k, l, q] = source[channel, k dilation, q stride + l dilation] of a padded block."""
    cdef size channel, i, j, column
    cdef const float *row
    for channel in range(channels):
        for i in range(k):
            for j in range(l):
                row = source + BLOCK * (channel * plane + i * dilation_h * width + j * dilation_w)
                for column in range(q):
                    memcpy(columns + BLOCK * column, row + BLOCK * column * stride_w, 4 * BLOCK)
                columns += BLOCK * q


cdef inline void scatter_row(
    const float *columns, float *to, size channels, size k, size l, size q, size stride_w,
    size dilation_h, size dilation_w, size plane, size width
) noexcept nogil:
    """The reverse of gather_row: adds every column to where it came from."""
    cdef size channel, i, j, column, half
    cdef vec *row
    for channel in range(channels):
        for i in range(k):
            for j in range(l):
                row = <vec *> (to + BLOCK * (channel * plane + i * dilation_h * width + j * dilation_w))
                for column in range(q):
                    for half in range(VECS):
                        row[VECS * column * stride_w + half] += (<const vec *> columns)[VECS * column + half]
                columns += BLOCK * q


cdef size conv2d_im2col_forward_scratch(
    size c, size h, size w, size k, size l, size q, size pad_h, size pad_w
) noexcept nogil:
    if conv_too_large(c, h + 2 * pad_h, w + 2 * pad_w):
        return -1
    return conv_padded(c, h, w, pad_h, pad_w) + BLOCK * c * k * l * q


cdef void conv2d_im2col_forward(
    const vec *x, const float *weight, const float *bias, vec *y, float *scratch,
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size dilation_h, size dilation_w, size groups, size blocks
) noexcept nogil:
    cdef size block, group, row, rows = h + 2 * pad_h, width = w + 2 * pad_w, outputs = o // groups, depth = d * k * l
    cdef float *columns = scratch + conv_padded(c, h, w, pad_h, pad_w)
    cdef const float *source
    cdef product t
    follow(&t, depth, 1, BLOCK * q)
    t.a_row, t.b_col, t.out_row, t.out_col = depth, BLOCK, BLOCK * p * q, BLOCK
    for block in range(blocks):
        source = surround(x + VECS * block * c * h * w, scratch, c, h, w, pad_h, pad_h, pad_w, pad_w)
        for row in range(p):
            gather_row(source + BLOCK * row * stride_h * width, columns, c, k, l, q, stride_w,
                       dilation_h, dilation_w, rows * width, width)
            for group in range(groups):
                t.a, t.bias = weight + group * outputs * depth, bias + group * outputs
                t.b = columns + BLOCK * group * depth * q
                t.out = <float *> y + BLOCK * ((block * o + group * outputs) * p + row) * q
                multiply(&t, outputs, q)


cdef size conv2d_im2col_dx_scratch(
    size c, size h, size w, size k, size l, size q, size pad_h, size pad_w
) noexcept nogil:
    if conv_too_large(c, h + 2 * pad_h, w + 2 * pad_w):
        return -1
    return BLOCK * c * ((h + 2 * pad_h) * (w + 2 * pad_w) + k * l * q)


cdef void conv2d_im2col_dx(
    const vec *dy, const float *weight, vec *dx, float *scratch,
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size dilation_h, size dilation_w, size groups, size blocks
) noexcept nogil:
    cdef size block, group, row, channel, rows = h + 2 * pad_h, width = w + 2 * pad_w
    cdef size outputs = o // groups, depth = d * k * l
    cdef float *columns = scratch + BLOCK * c * rows * width
    cdef product t
    t.bias = NULL
    follow(&t, outputs, depth, BLOCK * p * q)
    t.a_row, t.b_col, t.out_row, t.out_col = 1, BLOCK, BLOCK * q, BLOCK
    for block in range(blocks):
        memset(scratch, 0, 4 * BLOCK * c * rows * width)
        for row in range(p):
            for group in range(groups):
                t.a = weight + group * outputs * depth
                t.b = <const float *> dy + BLOCK * ((block * o + group * outputs) * p + row) * q
                t.out = columns + BLOCK * group * depth * q
                multiply(&t, depth, q)
            scatter_row(columns, scratch + BLOCK * row * stride_h * width, c, k, l, q, stride_w,
                        dilation_h, dilation_w, rows * width, width)
        for channel in range(c):
            for row in range(h):
                memcpy(<float *> dx + BLOCK * ((block * c + channel) * h + row) * w,
                       scratch + BLOCK * ((channel * rows + row + pad_h) * width + pad_w), 4 * BLOCK * w)


cdef size conv2d_im2col_dweight_scratch(
    size c, size h, size w, size k, size l, size p, size q, size pad_h, size pad_w
) noexcept nogil:
    if conv_too_large(c, h + 2 * pad_h, w + 2 * pad_w) or conv_too_large(k * l, p, q):
        return -1
    return conv_padded(c, h, w, pad_h, pad_w) + BLOCK * k * l * p * q


cdef void conv2d_im2col_dweight(
    const vec *dy, const vec *x, float *dweight, float *dbias, float *scratch,
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size dilation_h, size dilation_w, size groups, size blocks
) noexcept nogil:
    cdef size block, channel, row, i, j, rows = h + 2 * pad_h, width = w + 2 * pad_w, outputs = o // groups
    cdef float *columns = scratch + conv_padded(c, h, w, pad_h, pad_w)
    cdef const float *source
    cdef product t
    t.terms, t.b_step, t.lines, t.b_line = p * q, BLOCK, 1, 0
    t.a_row, t.b_group, t.out_row, t.out_group = BLOCK * p * q, BLOCK * p * q, d * k * l, 1
    t.b, t.b_plane, t.out_plane, t.out_col = columns, 0, 0, 0
    for block in range(blocks):
        source = surround(x + VECS * block * c * h * w, scratch, c, h, w, pad_h, pad_h, pad_w, pad_w)
        for channel in range(c):  # one channel's columns at a time, for all rows
            for i in range(k):
                for j in range(l):
                    for row in range(p):
                        gather_row(
                            source + BLOCK * (
                                (channel * rows + row * stride_h + i * dilation_h) * width + j * dilation_w),
                            columns + BLOCK * ((i * l + j) * p + row) * q, 1, 1, 1, q, stride_w, 0, 0, 0, 0)
            t.a = <const float *> dy + BLOCK * (block * o + channel // d * outputs) * p * q
            t.out = dweight + (channel // d * outputs * d + channel % d) * k * l
            t.sums = dbias + channel // d * outputs if channel % d == 0 else NULL
            correlate(&t, outputs, 1, k * l, 1)


# One sample: the vectors run along a row of outputs.
#
# Design: the padded image is split by the strides into phases, so that neighbouring outputs meet neighbouring inputs
# whatever the stride is, and stride and dilation are nothing but other places.  A vector runs on from one row of outputs
# into the next, as the padded rows do; what lies between two rows of outputs is left behind.  Rejected: each row of
# outputs by itself, where of 10 outputs in 16 lanes 38 % are idle (here 29 %), of 24 outputs 25 % (here 8 %).

cdef inline void split_phases(
    const float *x, float *image, size c, size h, size w, size stride_h, size stride_w, size pad_h, size pad_w,
    size rows, size columns
) noexcept nogil:
    """image[c, a, b, i, j] = x[c, i stride_h + a - pad_h, j stride_w + b - pad_w], and zero outside; a block element
    more, since the last vector may end behind it."""
    cdef size channel, a, b, i, j, begin, end
    cdef const float *row
    cdef float *to
    memset(image, 0, 4 * (c * stride_h * stride_w * rows * columns + BLOCK))
    for a in range(stride_h):
        for b in range(stride_w):
            begin, end = divide_up(pad_w - b, stride_w), divide_up(pad_w + w - b, stride_w)
            for channel in range(c):
                to = image + ((channel * stride_h + a) * stride_w + b) * rows * columns
                for i in range(divide_up(pad_h - a, stride_h), divide_up(pad_h + h - a, stride_h)):
                    row = x + (channel * h + i * stride_h + a - pad_h) * w + b - pad_w
                    if stride_w == 1:
                        memcpy(to + i * columns + begin, row + begin, 4 * w)
                    else:
                        for j in range(begin, end):
                            to[i * columns + j] = row[j * stride_w]


cdef inline size phase_places(
    int32_t *places, size channels, int32_t k, int32_t l, int32_t stride_h, int32_t stride_w, int32_t dilation_h,
    int32_t dilation_w, size rows, size columns
) noexcept nogil:
    """Where among the phases an output's terms are, seen from its own place; returns their number."""
    cdef size term, terms = 0
    cdef int32_t i, j  # of 32 bits, since dividing 64 takes four times as long
    for i in range(k):
        for j in range(l):
            places[terms] = <int32_t> (
                ((i * dilation_h % stride_h * stride_w + j * dilation_w % stride_w) * rows + i * dilation_h // stride_h)
                * columns + j * dilation_w // stride_w)
            terms += 1
    for term in range(terms, channels * terms):
        places[term] = places[term - terms] + <int32_t> (stride_h * stride_w * rows * columns)
    return channels * terms


cdef inline size run_length(size p, size q, size columns) noexcept nogil:
    """From the first output of a plane to behind its last, in whole block elements."""
    return divide_up((p - 1) * columns + q, BLOCK) * BLOCK


cdef size conv2d_forward_single_scratch(
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size groups
) noexcept nogil:
    cdef size rows = divide_up(h + 2 * pad_h, stride_h), columns = divide_up(w + 2 * pad_w, stride_w)
    if conv_too_large(c * stride_h * stride_w, rows, columns):
        return -1
    return c * stride_h * stride_w * rows * columns + BLOCK + o // groups * run_length(p, q, columns) + d * k * l


cdef void conv2d_forward_single(
    const float *x, const float *weight, const float *bias, float *y, float *scratch,
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size dilation_h, size dilation_w, size groups
) noexcept nogil:
    cdef size group, channel, row, outputs = o // groups
    cdef size rows = divide_up(h + 2 * pad_h, stride_h), columns = divide_up(w + 2 * pad_w, stride_w)
    cdef size plane = stride_h * stride_w * rows * columns, run = run_length(p, q, columns)
    cdef float *out = scratch + c * plane + BLOCK
    cdef int32_t *places = <int32_t *> (out + outputs * run)
    cdef product t
    split_phases(x, scratch, c, h, w, stride_h, stride_w, pad_h, pad_w, rows, columns)
    listed(&t, places, phase_places(places, d, k, l, stride_h, stride_w, dilation_h, dilation_w, rows, columns))
    t.a_row, t.b_col, t.out, t.out_row, t.out_col = d * k * l, BLOCK, out, run, BLOCK
    for group in range(groups):
        t.a, t.bias = weight + group * outputs * d * k * l, bias + group * outputs
        t.b = scratch + group * d * plane
        multiply(&t, outputs, run // BLOCK)
        for channel in range(outputs):
            for row in range(p):
                memcpy(y, out + channel * run + row * columns, 4 * q)
                y += q

# Winograd's convolution of 3 x 3 kernels: tiles of 6 x 6 inputs become 36 planes of points, at each of which the
# convolution is a product over the channels, and those become 4 x 4 outputs (see winograd.h).
#
# Design: some tiles at a time, and some output channels, so that their points stay in the second cache; tiles are
# numbered through the image, so that a small one fills the products as a large one does.  Images that are no whole number
# of tiles are copied amid zeros; padding is nothing else.  dx turns the forward pass round: points of 4 x 4 outputs become
# 6 x 6 inputs, which overlap.  Rejected: dx as a convolution with mirrored kernels, whose outputs are more tiles (49 for
# 36 at 26 x 26, 16 for 9 at 13 x 13); other numbers of tiles and channels (basic 2, where 3 and 16 have 288 GFLOP/s: 6 and
# 64 239, 9 and 32 199).

cdef extern from "winograd.h" nogil:
    const int TILE, OUTPUTS, TILES, CHANNELS, INPUTS, BESIDE
    ctypedef void (*points_function)(const float *tile, size line, float *v, size plane) noexcept nogil
    ctypedef void (*values_function)(
        const float *m, size plane, float bias, float *to, size line, size rows, size cols) noexcept nogil
    points_function input_tile, gradient_tile
    values_function output_tile, input_gradient_tile
    const points_function *input_row
    const points_function *gradient_row
    void transform_kernels(const float *weight, size count, float *u, size plane)
    void transform_back(const float *u, size plane, size count, float *dweight)


cdef inline size odd_lines(size floats) noexcept nogil:
    """So many floats or more, an odd number of cache lines: 36 at an even distance would share few sets of a cache."""
    return (floats + BLOCK - 1) // BLOCK * BLOCK | BLOCK


cdef inline size tiled(size outputs) noexcept nogil:
    """The outputs that whole tiles have."""
    return (outputs + OUTPUTS - 1) // OUTPUTS * OUTPUTS


cdef inline size winograd_scratch(size inputs, size outputs) noexcept nogil:
    """The transformed kernels, the points of some tiles of all inputs, and those of some outputs."""
    return TILE * TILE * (odd_lines(inputs * outputs) + odd_lines(BLOCK * TILES * inputs)
                          + odd_lines(BLOCK * TILES * min(outputs, CHANNELS)))


cdef inline size whole_input(size c, size h, size w, size p, size q) noexcept nogil:
    """Floats of a block of inputs of whole tiles; none where it is one already."""
    cdef size rows = tiled(p) + 2, columns = tiled(q) + 2
    return BLOCK * c * rows * columns if rows != h or columns != w else 0


cdef inline size whole_output(size o, size p, size q) noexcept nogil:
    return BLOCK * o * tiled(p) * tiled(q) if tiled(p) != p or tiled(q) != q else 0


# All tiles of a block: points of the inputs, products of those with u[output, input] at output * u_row + input * u_step
# in each plane, values of the outputs, of which there are rows x cols.
cdef inline void winograd(
    points_function points, const float *source, size line, size plane, size inputs, const float *u, size u_row,
    size u_step, const float *bias, values_function values, float *to, size to_line, size to_plane, size outputs,
    size rows, size cols, size tiles, size across, float *v
) noexcept nogil:
    cdef size first, tile, point, begin, channel, some, count, top, left
    cdef size u_plane = odd_lines(inputs * outputs), v_plane = odd_lines(BLOCK * TILES * inputs)
    cdef size m_plane = odd_lines(BLOCK * TILES * min(outputs, CHANNELS))
    cdef float *m = v + TILE * TILE * v_plane
    cdef product t
    follow(&t, inputs, u_step, BLOCK * TILES)
    t.bias, t.a_row, t.b_col, t.out_row, t.out_col = NULL, u_row, BLOCK, BLOCK * TILES, BLOCK
    for first from 0 <= first < tiles by TILES:
        count = min(TILES, tiles - first)
        for tile in range(count):
            top, left = (first + tile) // across * OUTPUTS, (first + tile) % across * OUTPUTS
            for channel in range(inputs):
                points(source + channel * plane + top * line + BLOCK * left, line,
                       v + BLOCK * (channel * TILES + tile), v_plane)
        for begin from 0 <= begin < outputs by CHANNELS:
            some = min(CHANNELS, outputs - begin)
            for point in range(TILE * TILE):
                t.a, t.b, t.out = u + point * u_plane + begin * u_row, v + point * v_plane, m + point * m_plane
                multiply(&t, some, count)
            for tile in range(count):
                top, left = (first + tile) // across * OUTPUTS, (first + tile) % across * OUTPUTS
                for channel in range(some):
                    values(m + BLOCK * (channel * TILES + tile), m_plane, bias[begin + channel] if bias != NULL else 0,
                           to + (begin + channel) * to_plane + top * to_line + BLOCK * left, to_line,
                           rows - top, cols - left)


cdef size conv2d_winograd_forward_scratch(size c, size h, size w, size o, size p, size q) noexcept nogil:
    return winograd_scratch(c, o) + whole_input(c, h, w, p, q)


cdef void conv2d_winograd_forward(
    const vec *x, const float *weight, const float *bias, vec *y, float *scratch,
    size c, size h, size w, size o, size p, size q, size pad_h, size pad_w, size blocks
) noexcept nogil:
    cdef size block, down = tiled(p), right = tiled(q), line = BLOCK * (right + 2)
    cdef float *v = scratch + TILE * TILE * odd_lines(o * c)
    cdef const float *source
    transform_kernels(weight, o * c, scratch, odd_lines(o * c))
    for block in range(blocks):
        source = surround(x + VECS * block * c * h * w, scratch + winograd_scratch(c, o), c, h, w,
                          pad_h, down + 2 - pad_h - h, pad_w, right + 2 - pad_w - w)
        winograd(input_tile, source, line, line * (down + 2), c, scratch, c, 1, bias,
                 output_tile, <float *> y + BLOCK * block * o * p * q, BLOCK * q, BLOCK * p * q, o, p, q,
                 down * right // (OUTPUTS * OUTPUTS), right // OUTPUTS, v)


# One sample has too few tiles to pay for the transform of the kernels.

cdef size conv2d_winograd_forward_single_scratch(
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size groups
) noexcept nogil:
    return conv2d_forward_single_scratch(c, h, w, o, d, k, l, p, q, stride_h, stride_w, pad_h, pad_w, groups)


cdef void conv2d_winograd_forward_single(
    const float *x, const float *weight, const float *bias, float *y, float *scratch,
    size c, size h, size w, size o, size d, size k, size l, size p, size q, size stride_h, size stride_w,
    size pad_h, size pad_w, size dilation_h, size dilation_w, size groups
) noexcept nogil:
    conv2d_forward_single(x, weight, bias, y, scratch, c, h, w, o, d, k, l, p, q, stride_h, stride_w,
                          pad_h, pad_w, dilation_h, dilation_w, groups)


cdef size conv2d_winograd_dx_scratch(size c, size h, size w, size o, size p, size q) noexcept nogil:
    return winograd_scratch(o, c) + whole_input(c, h, w, p, q) + whole_output(o, p, q)


cdef void conv2d_winograd_dx(
    const vec *dy, const float *weight, vec *dx, float *scratch,
    size c, size h, size w, size o, size p, size q, size pad_h, size pad_w, size blocks
) noexcept nogil:
    cdef size block, channel, row, down = tiled(p), right = tiled(q), line = BLOCK * (right + 2)
    cdef size whole = whole_input(c, h, w, p, q)
    cdef float *v = scratch + TILE * TILE * odd_lines(o * c)
    cdef float *beside = scratch + winograd_scratch(o, c)
    cdef float *to
    cdef float *out
    cdef const float *source
    transform_kernels(weight, o * c, scratch, odd_lines(o * c))
    for block in range(blocks):
        source = surround(dy + VECS * block * o * p * q, beside + whole, o, p, q, 0, down - p, 0, right - q)
        out = <float *> dx + BLOCK * block * c * h * w
        to = beside if whole else out
        memset(to, 0, 4 * c * line * (down + 2))
        winograd(gradient_tile, source, BLOCK * right, BLOCK * right * down, o, scratch, 1, c, NULL,
                 input_gradient_tile, to, line, line * (down + 2), c, down + 2, right + 2,
                 down * right // (OUTPUTS * OUTPUTS), right // OUTPUTS, v)
        for channel in range(c if whole else 0):
            for row in range(h):
                memcpy(out + BLOCK * (channel * h + row) * w,
                       to + (channel * (down + 2) + pad_h + row) * line + BLOCK * pad_w, 4 * BLOCK * w)


# Design: row by row of the points, so that those of all tiles of a block stay in the second cache and a product sums
# over them in registers.  Rejected: all points of some tiles at a time, whose sums of lanes take as long as the products.

cdef size conv2d_winograd_dweight_scratch(size c, size h, size w, size o, size p, size q) noexcept nogil:
    cdef size each = BLOCK * (tiled(p) * tiled(q) // (OUTPUTS * OUTPUTS))
    return (TILE * TILE * odd_lines(o * c) + TILE * (odd_lines(each * INPUTS) + odd_lines(each * CHANNELS))
            + whole_input(c, h, w, p, q) + whole_output(o, p, q))


cdef inline void points_of_row(
    points_function row, const float *source, size line, size plane, float *v, size v_channel, size v_tile, size v_plane,
    size channels, size down, size across
) noexcept nogil:
    """One row of the points of all tiles of some channels."""
    cdef size channel, i, j
    for channel in range(channels):
        for i in range(down):
            for j in range(across):
                row(source + channel * plane + OUTPUTS * (i * line + BLOCK * j), line,
                    v + channel * v_channel + (i * across + j) * v_tile, v_plane)


cdef void conv2d_winograd_dweight(
    const vec *dy, const vec *x, float *dweight, float *dbias, float *scratch,
    size c, size h, size w, size o, size p, size q, size pad_h, size pad_w, size blocks
) noexcept nogil:
    cdef size block, i, j, inputs, outputs, begin, first, channel
    cdef size rows = tiled(p), columns = tiled(q), down = rows // OUTPUTS, across = columns // OUTPUTS
    cdef size line = BLOCK * (columns + 2), plane = line * (rows + 2), dy_plane = BLOCK * rows * columns
    cdef size u_plane = odd_lines(o * c), each = BLOCK * down * across  # the points of a channel
    cdef size v_plane = odd_lines(each * INPUTS), m_plane = odd_lines(each * CHANNELS)
    cdef float *u = scratch
    cdef float *v = u + TILE * TILE * u_plane
    cdef float *m = v + TILE * v_plane
    cdef float *beside = m + TILE * m_plane
    cdef const float *whole_x
    cdef const float *whole_dy
    cdef product t
    t.lines, t.terms, t.b_step, t.sums = 1, down * across, BLOCK * BESIDE, NULL
    t.a_row, t.out_row, t.out_col = each, c, 1
    t.b_plane, t.out_plane = each * BESIDE, BESIDE
    t.b_line = t.b_group = t.out_group = 0
    memset(u, 0, 4 * TILE * TILE * u_plane)
    for block in range(blocks):
        whole_x = surround(x + VECS * block * c * h * w, beside, c, h, w,
                           pad_h, rows + 2 - pad_h - h, pad_w, columns + 2 - pad_w - w)
        whole_dy = surround(dy + VECS * block * o * p * q, beside + whole_input(c, h, w, p, q), o, p, q,
                            0, rows - p, 0, columns - q)
        for channel in range(o):
            dbias[channel] += sum_row(whole_dy + channel * dy_plane, dy_plane)
        for i in range(TILE):
            for begin from 0 <= begin < c by INPUTS:
                inputs = min(INPUTS, c - begin)
                for channel from 0 <= channel < inputs by BESIDE:
                    points_of_row(input_row[i], whole_x + (begin + channel) * plane, line, plane, v + channel * each,
                                  BLOCK, BLOCK * BESIDE, v_plane, min(BESIDE, inputs - channel), down, across)
                for first from 0 <= first < o by CHANNELS:
                    outputs = min(CHANNELS, o - first)
                    points_of_row(gradient_row[i], whole_dy + first * dy_plane, BLOCK * columns, dy_plane, m, each,
                                  BLOCK, m_plane, outputs, down, across)
                    for j in range(TILE):
                        t.a, t.b = m + j * m_plane, v + j * v_plane
                        t.out = u + (i * TILE + j) * u_plane + first * c + begin
                        correlate(&t, outputs, inputs // BESIDE, 1, BESIDE)
                        if inputs % BESIDE:
                            t.b, t.out = t.b + inputs // BESIDE * t.b_plane, t.out + inputs // BESIDE * BESIDE
                            correlate(&t, outputs, 1, 1, inputs % BESIDE)
    transform_back(u, u_plane, o * c, dweight)

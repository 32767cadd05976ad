# Winograd's convolution of 3 x 3 kernels: tiles of 6 x 6 inputs become 36 planes of points, at each of which the
# convolution is a product over the channels, and those become 4 x 4 outputs (see winograd.h).
#
# Design: some tiles at a time, and some output channels, so that their points stay in the second cache; tiles are
# numbered through the image, so that a small one fills the products as a large one does.  A tile that reaches over an
# edge is read from a copy amid zeros; padding is nothing else.  dx is the same with the kernels mirrored and the
# channels' roles exchanged: another step through the transformed kernels.
# Rejected: other numbers of tiles and channels (basic 2, where 3 and 16 have 288 GFLOP/s: 6 and 64 239, 9 and 32 199).

cdef extern from "winograd.h" nogil:
    const int TILE, OUTPUTS, TILES, CHANNELS, INPUTS, BESIDE
    void transform_kernels(const float *weight, size count, bint mirrored, float *u, size plane)
    void transform_input(const float *d, size line, float *v, size plane)
    ctypedef void (*row_function)(const float *d, size line, float *v, size plane) noexcept nogil
    const row_function *input_row
    const row_function *gradient_row
    void transform_back(const float *u, size plane, size count, float *dweight)
    void transform_output(const float *m, size plane, float bias, float *y, size line, size rows, size cols)


cdef inline size odd_lines(size floats) noexcept nogil:
    """So many floats or more, an odd number of cache lines: 36 at an even distance would share few sets of a cache."""
    return (floats + BLOCK - 1) // BLOCK * BLOCK | BLOCK


cdef inline size winograd_scratch(size c, size o) noexcept nogil:
    return TILE * TILE * (BLOCK + odd_lines(o * c) + odd_lines(BLOCK * TILES * c)
                          + odd_lines(BLOCK * TILES * min(o, CHANNELS)))


cdef inline void points_of_tile(
    const float *x, float *patch, float *v, size plane, size channels, size h, size w, size top, size left
) noexcept nogil:
    """The points of every channel of a tile that begins at (top, left); it may reach over the edges of x."""
    cdef size channel, row, column
    cdef size first = max(0, -top), last = min(TILE, h - top), begin = max(0, -left), end = min(TILE, w - left)
    cdef bint inside = last - first == TILE and end - begin == TILE
    if not inside:
        memset(patch, 0, 4 * BLOCK * TILE * TILE)
    for channel in range(channels):
        if inside:
            transform_input(x + BLOCK * (top * w + left), BLOCK * w, v, plane)
        else:
            for row in range(first, last):
                for column in range(begin, end):
                    memcpy(patch + BLOCK * (row * TILE + column),
                           x + BLOCK * ((top + row) * w + left + column), 4 * BLOCK)
            transform_input(patch, BLOCK * TILE, v, plane)
        x, v = x + BLOCK * h * w, v + BLOCK * TILES


# y[o] = bias[o] + sum of u[o, c] * x[c] at each of the 36 points, where u[o, c] lies at o * u_row + c * u_step.
cdef inline void winograd(
    const vec *x, const float *u, size u_plane, size u_row, size u_step, const float *bias, vec *y, float *patch,
    size c, size h, size w, size o, size p, size q, size pad_h, size pad_w, size blocks
) noexcept nogil:
    cdef size block, first, tile, point, begin, channel, some, count, top, left
    cdef size across = (q + OUTPUTS - 1) // OUTPUTS, tiles = across * ((p + OUTPUTS - 1) // OUTPUTS)
    cdef size v_plane = odd_lines(BLOCK * TILES * c), m_plane = odd_lines(BLOCK * TILES * min(o, CHANNELS))
    cdef float *v = patch + BLOCK * TILE * TILE
    cdef float *m = v + TILE * TILE * v_plane
    cdef product t
    follow(&t, c, u_step, BLOCK * TILES)
    t.bias, t.a_row, t.b_col, t.out_row, t.out_col = NULL, u_row, BLOCK, BLOCK * TILES, BLOCK
    for block in range(blocks):
        for first from 0 <= first < tiles by TILES:
            count = min(TILES, tiles - first)
            for tile in range(count):
                top, left = (first + tile) // across * OUTPUTS, (first + tile) % across * OUTPUTS
                points_of_tile(<const float *> x + BLOCK * block * c * h * w, patch, v + BLOCK * tile, v_plane,
                               c, h, w, top - pad_h, left - pad_w)
            for begin from 0 <= begin < o by CHANNELS:
                some = min(CHANNELS, o - begin)
                for point in range(TILE * TILE):
                    t.a, t.b, t.out = u + point * u_plane + begin * u_row, v + point * v_plane, m + point * m_plane
                    multiply(&t, some, count)
                for tile in range(count):
                    top, left = (first + tile) // across * OUTPUTS, (first + tile) % across * OUTPUTS
                    for channel in range(some):
                        transform_output(
                            m + BLOCK * (channel * TILES + tile), m_plane,
                            bias[begin + channel] if bias != NULL else 0,
                            <float *> y + BLOCK * (((block * o + begin + channel) * p + top) * q + left),
                            BLOCK * q, min(OUTPUTS, p - top), min(OUTPUTS, q - left))


cdef size conv2d_winograd_forward_scratch(size c, size o) noexcept nogil:
    return winograd_scratch(c, o)


cdef void conv2d_winograd_forward(
    const vec *x, const float *weight, const float *bias, vec *y, float *scratch,
    size c, size h, size w, size o, size p, size q, size pad_h, size pad_w, size blocks
) noexcept nogil:
    cdef size plane = odd_lines(o * c)
    transform_kernels(weight, o * c, False, scratch, plane)
    winograd(x, scratch, plane, c, 1, bias, y, scratch + TILE * TILE * plane, c, h, w, o, p, q, pad_h, pad_w, blocks)


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


cdef size conv2d_winograd_dx_scratch(size c, size o) noexcept nogil:
    return winograd_scratch(o, c)


cdef void conv2d_winograd_dx(
    const vec *dy, const float *weight, vec *dx, float *scratch,
    size c, size h, size w, size o, size p, size q, size pad_h, size pad_w, size blocks
) noexcept nogil:
    cdef size plane = odd_lines(o * c)
    transform_kernels(weight, o * c, True, scratch, plane)
    winograd(dy, scratch, plane, 1, c, NULL, dx, scratch + TILE * TILE * plane,
             o, p, q, c, h, w, 2 - pad_h, 2 - pad_w, blocks)


# Design: row by row of the points, so that those of all tiles of a block stay in the second cache and a product sums
# over them in registers.  Rejected: all points of some tiles at a time, whose sums of lanes take as long as the products.

cdef inline size tiled(size outputs) noexcept nogil:
    """The outputs that whole tiles have."""
    return (outputs + OUTPUTS - 1) // OUTPUTS * OUTPUTS


cdef size conv2d_winograd_dweight_scratch(size c, size h, size w, size o, size p, size q) noexcept nogil:
    cdef size rows = tiled(p), columns = tiled(q), tiles = rows * columns // (OUTPUTS * OUTPUTS)
    return (BLOCK * (c * (rows + 2) * (columns + 2) + o * rows * columns) + TILE * TILE * odd_lines(o * c)
            + TILE * (odd_lines(BLOCK * tiles * INPUTS) + odd_lines(BLOCK * tiles * CHANNELS)))


cdef inline void points_of_row(
    row_function row, const float *x, size columns, size plane, float *v, size v_channel, size v_tile, size v_plane,
    size channels, size down, size across
) noexcept nogil:
    """One row of the points of all tiles of some channels."""
    cdef size channel, i, j
    for channel in range(channels):
        for i in range(down):
            for j in range(across):
                row(x + BLOCK * (channel * plane + OUTPUTS * (i * columns + j)), BLOCK * columns,
                    v + channel * v_channel + (i * across + j) * v_tile, v_plane)


cdef void conv2d_winograd_dweight(
    const vec *dy, const vec *x, float *dweight, float *dbias, float *scratch,
    size c, size h, size w, size o, size p, size q, size pad_h, size pad_w, size blocks
) noexcept nogil:
    cdef size block, i, j, inputs, outputs, begin, first, channel
    cdef size rows = tiled(p), columns = tiled(q), down = rows // OUTPUTS, across = columns // OUTPUTS
    cdef size u_plane = odd_lines(o * c), each = BLOCK * down * across  # the points of a channel
    cdef size v_plane = odd_lines(each * INPUTS), m_plane = odd_lines(each * CHANNELS)
    cdef float *beside = scratch + BLOCK * c * (rows + 2) * (columns + 2)
    cdef float *u = beside + BLOCK * o * rows * columns
    cdef float *v = u + TILE * TILE * u_plane
    cdef float *m = v + TILE * v_plane
    cdef const float *whole_x
    cdef const float *whole_dy
    cdef product t
    t.lines, t.terms, t.b_step, t.sums = 1, down * across, BLOCK * BESIDE, NULL
    t.a_row, t.out_row, t.out_col = each, c, 1
    t.b_plane, t.out_plane = each * BESIDE, BESIDE
    t.b_line = t.b_group = t.out_group = 0
    memset(u, 0, 4 * TILE * TILE * u_plane)
    for block in range(blocks):
        whole_x = surround(x + VECS * block * c * h * w, scratch, c, h, w,
                           pad_h, rows + 2 - pad_h - h, pad_w, columns + 2 - pad_w - w)
        whole_dy = surround(dy + VECS * block * o * p * q, beside, o, p, q, 0, rows - p, 0, columns - q)
        for channel in range(o):
            dbias[channel] += sum_row(whole_dy + BLOCK * channel * rows * columns, BLOCK * rows * columns)
        for i in range(TILE):
            for begin from 0 <= begin < c by INPUTS:
                inputs = min(INPUTS, c - begin)
                for channel from 0 <= channel < inputs by BESIDE:
                    points_of_row(input_row[i], whole_x + BLOCK * (begin + channel) * (rows + 2) * (columns + 2),
                                  columns + 2, (rows + 2) * (columns + 2), v + channel * each, BLOCK, BLOCK * BESIDE,
                                  v_plane, min(BESIDE, inputs - channel), down, across)
                for first from 0 <= first < o by CHANNELS:
                    outputs = min(CHANNELS, o - first)
                    points_of_row(gradient_row[i], whole_dy + BLOCK * first * rows * columns, columns,
                                  rows * columns, m, each, BLOCK, m_plane, outputs, down, across)
                    for j in range(TILE):
                        t.a, t.b = m + j * m_plane, v + j * v_plane
                        t.out = u + (i * TILE + j) * u_plane + first * c + begin
                        correlate(&t, outputs, inputs // BESIDE, 1, BESIDE)
                        if inputs % BESIDE:
                            t.b, t.out = t.b + inputs // BESIDE * t.b_plane, t.out + inputs // BESIDE * BESIDE
                            correlate(&t, outputs, 1, 1, inputs % BESIDE)
    transform_back(u, u_plane, o * c, dweight)

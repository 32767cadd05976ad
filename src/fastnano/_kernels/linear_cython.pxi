# Dense layers: register tiles of outputs x blocks, so that each weight is broadcast once for several blocks.

cdef enum:
    NEAR = 65536     # floats that stay in the second cache beside others
    TOGETHER = 8192  # floats of dy that linear_dweight has at hand


# So many inputs at a time that those of all blocks stay in cache for all outputs: 9216 to 128 rise from 74 to 110
# GFLOP/s with two blocks.
cdef void linear_forward(
    const vec *x, const float *weight, const float *bias, vec *y, size i, size o, size blocks, size o_begin, size o_end
) noexcept nogil:
    cdef size begin, some = max(NEAR // (BLOCK * blocks), BLOCK)
    cdef product t
    t.a_row, t.b_col = i, BLOCK * i
    t.bias = bias + o_begin
    t.out, t.out_row, t.out_col = <float *> y + BLOCK * o_begin, BLOCK, BLOCK * o
    for begin from 0 <= begin < max(i, 1) by some:
        follow(&t, min(some, i - begin), 1, BLOCK)
        t.a, t.b = weight + o_begin * i + begin, <const float *> x + BLOCK * begin
        t.far, t.resume = i > some, begin > 0
        multiply(&t, o_end - o_begin, blocks)


cdef size linear_dx_scratch(size i) noexcept nogil:
    return BLOCK * i


# Design: one block has its inputs fill the vectors, so that each loaded vector of weights serves 8 samples, and is then
# packed; several have their samples fill them, so that each weight serves all blocks.  Rejected: either for both (400
# from 120: 60 % of peak in place of 77 % for one block; 784 from 512: 45 % in place of 73 % for two), and the first
# where a tile has but one column (784 from 512: 44 % in place of 61 %, AVX2).
cdef void linear_dx(
    const vec *dy, const float *weight, vec *dx, float *scratch, size i, size o, size blocks, size i_begin, size i_end
) noexcept nogil:
    cdef product t
    t.bias = NULL
    if blocks == 1 and VECS == 1 and i >= BLOCK and i_end - i_begin == i:
        t.a, t.a_row, t.b_col, t.out_row, t.out_col = <const float *> dy, 1, BLOCK, i, BLOCK
        follow(&t, o, BLOCK, i)
        multiply_rows(&t, BLOCK, weight, scratch, i)
        pack(scratch, dx, i, BLOCK, False)
    else:
        t.a, t.a_row = weight + i_begin, 1
        t.b, t.b_col = <const float *> dy, BLOCK * o
        t.out, t.out_row, t.out_col = <float *> dx + BLOCK * i_begin, BLOCK, BLOCK * i
        follow(&t, o, i, BLOCK)
        t.far, t.resume = True, False
        multiply(&t, i_end - i_begin, blocks)


cdef inline void multiply_rows(product *t, size rows, const float *b, float *out, size length) noexcept nogil:
    """A product whose columns are `length` >= 16 numbers that lie side by side."""
    t.b, t.out = b, out
    multiply(t, rows, length // BLOCK)
    if length % BLOCK:  # the last column overlaps the one before
        t.b, t.out = b + length - BLOCK, out + length - BLOCK
        multiply(t, rows, 1)


# Design: split by output rows over plain arrays; a tile of the gradient is summed over the whole batch in registers.
# Rejected: blocks with a copy per worker, 24 % of peak at 784 x 512, since each block reads and writes 1.6 MB.
# So many rows at a time that their dy, whose terms lie far apart, fits the first cache once it is side by side (784 x
# 512: 57 to 72 % of peak for 8 rows); dy that fits as it is stays where it is.
cdef void linear_dweight(
    const float *dy, const float *x, float *dweight, float *dbias, size n, size i, size o, size o_begin, size o_end
) noexcept nogil:
    cdef float beside[TOGETHER]
    cdef size sample, row, rows, begin = o_begin, most = TOGETHER // max(n, 1) // 8 * 8
    cdef bint gathered = n * o > TOGETHER and most
    cdef product t
    t.bias = NULL
    t.b_col, t.out_row, t.out_col = BLOCK, i, BLOCK  # a column is 16 inputs
    while begin < o_end:
        rows = min(o_end - begin, most) if gathered else o_end - begin
        follow(&t, n, o, i)
        t.a, t.a_row = dy + begin, 1
        if gathered:
            for sample in range(n):
                memcpy(beside + sample * rows, dy + sample * o + begin, 4 * rows)
            t.a, t.a_step = beside, rows
        for row in range(rows):
            dbias[begin + row] = 0
        for sample in range(n):
            for row in range(rows):
                dbias[begin + row] += t.a[sample * t.a_step + row]
        if i >= BLOCK:
            multiply_rows(&t, rows, x, dweight + begin * i, i)
        begin += rows
    if i < BLOCK:
        narrow_dweight(dy, x, dweight, n, i, o, o_begin, o_end)


cdef inline void narrow_dweight(
    const float *dy, const float *x, float *dweight, size n, size i, size o, size o_begin, size o_end
) noexcept nogil:
    cdef size sample, row, column
    cdef vec total
    for row in range(o_begin, o_end):
        for column from 0 <= column < i by LANES:
            total = splat(0)
            for sample in range(n):
                total += splat(dy[sample * o + row]) * load(x + sample * i + column, i - column)
            store(dweight + row * i + column, total, i - column)


# One sample: the weights pass by once, in vectors along their rows, so that reading them is all the time it takes.
cdef void linear_forward_single(
    const float *x, const float *weight, const float *bias, float *y, size i, size o
) noexcept nogil:
    cdef size row, column, rest = i % BLOCK
    cdef float last[BLOCK]  # inputs
    cdef product t
    memcpy(y, bias, 4 * o)
    t.a, t.a_row, t.b, t.b_step, t.terms, t.lines = weight, i, x, BLOCK, i // BLOCK, 1
    t.out, t.out_row, t.sums = y, 1, NULL
    t.b_line = t.b_group = t.b_plane = t.out_group = t.out_col = t.out_plane = 0
    correlate(&t, o, 1, 1, 1)
    if i > BLOCK and rest:  # the last sixteen, of which the first are done already
        memset(last, 0, sizeof(last))
        memcpy(last + BLOCK - rest, x + i - rest, 4 * rest)
        t.a, t.b, t.terms = weight + i - BLOCK, last, 1
        correlate(&t, o, 1, 1, 1)
    elif rest:
        for row in range(o):
            for column in range(i - rest, i):
                y[row] += weight[row * i + column] * x[column]

# Dense layers: register tiles of outputs x blocks, so that each weight is broadcast once for several blocks.

cdef void linear_forward(
    const vec *x, const float *weight, const float *bias, vec *y, size i, size o, size blocks
) noexcept nogil:
    cdef product t
    t.a, t.a_row = weight, i
    t.b, t.b_col = <const float *> x, BLOCK * i
    t.bias = bias
    t.out, t.out_row, t.out_col = <float *> y, BLOCK, BLOCK * o
    follow(&t, i, 1, BLOCK)
    multiply(&t, o, blocks)


cdef void linear_dx(const vec *dy, const float *weight, vec *dx, size i, size o, size blocks) noexcept nogil:
    cdef product t
    t.a, t.a_row = weight, 1
    t.b, t.b_col = <const float *> dy, BLOCK * o
    t.bias = NULL
    t.out, t.out_row, t.out_col = <float *> dx, BLOCK, BLOCK * i
    follow(&t, o, i, BLOCK)
    multiply(&t, i, blocks)


# Design: split by output rows over plain arrays; a tile of the gradient is summed over the whole batch in registers.
# Rejected: blocks with a copy per worker, 24 % of peak at 784 x 512, since each block reads and writes 1.6 MB.
cdef void linear_dweight(
    const float *dy, const float *x, float *dweight, float *dbias, size n, size i, size o, size o_begin, size o_end
) noexcept nogil:
    cdef size sample, row, whole = i // BLOCK
    cdef product t
    for row in range(o_begin, o_end):
        dbias[row] = 0
    for sample in range(n):
        for row in range(o_begin, o_end):
            dbias[row] += dy[sample * o + row]
    t.a, t.a_row = dy + o_begin, 1
    t.b, t.b_col = x, BLOCK  # a column is 16 inputs
    t.bias = NULL
    t.out, t.out_row, t.out_col = dweight + o_begin * i, i, BLOCK
    follow(&t, n, o, i)
    multiply(&t, o_end - o_begin, whole)
    if i > BLOCK and i % BLOCK:  # the last column overlaps the one before
        t.b, t.out = x + i - BLOCK, dweight + o_begin * i + i - BLOCK
        multiply(&t, o_end - o_begin, 1)
    elif i < BLOCK:
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
    cdef float last[16]  # inputs
    cdef product t
    memcpy(y, bias, 4 * o)
    t.a, t.a_row, t.b, t.b_step, t.terms, t.lines = weight, i, x, BLOCK, i // BLOCK, 1
    t.out, t.out_row, t.sums = y, 1, NULL
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

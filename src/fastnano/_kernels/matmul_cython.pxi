# A product for every sample: sixteen of them lie in the lanes, so that an element of either side is a vector.

cdef inline void product_of_lanes(
    const vec *a, size a_row, size a_step, const vec *b, size b_step, size b_col, vec *out, size rows, size terms,
    size cols
) noexcept nogil:
    """out[rows, cols] = a b, whose strides are in elements of a block."""
    cdef lanewise t
    cdef size half
    t.a_row, t.a_step, t.b_step, t.b_col = VECS * a_row, VECS * a_step, VECS * b_step, VECS * b_col
    t.out_row, t.out_col, t.terms = VECS * cols, VECS, terms
    for half in range(VECS):
        t.a, t.b, t.out = a + half, b + half, out + half
        multiply_lanes(&t, rows, cols)


cdef void matmul_forward(const vec *x, const vec *y, vec *z, size i, size k, size j, size blocks) noexcept nogil:
    cdef size block
    for block in range(blocks):
        product_of_lanes(x, k, 1, y, j, 1, z, i, k, j)
        x, y, z = x + VECS * i * k, y + VECS * k * j, z + VECS * i * j


cdef void matmul_dx(const vec *dz, const vec *y, vec *dx, size i, size k, size j, size blocks) noexcept nogil:
    cdef size block
    for block in range(blocks):
        product_of_lanes(dz, j, 1, y, 1, j, dx, i, j, k)
        dz, y, dx = dz + VECS * i * j, y + VECS * k * j, dx + VECS * i * k


cdef void matmul_dy(const vec *dz, const vec *x, vec *dy, size i, size k, size j, size blocks) noexcept nogil:
    cdef size block
    for block in range(blocks):
        product_of_lanes(x, 1, k, dz, j, 1, dy, k, i, j)
        dz, x, dy = dz + VECS * i * j, x + VECS * i * k, dy + VECS * k * j


# One sample: the columns lie side by side, a vector of them at a time.
cdef void matmul_forward_single(const float *x, const float *y, float *z, size i, size k, size j) noexcept nogil:
    cdef size row, term, column
    cdef vec total
    for row in range(i):
        for column from 0 <= column < j by LANES:
            total = splat(0)
            for term in range(k):
                total += splat(x[row * k + term]) * load(y + term * j + column, j - column)
            store(z + row * j + column, total, j - column)

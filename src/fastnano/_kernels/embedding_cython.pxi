# Rows of a table in blocks: sixteen samples name sixteen rows, which are laid side by side.

cdef void embedding_forward(
    const ivec *index, const float *weight, vec *y, size s, size e, size blocks
) noexcept nogil:
    cdef size place, lane, j
    cdef const int32_t *rows = <const int32_t *> index
    cdef const float *row
    cdef float *to = <float *> y
    for place in range(blocks * s):
        for lane in range(BLOCK):
            row = weight + <size> rows[place * BLOCK + lane] * e
            for j in range(e):
                to[j * BLOCK + lane] = row[j]
        to += e * BLOCK


cdef void embedding_forward_single(
    const int64_t *index, const float *weight, float *y, size s, size e
) noexcept nogil:
    cdef size place
    for place in range(s):
        memcpy(y + place * e, weight + index[place] * e, 4 * e)


cdef void embedding_dweight(
    const vec *dy, const ivec *index, float *dweight, size s, size e, size padding_idx, size blocks, size live
) noexcept nogil:
    cdef size place, lane, j
    cdef const int32_t *rows = <const int32_t *> index
    cdef const float *grad = <const float *> dy
    cdef float *row
    for place in range(blocks * s):
        for lane in range(min(<size> BLOCK, live - place // s * BLOCK)):
            if rows[place * BLOCK + lane] != padding_idx:
                row = dweight + <size> rows[place * BLOCK + lane] * e
                for j in range(e):
                    row[j] += grad[j * BLOCK + lane]
        grad += e * BLOCK

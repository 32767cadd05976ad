# Recurrent layers: a step is one product of the weights with the states of all blocks, then its gates lane by lane.

# What a step's product of weight [g, h] and the states is put in; states and results lie a block apart.
cdef inline void weigh_states(
    const float *weight, const float *bias, const vec *state, vec *out, size g, size h, size state_block,
    size out_block, size blocks
) noexcept nogil:
    cdef product p
    p.a, p.a_row, p.bias, p.resume = weight, h, bias, False
    p.b, p.b_col = <const float *> state, BLOCK * state_block
    p.out, p.out_row, p.out_col = <float *> out, BLOCK, BLOCK * out_block
    follow(&p, h, 1, BLOCK)
    multiply(&p, g, blocks)


# The same, transposed, for gradients; added to what is there if it is to resume.
cdef inline void weigh_gradients(
    const float *weight, const vec *dgates, vec *dstate, size g, size h, size gates_block, size blocks,
    bint resume
) noexcept nogil:
    cdef product p
    p.a, p.a_row, p.bias, p.resume = weight, 1, NULL, resume
    p.b, p.b_col = <const float *> dgates, BLOCK * gates_block
    p.out, p.out_row, p.out_col = <float *> dstate, BLOCK, BLOCK * h
    follow(&p, g, h, BLOCK)
    p.far = True
    multiply(&p, h, blocks)


# Rows of the sum of dgates_t (x) h_{t-1} over plain arrays: first the products with start, then a sample at a time.
cdef inline void outer_sum(
    const float *dgates, const float *y, const float *start, float *dweight, size n, size t, size g, size h,
    size y_sample, size g_begin, size g_end
) noexcept nogil:
    cdef size sample
    cdef product p
    if h < BLOCK:
        narrow_outer_sum(dgates, y, start, dweight, n, t, g, h, y_sample, g_begin, g_end)
        return
    p.bias, p.resume = NULL, False
    p.a, p.a_row, p.b_col, p.out_row, p.out_col = dgates + g_begin, 1, BLOCK, h, BLOCK
    follow(&p, n, t * g, h)
    multiply_whole_rows(&p, g_end - g_begin, start, dweight + g_begin * h, h)
    follow(&p, t - 1, g, h)
    p.far = p.resume = True
    for sample in range(n):
        p.a = dgates + (sample * t + 1) * g + g_begin
        if t > 1:
            multiply_whole_rows(&p, g_end - g_begin, y + sample * y_sample, dweight + g_begin * h, h)


# A last column that overlapped the one before, as in multiply_rows, would be added to twice.
cdef inline void multiply_whole_rows(product *p, size rows, const float *b, float *out, size length) noexcept nogil:
    cdef size row, column, term, whole = length // BLOCK * BLOCK
    cdef vec total
    p.b, p.out = b, out
    multiply(p, rows, length // BLOCK)
    for row in range(rows):
        for column from whole <= column < length by LANES:
            total = load(out + row * length + column, length - column) if p.resume else splat(0)
            for term in range(p.terms):
                total += splat(p.a[row + term * p.a_step]) * load(b + term * p.b_step + column, length - column)
            store(out + row * length + column, total, length - column)


cdef inline void narrow_outer_sum(
    const float *dgates, const float *y, const float *start, float *dweight, size n, size t, size g, size h,
    size y_sample, size g_begin, size g_end
) noexcept nogil:
    cdef size sample, step, row, column
    cdef const float *before
    cdef vec total
    for row in range(g_begin, g_end):
        for column from 0 <= column < h by LANES:
            total = splat(0)
            for sample in range(n):
                for step in range(t):
                    before = y + sample * y_sample + (step - 1) * h if step else start + sample * h
                    total += splat(dgates[(sample * t + step) * g + row]) * load(before + column, h - column)
            store(dweight + row * h + column, total, h - column)


# ---- tanh and ReLU --------------------------------------------------------------------------------------------------

cdef inline void rnn_forward(
    const vec *x, const float *weight, const vec *start, vec *y, size t, size h, size blocks, bint relu
) noexcept nogil:
    cdef size step, block, j, at, plane = VECS * h
    for step in range(t):
        weigh_states(
            weight, NULL, <const vec *> y + (step - 1) * plane if step else start, y + step * plane, h, h, t * h if step else h,
            t * h, blocks)
        for block in range(blocks):
            at = (block * t + step) * plane
            for j in range(at, at + plane):
                y[j] = maximum(x[j] + y[j], splat(0)) if relu else hyperbolic_tangent(x[j] + y[j])


cdef inline void rnn_dx(
    const vec *dy, const vec *y, const float *weight, vec *dx, vec *dstart, size t, size h, size blocks, bint relu
) noexcept nogil:
    cdef size back, step, block, j, at, plane = VECS * h
    cdef vec dh
    memset(dstart, 0, 4 * BLOCK * h * blocks)
    for back in range(t):
        step = t - 1 - back
        for block in range(blocks):
            at = (block * t + step) * plane
            for j in range(plane):
                dh = dy[at + j] + dstart[block * plane + j]
                dx[at + j] = (
                    where(greater(y[at + j], splat(0)), dh) if relu else dh * (splat(1) - y[at + j] * y[at + j]))
        weigh_gradients(weight, dx + step * plane, dstart, h, h, t * h, blocks, False)


cdef void rnn_tanh_forward(
    const vec *x, const float *weight, const vec *start, vec *y, size t, size h, size blocks
) noexcept nogil:
    rnn_forward(x, weight, start, y, t, h, blocks, False)


cdef void rnn_tanh_dx(
    const vec *dy, const vec *y, const float *weight, vec *dx, vec *dstart, size t, size h, size blocks
) noexcept nogil:
    rnn_dx(dy, y, weight, dx, dstart, t, h, blocks, False)


cdef void rnn_tanh_dweight(
    const float *dx, const float *y, const float *start, float *dweight, size n, size t, size g, size h, size g_begin,
    size g_end
) noexcept nogil:
    outer_sum(dx, y, start, dweight, n, t, g, h, t * h, g_begin, g_end)


cdef void rnn_relu_forward(
    const vec *x, const float *weight, const vec *start, vec *y, size t, size h, size blocks
) noexcept nogil:
    rnn_forward(x, weight, start, y, t, h, blocks, True)


cdef void rnn_relu_dx(
    const vec *dy, const vec *y, const float *weight, vec *dx, vec *dstart, size t, size h, size blocks
) noexcept nogil:
    rnn_dx(dy, y, weight, dx, dstart, t, h, blocks, True)


cdef void rnn_relu_dweight(
    const float *dx, const float *y, const float *start, float *dweight, size n, size t, size g, size h, size g_begin,
    size g_end
) noexcept nogil:
    outer_sum(dx, y, start, dweight, n, t, g, h, t * h, g_begin, g_end)


# ---- LSTM: a block of y is all of h, then all of c ------------------------------------------------------------------

cdef void lstm_forward(
    const vec *x, const float *weight, const vec *start, const vec *cell, vec *y, vec *gates, size t, size g, size h,
    size blocks
) noexcept nogil:
    cdef size step, block, j, plane = VECS * h, cells = t * plane
    cdef const vec *before
    cdef const vec *added
    cdef vec *gate
    cdef vec *now
    for step in range(t):
        weigh_states(
            weight, NULL, <const vec *> y + (step - 1) * plane if step else start, gates + 4 * step * plane, g, h,
            2 * t * h if step else h, t * g, blocks)
        for block in range(blocks):
            now = y + 2 * block * cells + step * plane
            before = <const vec *> now + cells - plane if step else cell + block * plane
            gate, added = gates + 4 * (block * cells + step * plane), x + 4 * (block * cells + step * plane)
            for j in range(plane):
                gate[j] = sigmoid(gate[j] + added[j])
                gate[j + plane] = sigmoid(gate[j + plane] + added[j + plane])
                gate[j + 2 * plane] = hyperbolic_tangent(gate[j + 2 * plane] + added[j + 2 * plane])
                gate[j + 3 * plane] = sigmoid(gate[j + 3 * plane] + added[j + 3 * plane])
                now[j + cells] = gate[j + plane] * before[j] + gate[j] * gate[j + 2 * plane]
                now[j] = gate[j + 3 * plane] * hyperbolic_tangent(now[j + cells])


cdef inline vec to_sigmoid(vec dy, vec y) noexcept nogil:
    return dy * y * (splat(1) - y)


cdef void lstm_dx(
    const vec *dy, const vec *y, const vec *gates, const float *weight, const vec *cell, vec *dx, vec *dstart,
    vec *dcell, size t, size g, size h, size blocks
) noexcept nogil:
    cdef size back, step, block, j, at, plane = VECS * h, cells = t * plane
    cdef const vec *before
    cdef const vec *gate
    cdef vec *to
    cdef vec dh, dc, bent
    memset(dstart, 0, 4 * BLOCK * h * blocks)
    memset(dcell, 0, 4 * BLOCK * h * blocks)
    for back in range(t):
        step = t - 1 - back
        for block in range(blocks):
            at = 2 * block * cells + step * plane
            before = y + at + cells - plane if step else cell + block * plane
            gate, to = gates + 4 * (block * cells + step * plane), dx + 4 * (block * cells + step * plane)
            for j in range(plane):
                dh = dy[at + j] + dstart[block * plane + j]
                bent = hyperbolic_tangent(y[at + j + cells])
                dc = dcell[block * plane + j] + dy[at + j + cells] + (
                    dh * gate[j + 3 * plane] * (splat(1) - bent * bent))
                to[j] = to_sigmoid(dc * gate[j + 2 * plane], gate[j])
                to[j + plane] = to_sigmoid(dc * before[j], gate[j + plane])
                to[j + 2 * plane] = dc * gate[j] * (splat(1) - gate[j + 2 * plane] * gate[j + 2 * plane])
                to[j + 3 * plane] = to_sigmoid(dh * bent, gate[j + 3 * plane])
                dcell[block * plane + j] = dc * gate[j + plane]
        weigh_gradients(weight, dx + 4 * step * plane, dstart, g, h, t * g, blocks, False)


cdef void lstm_dweight(
    const float *dx, const float *y, const float *start, float *dweight, size n, size t, size g, size h, size g_begin,
    size g_end
) noexcept nogil:
    outer_sum(dx, y, start, dweight, n, t, g, h, 2 * t * h, g_begin, g_end)


# ---- GRU ------------------------------------------------------------------------------------------------------------

cdef void gru_forward(
    const vec *x, const float *weight, const float *bias, const vec *start, vec *y, vec *gates, vec *inner, size t,
    size g, size h, size blocks
) noexcept nogil:
    cdef size step, block, j, at, plane = VECS * h
    cdef const vec *before
    cdef const vec *added
    cdef vec *gate
    for step in range(t):
        weigh_states(
            weight, bias, <const vec *> y + (step - 1) * plane if step else start, gates + 3 * step * plane, g, h,
            t * h if step else h, t * g, blocks)
        for block in range(blocks):
            at = (block * t + step) * plane
            before = <const vec *> y + at - plane if step else start + block * plane
            gate, added = gates + 3 * at, x + 3 * at
            for j in range(plane):
                gate[j] = sigmoid(gate[j] + added[j])
                gate[j + plane] = sigmoid(gate[j + plane] + added[j + plane])
                inner[at + j] = gate[j + 2 * plane]
                gate[j + 2 * plane] = hyperbolic_tangent(added[j + 2 * plane] + gate[j] * inner[at + j])
                y[at + j] = gate[j + 2 * plane] + gate[j + plane] * (before[j] - gate[j + 2 * plane])


cdef void gru_dx(
    const vec *dy, const vec *y, const vec *gates, const vec *inner, const float *weight, const vec *start, vec *dx,
    vec *dgates, vec *dstart, size t, size g, size h, size blocks
) noexcept nogil:
    cdef size back, step, block, j, at, plane = VECS * h
    cdef const vec *before
    cdef const vec *gate
    cdef vec *to
    cdef vec *inside
    cdef vec dh, dn
    memset(dstart, 0, 4 * BLOCK * h * blocks)
    for back in range(t):
        step = t - 1 - back
        for block in range(blocks):
            at = (block * t + step) * plane
            before = <const vec *> y + at - plane if step else start + block * plane
            gate, to, inside = gates + 3 * at, dx + 3 * at, dgates + 3 * at
            for j in range(plane):
                dh = dy[at + j] + dstart[block * plane + j]
                dn = dh * (splat(1) - gate[j + plane]) * (splat(1) - gate[j + 2 * plane] * gate[j + 2 * plane])
                to[j] = to_sigmoid(dn * inner[at + j], gate[j])
                to[j + plane] = to_sigmoid(dh * (before[j] - gate[j + 2 * plane]), gate[j + plane])
                to[j + 2 * plane] = dn
                inside[j] = to[j]
                inside[j + plane] = to[j + plane]
                inside[j + 2 * plane] = dn * gate[j]
                dstart[block * plane + j] = dh * gate[j + plane]  # what passes by the gates
        weigh_gradients(weight, dgates + 3 * step * plane, dstart, g, h, t * g, blocks, True)


cdef void gru_dweight(
    const float *dgates, const float *y, const float *start, float *dweight, float *dbias, size n, size t, size g,
    size h, size g_begin, size g_end
) noexcept nogil:
    cdef size row, term
    outer_sum(dgates, y, start, dweight, n, t, g, h, t * h, g_begin, g_end)
    for row in range(g_begin, g_end):
        dbias[row] = 0
    for term in range(n * t):
        for row in range(g_begin, g_end):
            dbias[row] += dgates[term * g + row]

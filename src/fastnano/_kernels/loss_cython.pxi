# Losses down the axis c.  A lane finds the score of its target by comparing every class with it: no gathers, and the
# loop over the classes is there anyway.

cdef void cross_entropy_forward(
    const vec *x, const ivec *target, const float *weight, vec *loss, vec *logsumexp,
    size c, size s, double ignore_index, double label_smoothing, size blocks
) noexcept nogil:
    cdef size block, i, k, at, column = VECS * s
    cdef float chosen_share = <float> (1 - label_smoothing), every_share = <float> (label_smoothing / c)
    cdef vec top, chosen, every, chosen_weight
    cdef ivec here
    for block in range(blocks):
        for i in range(column):
            at = block * column + i
            top = max_of(x + i, c, column)
            logsumexp[at] = top + logarithm(sum_of_exponentials(x + i, top, c, column))
            chosen, every, chosen_weight = splat(0), splat(0), splat(0)
            for k in range(c):
                here = equal(target[at], <int> k)
                chosen = choose(here, logsumexp[at] - x[k * column + i], chosen)
                chosen_weight = choose(here, splat(weight[k]), chosen_weight)
                if every_share:
                    every += splat(weight[k]) * (logsumexp[at] - x[k * column + i])
            loss[at] = where(
                differ(target[at], <int> ignore_index), chosen_weight * chosen * chosen_share + every * every_share)
        x += c * column


cdef void cross_entropy_dx(
    const vec *dloss, const vec *x, const ivec *target, const float *weight, const vec *logsumexp, vec *dx,
    size c, size s, double ignore_index, double label_smoothing, size blocks
) noexcept nogil:
    cdef size block, i, k, at, column = VECS * s
    cdef float chosen_share = <float> (1 - label_smoothing), every_share = <float> (label_smoothing / c), every = 0
    cdef vec chosen
    cdef ivec counts
    for k in range(c):
        every += every_share * weight[k]
    for block in range(blocks):
        for i in range(column):
            at = block * column + i
            counts = differ(target[at], <int> ignore_index)
            chosen = splat(0)
            for k in range(c):
                chosen += where(equal(target[at], <int> k), splat(chosen_share * weight[k]))
            for k in range(c):
                dx[k * column + i] = where(counts, dloss[at] * (
                    exponential(x[k * column + i] - logsumexp[at]) * (chosen + splat(every))
                    - where(equal(target[at], <int> k), chosen) - splat(every_share * weight[k])))
        x, dx = x + c * column, dx + c * column


cdef void nll_loss_forward(
    const vec *x, const ivec *target, const float *weight, vec *loss, size c, size s, double ignore_index, size blocks
) noexcept nogil:
    cdef size block, i, k, at, column = VECS * s
    for block in range(blocks):
        for i in range(column):
            at = block * column + i
            loss[at] = splat(0)
            for k in range(c):
                loss[at] = choose(equal(target[at], <int> k), x[k * column + i] * splat(-weight[k]), loss[at])
            loss[at] = where(differ(target[at], <int> ignore_index), loss[at])
        x += c * column


cdef void nll_loss_dx(
    const vec *dloss, const ivec *target, const float *weight, vec *dx,
    size c, size s, double ignore_index, size blocks
) noexcept nogil:
    cdef size block, i, k, at, column = VECS * s
    cdef vec scale
    for block in range(blocks):
        for i in range(column):
            at = block * column + i
            scale = where(differ(target[at], <int> ignore_index), dloss[at])
            for k in range(c):
                dx[k * column + i] = where(equal(target[at], <int> k), scale * splat(-weight[k]))
        dx += c * column

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


cdef void weight_of_targets_forward(
    const ivec *target, const float *weight, float *total,
    size c, size s, double ignore_index, size blocks, size live
) noexcept nogil:
    cdef size block, i, k, at, column = VECS * s
    cdef double found = 0
    cdef vec chosen
    for block in range(blocks):
        for i in range(column):
            at = block * column + i
            chosen = splat(0)
            for k in range(c):
                chosen = choose(equal(target[at], <int> k), splat(weight[k]), chosen)
            chosen = where(differ(target[at], <int> ignore_index), chosen)
            found += sum(where(live_lanes(live, BLOCK * block + LANES * (i % VECS)), chosen))
    total[0] += <float> found


cdef inline vec score_of(const vec *x, ivec target, size c) noexcept nogil:
    """What the target's class scores, of scores [c][16]."""
    cdef size k
    cdef vec chosen = splat(0)
    for k in range(c):
        chosen = choose(equal(target, <int> k), x[VECS * k], chosen)
    return chosen


cdef inline vec share_of(const float *weight, ivec target, size c) noexcept nogil:
    """The weight of the target's class, over the number of classes."""
    cdef size k
    cdef vec chosen = splat(0)
    for k in range(c):
        chosen = choose(equal(target, <int> k), splat(weight[k] / <float> c), chosen)
    return chosen


cdef void multi_margin_loss_forward(
    const vec *x, const ivec *target, const float *weight, vec *loss, size c, double p, double margin, size blocks
) noexcept nogil:
    cdef size block, half, k, at
    cdef vec edge, gap, total
    for block in range(blocks):
        for half in range(VECS):
            at = VECS * block + half
            edge, total = splat(<float> margin) - score_of(x + half, target[at], c), splat(0)
            for k in range(c):
                gap = maximum(splat(0), edge + x[VECS * k + half])
                total += choose(equal(target[at], <int> k), splat(0), gap * gap if p == 2 else gap)
            loss[at] = share_of(weight, target[at], c) * total
        x += VECS * c


cdef void multi_margin_loss_dx(
    const vec *dloss, const vec *x, const ivec *target, const float *weight, vec *dx,
    size c, double p, double margin, size blocks
) noexcept nogil:
    cdef size block, half, k, at
    cdef vec edge, gap, total, scale
    for block in range(blocks):
        for half in range(VECS):
            at = VECS * block + half
            edge, total = splat(<float> margin) - score_of(x + half, target[at], c), splat(0)
            scale = dloss[at] * share_of(weight, target[at], c)
            for k in range(c):
                gap = maximum(splat(0), edge + x[VECS * k + half])
                gap = scale * (gap + gap) if p == 2 else where(greater(gap, splat(0)), scale)
                dx[VECS * k + half] = choose(equal(target[at], <int> k), splat(0), gap)
                total += dx[VECS * k + half]
            for k in range(c):
                dx[VECS * k + half] = choose(equal(target[at], <int> k), -total, dx[VECS * k + half])
        x, dx = x + VECS * c, dx + VECS * c


cdef void hinge_loss_forward(
    const vec *x, const ivec *target, vec *loss, size c, size s, double margin, size blocks
) noexcept nogil:
    cdef size block, i, k, column = VECS * s
    cdef vec score
    for block in range(blocks):
        for k in range(c):
            for i in range(column):
                score = x[k * column + i]
                score = choose(equal(target[i], <int> k), -score, score)
                loss[k * column + i] = maximum(splat(0), splat(<float> margin) + score)
        x, target, loss = x + c * column, target + column, loss + c * column


cdef void hinge_loss_dx(
    const vec *dloss, const vec *x, const ivec *target, vec *dx, size c, size s, double margin, size blocks
) noexcept nogil:
    cdef size block, i, k, at, column = VECS * s
    cdef ivec mine
    for block in range(blocks):
        for k in range(c):
            for i in range(column):
                at, mine = k * column + i, equal(target[i], <int> k)
                dx[at] = where(
                    at_least(splat(<float> margin) + choose(mine, -x[at], x[at]), splat(0)),
                    choose(mine, -dloss[at], dloss[at]))
        dloss, x, target, dx = dloss + c * column, x + c * column, target + column, dx + c * column

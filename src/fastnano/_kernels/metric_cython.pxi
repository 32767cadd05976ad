# Right answers: every lane keeps the first of its highest scores.

cdef void count_correct(
    const vec *x, const ivec *target, float *correct, size c, size s, size blocks, size live
) noexcept nogil:
    cdef size block, half, i, k, at, column = VECS * s
    cdef vec best, value, right = splat(0)
    cdef ivec chosen, better
    for block in range(blocks):
        for i in range(column):
            best, chosen = x[i], isplat(0)
            for k in range(1, c):
                value = x[k * column + i]
                better = greater(value, best)
                best, chosen = choose(better, value, best), ichoose(better, isplat(<int> k), chosen)
            chosen = both(same(chosen, target[block * column + i]), live_lanes(live, BLOCK * block + LANES * (i % VECS)))
            right += where(chosen, splat(1))
        x += c * column
    correct[0] += sum(right)

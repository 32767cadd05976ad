# Sum and mean of everything.  A lane adds up a stretch of its sample's values, and the stretches are added in double.

cdef enum:
    STRETCH = 256  # values of a sample whose float32 sum still has its digits


cdef inline double sum_of_everything(const vec *x, size s, size blocks, size live) noexcept nogil:
    """Lanes beyond the live samples repeat one, so they are masked."""
    cdef size block, half, first, k
    cdef double total = 0
    cdef vec part
    for block in range(blocks):
        for half in range(VECS):
            for first from 0 <= first < s by STRETCH:
                part = splat(0)
                for k in range(first, min(first + STRETCH, s)):
                    part += x[VECS * (block * s + k) + half]
                total += sum(where(live_lanes(live, BLOCK * block + LANES * half), part))
    return total


cdef inline void fill_live(float value, vec *dx, size s, size blocks, size live) noexcept nogil:
    """The value throughout, but zero in the lanes of no sample."""
    cdef size block, half, k
    cdef vec here
    for block in range(blocks):
        for half in range(VECS):
            here = where(live_lanes(live, BLOCK * block + LANES * half), splat(value))
            for k in range(s):
                dx[VECS * (block * s + k) + half] = here


cdef void sum_forward(const vec *x, float *y, size s, size blocks, size live) noexcept nogil:
    y[0] += <float> sum_of_everything(x, s, blocks, live)


cdef void sum_dx(const float *dy, vec *dx, size s, size blocks, size live) noexcept nogil:
    fill_live(dy[0], dx, s, blocks, live)


cdef void mean_forward(const vec *x, float *y, size n, size s, size blocks, size live) noexcept nogil:
    y[0] += <float> (sum_of_everything(x, s, blocks, live) / (<double> n * s))


cdef void mean_dx(const float *dy, vec *dx, size n, size s, size blocks, size live) noexcept nogil:
    fill_live(<float> (dy[0] / (<double> n * s)), dx, s, blocks, live)

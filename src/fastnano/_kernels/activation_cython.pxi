# Elementwise activations, a vector at a time; load and store see to the last, shorter one.

cdef void relu_forward(const float *x, float *y, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(y + i, maximum(splat(0), load(x + i, end - i)), end - i)  # in this order NaN stays NaN


cdef void relu_dx(const float *dy, const float *y, float *dx, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dx + i, where(greater(load(y + i, end - i), splat(0)), load(dy + i, end - i)), end - i)


cdef inline vec leak(vec value, vec x, float negative_slope) noexcept nogil:
    return choose(greater(x, splat(0)), value, value * negative_slope)


cdef void leaky_relu_forward(
    const float *x, float *y, double negative_slope, size begin, size end
) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(y + i, leak(load(x + i, end - i), load(x + i, end - i), <float> negative_slope), end - i)


cdef void leaky_relu_dx(
    const float *dy, const float *x, float *dx, double negative_slope, size begin, size end
) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dx + i, leak(load(dy + i, end - i), load(x + i, end - i), <float> negative_slope), end - i)


cdef void sigmoid_forward(const float *x, float *y, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(y + i, sigmoid(load(x + i, end - i)), end - i)


cdef void sigmoid_dx(const float *dy, const float *y, float *dx, size begin, size end) noexcept nogil:
    cdef size i
    cdef vec value
    for i from begin <= i < end by LANES:
        value = load(y + i, end - i)
        store(dx + i, load(dy + i, end - i) * (value * (splat(1) - value)), end - i)


cdef void tanh_forward(const float *x, float *y, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(y + i, hyperbolic_tangent(load(x + i, end - i)), end - i)


cdef void tanh_dx(const float *dy, const float *y, float *dx, size begin, size end) noexcept nogil:
    cdef size i
    cdef vec value
    for i from begin <= i < end by LANES:
        value = load(y + i, end - i)
        store(dx + i, load(dy + i, end - i) * (splat(1) - value * value), end - i)

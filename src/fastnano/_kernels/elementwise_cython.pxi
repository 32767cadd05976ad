# The formulas of elementwise expressions, as ops.py defines them, for arrays of one shape: what broadcasts is spread
# before.  NumPy runs them where nothing is recorded.

cdef inline vec log_of(vec x) noexcept nogil:
    """log x of every number: of denormal ones through their multiple by 2^23, -inf of zero, NaN below."""
    cdef ivec tiny = greater(splat(1.17549435e-38), x), finite = greater(splat(INFINITY), x)
    cdef vec found = logarithm(choose(tiny, x * splat(8388608), x)) - where(tiny, splat(15.942385))
    found = choose(greater(x, splat(0)), choose(finite, found, x), splat(NAN))
    return choose(at_least(-absolute(x), splat(0)), splat(-INFINITY), found)


cdef inline vec sign_of(vec x) noexcept nogil:
    return choose(is_nan(x), x, where(greater(x, splat(0)), splat(1)) - where(greater(splat(0), x), splat(1)))


cdef inline vec larger_of(vec x, vec y) noexcept nogil:
    """NaN where either is."""
    return choose(either(is_nan(x), greater(x, y)), x, y)


cdef inline vec share_of_larger(vec x, vec y) noexcept nogil:
    """1 where x > y, a half where they are equal, else 0."""
    return where(greater(x, y), splat(0.5)) + where(at_least(x, y), splat(0.5))


cdef inline float power_of(float x, float y) noexcept nogil:
    """x^y; what gradients of squares need, without a call."""
    return x * x if y == 2 else x if y == 1 else powf(x, y)


cdef void add_forward(const float *x, const float *y, float *z, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(z + i, load(x + i, end - i) + load(y + i, end - i), end - i)


cdef void sub_forward(const float *x, const float *y, float *z, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(z + i, load(x + i, end - i) - load(y + i, end - i), end - i)


cdef void sub_dy(const float *dz, float *dy, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dy + i, -load(dz + i, end - i), end - i)


cdef void mul_forward(const float *x, const float *y, float *z, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(z + i, load(x + i, end - i) * load(y + i, end - i), end - i)


cdef void mul_dx(const float *dz, const float *y, float *dx, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dx + i, load(dz + i, end - i) * load(y + i, end - i), end - i)


cdef void mul_dy(const float *dz, const float *x, float *dy, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dy + i, load(dz + i, end - i) * load(x + i, end - i), end - i)


cdef void div_forward(const float *x, const float *y, float *z, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(z + i, load(x + i, end - i) / load(y + i, end - i), end - i)


cdef void div_dx(const float *dz, const float *y, float *dx, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dx + i, load(dz + i, end - i) / load(y + i, end - i), end - i)


cdef void div_dy(const float *dz, const float *z, const float *y, float *dy, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dy + i, -load(dz + i, end - i) * load(z + i, end - i) / load(y + i, end - i), end - i)


cdef void pow_forward(const float *x, const float *y, float *z, size begin, size end) noexcept nogil:
    cdef size i
    for i in range(begin, end):
        z[i] = power_of(x[i], y[i])


cdef void pow_dx(const float *dz, const float *x, const float *y, float *dx, size begin, size end) noexcept nogil:
    cdef size i
    for i in range(begin, end):
        dx[i] = dz[i] * y[i] * power_of(x[i], 1 if y[i] == 0 else y[i] - 1)


cdef void pow_dy(const float *dz, const float *z, const float *x, float *dy, size begin, size end) noexcept nogil:
    cdef size i
    cdef vec base
    for i from begin <= i < end by LANES:
        base = load(x + i, end - i)
        base = log_of(choose(greater(base, splat(0)), base, splat(1)))
        store(dy + i, load(dz + i, end - i) * load(z + i, end - i) * base, end - i)


cdef void neg_forward(const float *x, float *z, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(z + i, -load(x + i, end - i), end - i)


cdef void neg_dx(const float *dz, float *dx, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dx + i, -load(dz + i, end - i), end - i)


cdef void exp_forward(const float *x, float *z, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(z + i, exponential(load(x + i, end - i)), end - i)


cdef void exp_dx(const float *dz, const float *z, float *dx, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dx + i, load(dz + i, end - i) * load(z + i, end - i), end - i)


cdef void log_forward(const float *x, float *z, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(z + i, log_of(load(x + i, end - i)), end - i)


cdef void log_dx(const float *dz, const float *x, float *dx, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dx + i, load(dz + i, end - i) / load(x + i, end - i), end - i)


cdef void sqrt_forward(const float *x, float *z, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(z + i, root(load(x + i, end - i)), end - i)


cdef void sqrt_dx(const float *dz, const float *z, float *dx, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dx + i, load(dz + i, end - i) / (splat(2) * load(z + i, end - i)), end - i)


cdef void abs_forward(const float *x, float *z, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(z + i, absolute(load(x + i, end - i)), end - i)


cdef void abs_dx(const float *dz, const float *x, float *dx, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dx + i, load(dz + i, end - i) * sign_of(load(x + i, end - i)), end - i)


cdef void maximum_forward(const float *x, const float *y, float *z, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(z + i, larger_of(load(x + i, end - i), load(y + i, end - i)), end - i)


cdef void maximum_dx(const float *dz, const float *x, const float *y, float *dx, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dx + i, load(dz + i, end - i) * share_of_larger(load(x + i, end - i), load(y + i, end - i)), end - i)


cdef void maximum_dy(const float *dz, const float *x, const float *y, float *dy, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dy + i, load(dz + i, end - i) * share_of_larger(load(y + i, end - i), load(x + i, end - i)), end - i)


cdef void minimum_forward(const float *x, const float *y, float *z, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(z + i, -larger_of(-load(x + i, end - i), -load(y + i, end - i)), end - i)


cdef void minimum_dx(const float *dz, const float *x, const float *y, float *dx, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dx + i, load(dz + i, end - i) * share_of_larger(load(y + i, end - i), load(x + i, end - i)), end - i)


cdef void minimum_dy(const float *dz, const float *x, const float *y, float *dy, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(dy + i, load(dz + i, end - i) * share_of_larger(load(x + i, end - i), load(y + i, end - i)), end - i)


cdef void clamp_min_forward(const float *x, float *z, double min, size begin, size end) noexcept nogil:
    cdef size i
    for i from begin <= i < end by LANES:
        store(z + i, larger_of(load(x + i, end - i), splat(<float> min)), end - i)


cdef void clamp_min_dx(const float *dz, const float *x, float *dx, double min, size begin, size end) noexcept nogil:
    cdef size i
    cdef vec passed
    for i from begin <= i < end by LANES:
        passed = where(at_least(load(x + i, end - i), splat(<float> min)), splat(1))
        store(dx + i, load(dz + i, end - i) * passed, end - i)

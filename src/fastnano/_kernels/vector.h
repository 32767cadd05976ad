/* Vectors of the machine's own width and functions of them.
 *
 * Design: plain GCC/clang vector extensions, one header for every instruction set.  Rejected: one 64-byte vector type
 * everywhere (17 GFLOP/s under AVX2, where the machine's own 32 bytes reach 134), and intrinsics (one file per set).
 * Selection and comparison are functions, since Cython cannot translate them for vector types.
 */
#ifndef FASTNANO_VECTOR_H
#define FASTNANO_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "layout.h"

/* Besides the registers: how wide tiles are, in block elements to multiply, in vectors to correlate. */
#if defined(__AVX512F__)
#define LANES 16
#define REGISTERS 32
#define MULTIPLY_COLS 6
#define CORRELATE_COLS 9
#elif defined(__AVX2__)
#define LANES 8
#define REGISTERS 16
#define MULTIPLY_COLS 1
#define CORRELATE_COLS 6
#elif defined(__aarch64__)
#define LANES 4
#define REGISTERS 32
#define MULTIPLY_COLS 1
#define CORRELATE_COLS 9
#else
#define LANES 4
#define REGISTERS 16
#define MULTIPLY_COLS 1
#define CORRELATE_COLS 6
#endif
#define VECS (BLOCK / LANES) /* vectors per block element */

typedef ptrdiff_t size; /* signed: a stride may run backwards */
typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias)); /* as NumPy's arrays lie */
typedef int32_t ivec __attribute__((vector_size(4 * LANES)));
typedef uint32_t uvec __attribute__((vector_size(4 * LANES)));

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

/* Keeps GCC from loading a value anew for each of its uses. */
#if defined(__aarch64__)
#define IN_REGISTER(v) __asm__("" : "+w"(v))
#elif defined(__x86_64__)
#define IN_REGISTER(v) __asm__("" : "+v"(v))
#else
#define IN_REGISTER(v)
#endif
/* Keeps GCC from working out every address on its own instead of from one. */
#define ADDRESS(p) __asm__("" : "+r"(p))

/* A two-vector shuffle whose lane l is index(d, l) of the 2 * LANES lanes of a and b; d must be a literal. */
#define LANES4(index, d, l) index(d, (l)), index(d, (l) + 1), index(d, (l) + 2), index(d, (l) + 3)
#if LANES == 16
#define EACH_LANE(index, d) LANES4(index, d, 0), LANES4(index, d, 4), LANES4(index, d, 8), LANES4(index, d, 12)
#elif LANES == 8
#define EACH_LANE(index, d) LANES4(index, d, 0), LANES4(index, d, 4)
#else
#define EACH_LANE(index, d) LANES4(index, d, 0)
#endif
#if defined(__clang__)
#define SHUFFLE(a, b, index, d) __builtin_shufflevector(a, b, EACH_LANE(index, d))
#else
#define SHUFFLE(a, b, index, d) __builtin_shuffle(a, b, (ivec){EACH_LANE(index, d)})
#endif
#define LANE_SAME(d, l) (d)
#define LANE_ITSELF(d, l) (l)
#define LANE_ACROSS(d, l) ((l) ^ (d))
#define LANE_LOW(d, l) ((l) & (d) ? (l) - (d) + LANES : (l))
#define LANE_HIGH(d, l) ((l) & (d) ? (l) + LANES : (l) + (d))

/* ---- elements ------------------------------------------------------------------------------------------------ */

INLINE vec splat(float a) { return (vec){EACH_LANE(LANE_SAME, a)}; } /* 0 + a would cost an addition */
INLINE ivec isplat(int32_t a) { return (ivec){EACH_LANE(LANE_SAME, a)}; }
INLINE ivec lane_numbers(void) { return (ivec){EACH_LANE(LANE_ITSELF, 0)}; }

/* The first `count` lanes at p (all of them if there are that many), zero beyond. */
INLINE vec load(const float *p, size count) {
    if (__builtin_expect(count >= LANES, 1)) return *(const vec *)p;
    vec a = {0};
    memcpy(&a, p, 4 * (size_t)count);
    return a;
}

INLINE void store(float *p, vec a, size count) {
    if (__builtin_expect(count >= LANES, 1)) *(vec *)p = a;
    else memcpy(p, &a, 4 * (size_t)count);
}

INLINE vec choose(ivec mask, vec a, vec b) { return (vec)((mask & (ivec)a) | (~mask & (ivec)b)); }
INLINE ivec ichoose(ivec mask, ivec a, ivec b) { return (mask & a) | (~mask & b); }
INLINE vec where(ivec mask, vec a) { return (vec)(mask & (ivec)a); } /* a, else 0 */
INLINE ivec either(ivec a, ivec b) { return a | b; }
INLINE ivec both(ivec a, ivec b) { return a & b; }
INLINE ivec one_of(ivec a, ivec b) { return a ^ b; }
INLINE ivec neither(ivec a) { return ~a; }
INLINE ivec same(ivec a, ivec b) { return a == b; }
INLINE ivec iadd(ivec a, ivec b) { return a + b; }
INLINE ivec greater(vec a, vec b) { return a > b; }
INLINE ivec at_least(vec a, vec b) { return a >= b; }
INLINE ivec alike(vec a, vec b) { return a == b; }
INLINE ivec unlike(vec a, vec b) { return a != b; }
INLINE ivec is_nan(vec a) { return a != a; }
INLINE ivec equal(ivec a, int32_t b) { return a == b; }
INLINE ivec differ(ivec a, int32_t b) { return a != b; }
INLINE vec maximum(vec a, vec b) { return choose(a > b, a, b); } /* b where a or b is NaN */
INLINE vec minimum(vec a, vec b) { return choose(a < b, a, b); } /* b where a or b is NaN */
INLINE vec larger_of(vec a, vec b) { return choose((a != a) | (a > b), a, b); } /* NaN where either is */
INLINE vec smaller_of(vec a, vec b) { return choose((a != a) | (a < b), a, b); }
INLINE vec absolute(vec a) { return (vec)((ivec)a & 0x7fffffff); }
INLINE vec with_sign_of(vec x, vec a) { return (vec)((ivec)a | ((ivec)x & INT32_MIN)); } /* a, at least 0 */
INLINE vec sign_of(vec a) { return choose(a != a, a, where(a > splat(0), splat(1)) - where(a < splat(0), splat(1))); }
INLINE ivec live_lanes(size live, size first) { return lane_numbers() < (int32_t)(live - first); }

INLINE vec root(vec a) {
#if defined(__clang__) && __has_builtin(__builtin_elementwise_sqrt)
    return __builtin_elementwise_sqrt(a);
#else
    for (int l = 0; l < LANES; l++) a[l] = __builtin_sqrtf(a[l]);
    return a;
#endif
}

/* Sum of the lanes, pairwise. */
INLINE float sum(vec a) {
#if LANES == 16
    a += SHUFFLE(a, a, LANE_ACROSS, 8);
#endif
#if LANES >= 8
    a += SHUFFLE(a, a, LANE_ACROSS, 4);
#endif
    a += SHUFFLE(a, a, LANE_ACROSS, 2);
    a += SHUFFLE(a, a, LANE_ACROSS, 1);
    return a[0];
}

/* The sums of LANES vectors, one per lane; two are folded into one at a time: 45 instructions, not 128. */
INLINE vec sums(vec *a) {
#define ADD_PAIRS(d)                                                                                                 \
    UNROLL for (int i = 0; i < LANES / 2 / (d); i++)                                                                 \
        a[i] = SHUFFLE(a[2 * i], a[2 * i + 1], LANE_LOW, d) + SHUFFLE(a[2 * i], a[2 * i + 1], LANE_HIGH, d);
    ADD_PAIRS(1)
    ADD_PAIRS(2)
#if LANES >= 8
    ADD_PAIRS(4)
#endif
#if LANES == 16
    ADD_PAIRS(8)
#endif
    return a[0];
}

/* ---- functions, their errors in units of the last place (ulp) ------------------------------------------------------- */

/* x = n log 2 + r with |r| <= log(2) / 2, for |x| below 2^20: the shifted n, whose low bits hold it, and r. */
INLINE vec reduce(vec x, vec *r) {
    const vec shift = splat(12582912.f); /* 1.5 * 2^23: adding it rounds to an integer, kept in the low bits */
    vec rounded = x * 1.44269504f + shift, n = rounded - shift;
    *r = x - n * 0.693359375f + n * 2.12194440e-4f;
    return rounded;
}

/* (e^r - 1 - r) / r^2 by its Taylor polynomial, e^r to degree 7. */
INLINE vec exponential_tail(vec r) {
    vec p = r * (1.f / 5040) + 1.f / 720;
    p = p * r + 1.f / 120;
    p = p * r + 1.f / 24;
    p = p * r + 1.f / 6;
    return p * r + .5f;
}

INLINE vec limited(vec x, float low, float high) {
    x = choose(x > splat(high), splat(high), x);
    return choose(x < splat(low), splat(low), x);
}

/* e^x within 1.1 ulp: 2^n e^r, with 2^n as two factors, so that neither overflow nor the denormal numbers need a
 * branch. */
INLINE vec exponential(vec x) {
    vec r, rounded = reduce(limited(x, -104.f, 89.f), &r);
    vec p = exponential_tail(r) * r * r + r + 1.f;
    ivec power = (ivec)rounded - 0x4b400000, half = power >> 1;
    return p * (vec)((half + 127) << 23) * (vec)((power - half + 127) << 23);
}

/* e^x - 1 within 1.7 ulp: 2^n (e^r - 1) + (2^n - 1), halved lest 2^n overflow. */
INLINE vec exponential_minus_1(vec x) {
    vec r, rounded = reduce(limited(x, -26.f, 89.f), &r);
    vec p = exponential_tail(r) * r * r + r;
    vec scale = (vec)(((ivec)rounded - 0x4b400000 + 126) << 23);
    p = p * scale + (scale - .5f);
    return p + p;
}

/* log x of normal x > 0 within 1 ulp: x = 2^n m with m in [sqrt(1/2), sqrt(2)), polynomial from Cephes (logf). */
INLINE vec logarithm(vec x) {
    ivec bits = (ivec)x - 0x3f3504f3; /* sqrt(1/2) */
    ivec power = bits >> 23;
    vec m = (vec)((ivec)x - (power << 23)) - 1.f, n = (vec){0};
    for (int l = 0; l < LANES; l++) n[l] = (float)power[l];
    vec p = m * 7.0376836292e-2f - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    p = p * m * m * m - n * 2.12194440e-4f - m * m * .5f;
    return m + p + n * 0.693359375f + (x - x); /* inf and NaN give NaN */
}

/* log x of every number: of denormal ones through their multiple by 2^23, -inf of zero, NaN below. */
INLINE vec log_of(vec x) {
    ivec tiny = x < splat(1.17549435e-38f), finite = x < splat(__builtin_inff());
    vec y = logarithm(choose(tiny, x * 8388608.f, x)) - where(tiny, splat(15.942385f));
    y = choose(x > splat(0), choose(finite, y, x), splat(__builtin_nanf("")));
    return choose(x == splat(0), splat(-__builtin_inff()), y);
}

/* log(1 + x) within 2 ulp: what 1 + x is short of is made up for at the slope there (D. Goldberg, "What Every Computer
 * Scientist Should Know About Floating-Point Arithmetic", 1991, theorem 4). */
INLINE vec log_of_1_plus(vec x) {
    vec u = x + 1.f;
    ivec within = (u > splat(0)) & (u < splat(__builtin_inff()));
    return log_of(u) + where(within, (x - (u - 1.f)) / u);
}

/* x^y; squares and their gradients without a call. */
INLINE vec power(vec x, vec y) {
    for (int l = 0; l < LANES; l++) x[l] = y[l] == 2 ? x[l] * x[l] : y[l] == 1 ? x[l] : __builtin_powf(x[l], y[l]);
    return x;
}

INLINE vec sigmoid(vec x) {
    vec e = exponential(-absolute(x)); /* of -|x|, so that nothing overflows */
    return choose(x < splat(0), e, splat(1)) / (e + 1.f);
}

/* tanh x: polynomial from Cephes below 0.625, else 1 - 2 / (e^2|x| + 1) with the sign of x. */
INLINE vec hyperbolic_tangent(vec x) {
    vec a = absolute(x), z = x * x;
    vec p = z * -5.70498872745e-3f + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    vec far = 1.f - 2.f / (exponential(a + a) + 1.f);
    return choose(a < splat(.625f), p * z * x + x, with_sign_of(x, far));
}

/* erf x within 1.2 ulp: N. Juffa's polynomials (stackoverflow.com/a/35148199), for 1 - e^p(|x|) from 0.93 on. */
INLINE vec error_function(vec x) {
    vec a = absolute(x), z = x * x;
    vec p = a * -1.72853470e-5f + 3.83197126e-4f, q = a * -3.88396438e-3f + 2.42546219e-2f;
    p = p * z + q;
    p = p * a - 1.06777877e-1f;
    p = p * a - 6.34846687e-1f;
    p = p * a - 1.28717512e-1f;
    vec far = with_sign_of(x, 1.f - exponential(p * a - a));
    p = z * -5.96761703e-4f + 4.99119423e-3f;
    p = p * z - 2.67681349e-2f;
    p = p * z + 1.12819925e-1f;
    p = p * z - 3.76125336e-1f;
    p = p * z + 1.28379166e-1f;
    return choose(a > splat(.927734375f), far, p * x + x);
}

/* arctan x within 2.8 ulp: polynomial from Cephes (atanf), of x itself, (x - 1) / (x + 1) or -1 / x. */
INLINE vec arc_tangent(vec x) {
    vec a = absolute(x);
    ivec far = a > splat(2.414213562f), middle = (a > splat(.4142135624f)) & ~far;
    vec start = where(far, splat(1.570796327f)) + where(middle, splat(.7853981634f));
    a = choose(far, -1.f / a, choose(middle, (a - 1.f) / (a + 1.f), a));
    vec z = a * a;
    vec p = z * 8.05374449538e-2f - 1.38776856032e-1f;
    p = p * z + 1.99777106478e-1f;
    p = p * z - 3.33329491539e-1f;
    return with_sign_of(x, start + (p * z * a + a));
}

/* The low-bias mixer of 32 bits that dropout.py defines. */
#define MIX(h) (h ^= h >> 16, h *= 0x7feb352du, h ^= h >> 15, h *= 0x846ca68bu, h ^= h >> 16)
INLINE uint32_t mix(uint32_t h) { return MIX(h); }
/* The hash of (place, key) of lanes whose places are `step` apart; those where it is at least the threshold; its upper 24
 * bits, as whole numbers. */
INLINE uvec hashes(size place, size step, uint32_t a, uint32_t b) {
    uvec h = (uvec)lane_numbers() * (uint32_t)step + ((uint32_t)place + a);
    MIX(h);
    h ^= b;
    MIX(h);
    return h;
}
INLINE ivec kept(size place, size step, uint32_t a, uint32_t b, uint32_t threshold) {
    return (ivec)(hashes(place, step, a, b) >= threshold);
}
INLINE vec drawn(size place, size step, uint32_t a, uint32_t b) {
    ivec h = (ivec)(hashes(place, step, a, b) >> 8);
    vec value = {0};
    for (int l = 0; l < LANES; l++) value[l] = (float)h[l];
    return value;
}
#endif

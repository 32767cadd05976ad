# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The native kernels of one instruction set: setup.py builds a copy of this file with each set's flags.

Behind the kernels come generated callers, and TABLE, which the executor reads (see ``_build``).
"""

from libc.math cimport INFINITY, ceil, pow, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset


cdef extern from "vector.h" nogil:
    enum: BLOCK
    const int LANES, VECS
    ctypedef Py_ssize_t size
    ctypedef float vec  # to Cython numbers, to C vectors
    ctypedef int ivec
    vec splat(float a)
    ivec isplat(int a)
    vec load(const float *p, size count)
    void store(float *p, vec a, size count)
    vec choose(ivec mask, vec a, vec b)
    ivec ichoose(ivec mask, ivec a, ivec b)
    vec where(ivec mask, vec a)
    ivec either(ivec a, ivec b)
    ivec both(ivec a, ivec b)
    ivec one_of(ivec a, ivec b)
    ivec neither(ivec a)
    ivec same(ivec a, ivec b)
    ivec iadd(ivec a, ivec b)
    ivec greater(vec a, vec b)
    ivec at_least(vec a, vec b)
    ivec alike(vec a, vec b)
    ivec unlike(vec a, vec b)
    ivec is_nan(vec a)
    ivec equal(ivec a, int b)
    ivec differ(ivec a, int b)
    ivec live_lanes(size live, size first)
    vec maximum(vec a, vec b)
    vec minimum(vec a, vec b)
    vec larger_of(vec a, vec b)
    vec smaller_of(vec a, vec b)
    vec absolute(vec a)
    vec sign_of(vec a)
    vec root(vec a)
    float sum(vec a)
    vec exponential(vec x)
    vec exponential_minus_1(vec x)
    vec logarithm(vec x)
    vec log_of(vec x)
    vec log_of_1_plus(vec x)
    vec power(vec x, vec y)
    vec sigmoid(vec x)
    vec hyperbolic_tangent(vec x)
    vec error_function(vec x)
    vec arc_tangent(vec x)
    uint32_t mix(uint32_t h)
    ivec kept(size place, size step, uint32_t a, uint32_t b, uint32_t threshold)
    vec drawn(size place, size step, uint32_t a, uint32_t b)

cdef extern from "tiles.h" nogil:
    ctypedef struct product:
        const float *a
        size a_row
        const float *b
        size b_col
        const float *bias
        float *out
        size out_row, out_col
        size terms
        size a_step, b_step
        const int32_t *places
        bint far, resume
        size lines, b_line
        size b_group, out_group
        size b_plane, out_plane
        float *sums
    void multiply(const product *t, size rows, size cols)
    ctypedef struct lanewise:
        const vec *a
        const vec *b
        vec *out
        size a_row, a_step, b_col, b_step, out_row, out_col, terms
    void multiply_lanes(const lanewise *t, size rows, size cols)
    float sum_row(const float *a, size count)
    void correlate(const product *t, size rows, size planes, size groups, size cols)

cdef extern from "pack.h" nogil:
    void pack(const void *from_, void *to, size features, size live, size zero_dead)
    void unpack(const void *from_, void *to, size features, size live)

cdef extern from "samples.h" nogil:
    void convert_bytes(
        const void *const *from_, size count, float *plain, size features, size plane, const float *scale,
        const float *shift)
    void copy_floats(const void *const *from_, size count, float *plain, size features)
    void pack_labels(const void *const *from_, void *to, size features)
    void add_copies(float *out, const char *copies, size step, size count, size begin, size end)

cdef extern from "augment.h" nogil:
    void change_images(
        int kind, const void **image, uint8_t *to, const float *const *drawn, size channels, size height, size width,
        void *room)


cdef inline void follow(product *t, size terms, size a_step, size b_step) noexcept nogil:
    """The terms of a product at equal steps."""
    t.places, t.terms, t.a_step, t.b_step, t.far = NULL, terms, a_step, b_step, False


cdef inline void listed(product *t, const int32_t *places, size terms) noexcept nogil:
    """The terms of a product from a list; in a they follow each other."""
    t.places, t.terms, t.a_step, t.b_step = places, terms, 1, 0

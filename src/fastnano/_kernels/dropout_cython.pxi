# Dropout: see dropout.py for the hash.

cdef inline void drop(
    const float *x, const uint64_t *key, float *y, double p, size begin, size end, size sample, size features
) noexcept nogil:
    """Places count through the plain batch: they follow each other, or, in blocks, are a sample's features apart."""
    cdef double threshold = ceil(p * 4294967296.0)
    cdef uint32_t a = mix(mix(<uint32_t> key[0]) ^ <uint32_t> (key[0] >> 32))
    cdef uint32_t b = mix(mix(<uint32_t> key[1] + <uint32_t> 0x9E3779B9) ^ <uint32_t> (key[1] >> 32) ^ a)
    cdef vec scale = splat(<float> (1 / (1 - p)) if p < 1 else 0)
    cdef size i, half, feature = begin // BLOCK, step = features or 1, place = begin
    cdef ivec here
    if features:
        sample, feature = sample + feature // features * BLOCK, feature % features
    if threshold > 4294967295.0:  # no hash reaches it
        memset(y + begin, 0, 4 * (end - begin))
        return
    for i from begin <= i < end by LANES:
        if features:
            half = i % BLOCK
            place = (sample + half) * features + feature
            if half == BLOCK - LANES:
                feature += 1
                if feature == features:
                    feature, sample = 0, sample + BLOCK
        here = kept(place, step, a, b, <uint32_t> threshold)
        store(y + i, where(here, load(x + i, end - i) * scale), end - i)
        place += LANES


cdef void dropout_forward(
    const float *x, const uint64_t *key, float *y, double p, size begin, size end, size sample, size features
) noexcept nogil:
    drop(x, key, y, p, begin, end, sample, features)


cdef void dropout_dx(
    const float *dy, const uint64_t *key, float *dx, double p, size begin, size end, size sample, size features
) noexcept nogil:
    drop(dy, key, dx, p, begin, end, sample, features)


cdef void next_key(uint64_t *state, uint64_t *key) noexcept nogil:
    key[0], key[1] = state[0], state[1]
    state[1] += 1

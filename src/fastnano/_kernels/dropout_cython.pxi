# Dropout: see dropout.py for the hash.

cdef inline void at_random(
    const float *x, const uint64_t *key, float *y, double threshold, float low, float factor,
    size begin, size end, size sample, size features
) noexcept nogil:
    """x times the factor, or 0 where the hash is below the threshold; without x the hash itself, scaled.

    Places count through the plain batch: they follow each other, or, in blocks, are a sample's features apart.
    """
    cdef uint32_t a = mix(mix(<uint32_t> key[0]) ^ <uint32_t> (key[0] >> 32))
    cdef uint32_t b = mix(mix(<uint32_t> key[1] + <uint32_t> 0x9E3779B9) ^ <uint32_t> (key[1] >> 32) ^ a)
    cdef vec scale = splat(factor), value
    cdef size i, half, feature = begin // BLOCK, step = features or 1, place = begin
    if features:
        sample, feature = sample + feature // features * BLOCK, feature % features
    for i from begin <= i < end by LANES:
        if features:
            half = i % BLOCK
            place = (sample + half) * features + feature
            if half == BLOCK - LANES:
                feature += 1
                if feature == features:
                    feature, sample = 0, sample + BLOCK
        if x != NULL:
            value = where(kept(place, step, a, b, <uint32_t> threshold), load(x + i, end - i) * scale)
        else:
            value = splat(low) + drawn(place, step, a, b) * scale
        store(y + i, value, end - i)
        place += LANES


cdef inline void drop(
    const float *x, const uint64_t *key, float *y, double p, size begin, size end, size sample, size features
) noexcept nogil:
    cdef double threshold = ceil(p * 4294967296.0)
    if threshold > 4294967295.0:  # no hash reaches it
        memset(y + begin, 0, 4 * (end - begin))
        return
    at_random(x, key, y, threshold, 0, <float> (1 / (1 - p)), begin, end, sample, features)


cdef void dropout_forward(
    const float *x, const uint64_t *key, float *y, double p, size begin, size end, size sample, size features
) noexcept nogil:
    drop(x, key, y, p, begin, end, sample, features)


cdef void dropout_dx(
    const float *dy, const uint64_t *key, float *dx, double p, size begin, size end, size sample, size features
) noexcept nogil:
    drop(dy, key, dx, p, begin, end, sample, features)


cdef void uniform_forward(
    const float *x, const uint64_t *key, float *y, double low, double high, size begin, size end, size sample,
    size features
) noexcept nogil:
    at_random(NULL, key, y, 0, <float> low, <float> ((high - low) / 16777216.0), begin, end, sample, features)


cdef void next_key(uint64_t *state, uint64_t *key) noexcept nogil:
    key[0], key[1] = state[0], state[1]
    state[1] += 1

/* Samples of a data set into blocks, and sums of several workers into one.
 *
 * Design: a sample is converted into the plain layout first and packed from there, since dense weight gradients want
 * it plain too, and the rows of sixteen samples stay in the second-level cache.
 */
#ifndef FASTNANO_SAMPLES_H
#define FASTNANO_SAMPLES_H
#include "pack.h"

/* plain[n][f] = from[n][f] * scale[f / plane] + shift[f / plane] for bytes. */
static void convert_bytes(const void *const *from, size count, float *plain, size features, size plane,
                          const float *scale, const float *shift) {
    for (size n = 0; n < count; n++)
        for (size begin = 0, channel = 0; begin < features; begin += plane, channel++) {
            const uint8_t *in = (const uint8_t *)from[n] + begin;
            float *out = plain + n * features + begin, a = scale[channel], b = shift[channel];
            for (size f = 0; f < plane; f++) out[f] = in[f] * a + b;
        }
}

static void copy_floats(const void *const *from, size count, float *plain, size features) {
    for (size n = 0; n < count; n++) memcpy(plain + n * features, from[n], 4 * (size_t)features);
}

/* Labels go into blocks at once. */
static void pack_labels(const void *const *from, void *to, size features) {
    for (size f = 0; f < features; f++)
        for (size n = 0; n < BLOCK; n++) ((int32_t *)to)[f * BLOCK + n] = (int32_t)((const int64_t *)from[n])[f];
}

/* out = the sum of the copies, `step` bytes apart, in their order. */
static void add_copies(float *out, const char *copies, size step, size count, size begin, size end) {
    for (size i = begin; i < end; i += LANES) {
        vec total = load((const float *)copies + i, end - i);
        for (size k = 1; k < count; k++) total += load((const float *)(copies + k * step) + i, end - i);
        store(out + i, total, end - i);
    }
}
#endif

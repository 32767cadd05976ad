/* What data/transforms.py does to an image of bytes, with the same numbers and to the same bits: CHANGES by number.
 *
 * Design: a turned image takes three passes, so that the one that no vector can do, fetching pixels, does nothing else:
 * 16 images of 28 x 28 take 30 us (AVX-512), 50 (AVX2).  Rejected: all in one, lane by lane (81 and 92 us).
 */
#ifndef FASTNANO_AUGMENT_H
#define FASTNANO_AUGMENT_H
#include "vector.h"

/* From one image to another; `room` are 32 bytes for each of its bytes. */
typedef void change(const uint8_t *from, uint8_t *to, size channels, size height, size width, const float *drawn,
                    void *room);

INLINE float clamp(float a, float low, float high) { return a > low ? a < high ? a : high : low; } /* low for NaN */
INLINE size above(size a) { return a > 0 ? a : 0; }

/* to[y][x] = from[y + drawn[0]][x + drawn[1]], or zero where there is no such pixel. */
static void shift_image(const uint8_t *from, uint8_t *to, size channels, size height, size width, const float *drawn,
                        void *room) {
    size dy = (size)clamp(drawn[0], -height, height), dx = (size)clamp(drawn[1], -width, width);
    size left = above(-dx), right = width - above(dx), bottom = height - above(dy);
    memset(to, 0, (size_t)(channels * height * width));
    for (size channel = 0; channel < channels; channel++, from += height * width, to += height * width)
        for (size y = above(-dy); y < bottom; y++)
            memcpy(to + y * width + left, from + (y + dy) * width + left + dx, (size_t)(right - left));
}

/* to[y][x] = from[y][width - 1 - x] if drawn[0], else from[y][x]. */
static void flip_image(const uint8_t *from, uint8_t *to, size channels, size height, size width, const float *drawn,
                       void *room) {
    if (!(drawn[0] > 0)) {
        memcpy(to, from, (size_t)(channels * height * width));
        return;
    }
    for (size y = 0; y < channels * height; y++, from += width, to += width)
        for (size x = 0; x < width; x++) to[x] = from[width - 1 - x];
}

/* a * b, rounded before anything is added to it, as NumPy does, though files are compiled to contract. */
INLINE vec times(vec a, vec b) {
    vec p = a * b;
    IN_REGISTER(p);
    return p;
}

INLINE vec real(ivec a) { return __builtin_convertvector(a, vec); }
INLINE ivec whole(vec a) { return __builtin_convertvector(a, ivec); } /* towards zero */
INLINE ivec within(vec a, size end) { return (a > splat(0)) & (a < splat((float)end)); }
INLINE vec byte_of(ivec word, int number) { return real(word >> 8 * number & 255); }

/* The bilinear mean of each word's four pixels (upper left and right, lower left and right, from the low byte up) at fx
 * from the left and fy from the top, rounded half to even. */
INLINE ivec between(ivec word, vec fx, vec fy) {
    vec upper_left = byte_of(word, 0), lower_left = byte_of(word, 2);
    vec upper = upper_left + times(byte_of(word, 1) - upper_left, fx);
    vec lower = lower_left + times(byte_of(word, 3) - lower_left, fx);
    return (ivec)(upper + times(lower - upper, fy) + splat(12582912.f)) & 255; /* 1.5 * 2^23: see exponential */
}

INLINE void store_bytes(uint8_t *to, ivec a, size count) {
    typedef uint8_t bytes __attribute__((vector_size(LANES)));
    bytes narrow = __builtin_convertvector(a, bytes);
    if (__builtin_expect(count >= LANES, 1)) memcpy(to, &narrow, LANES);
    else memcpy(to, &narrow, (size_t)count);
}

/* For each pixel the place of the four it is the mean of, among rows with a zero at both ends, and how far it lies from
 * the upper left one; zeros where it comes from outside. */
static void find_sources(int32_t *place, float *fx, float *fy, size height, size width, vec cos, vec sin) {
    const vec middle_x = splat((float)(width - 1) / 2), middle_y = splat((float)(height - 1) / 2);
    for (size row = 0; row < height; row++, place += width, fx += width, fy += width)
        for (size next = 0; next < width; next += LANES) {
            /* The last vector of a row overlaps the one before. */
            size begin = next + LANES > width && width > LANES ? width - LANES : next, count = width - begin;
            vec x = real(lane_numbers() + (int32_t)begin) - middle_x, y = splat((float)row) - middle_y;
            vec from_x = times(cos, x) - times(sin, y) + (middle_x + 1.f);
            vec from_y = times(sin, x) + times(cos, y) + (middle_y + 1.f);
            ivec inside = within(from_x, width + 1) & within(from_y, height + 1);
            ivec left = inside & whole(from_x), top = inside & whole(from_y);
            store((float *)(place + begin), (vec)(top * (int32_t)(width + 2) + left), count);
            store(fx + begin, where(inside, from_x - real(left)), count);
            store(fy + begin, where(inside, from_y - real(top)), count);
        }
}

/* Two pixels at each place and the two below them, a word of bytes, from an image with rows of zeros around it. */
static void fetch_pixels(const uint8_t *restrict from, uint8_t *restrict padded, const int32_t *restrict place,
                         uint32_t *restrict word, size height, size width) {
    size row = width + 2;
    memset(padded, 0, (size_t)((height + 2) * row));
    for (size y = 0; y < height; y++) memcpy(padded + (y + 1) * row + 1, from + y * width, (size_t)width);
    for (size f = 0; f < height * width; f++) {
        uint16_t upper, lower;
        memcpy(&upper, padded + place[f], 2);
        memcpy(&lower, padded + place[f] + row, 2);
        word[f] = upper | (uint32_t)lower << 16;
    }
}

/* Each pixel comes from where it lies when turned about the centre; drawn are cosine and sine of the angle. */
static void turn_image(const uint8_t *from, uint8_t *to, size channels, size height, size width, const float *drawn,
                       void *room) {
    size area = height * width;
    float *fx = room, *fy = fx + area, *place = fy + area, *word = place + area;
    find_sources((int32_t *)place, fx, fy, height, width, splat(drawn[0]), splat(drawn[1]));
    for (size channel = 0; channel < channels; channel++, from += area, to += area) {
        fetch_pixels(from, (uint8_t *)(word + area), (int32_t *)place, (uint32_t *)word, height, width);
        for (size f = 0, count = area; f < area; f += LANES, count -= LANES)
            store_bytes(to + f, between((ivec)load(word + f, count), load(fx + f, count), load(fy + f, count)), count);
    }
}

static change *const CHANGES[] = {shift_image, turn_image, flip_image};

/* One change of the images of a block, each by its own numbers; they are then at `to`, one after another. */
static void change_images(int kind, const void **image, uint8_t *to, const float *const *drawn, size channels,
                          size height, size width, void *room) {
    for (size n = 0; n < BLOCK; n++, to += channels * height * width) {
        CHANGES[kind](image[n], to, channels, height, width, drawn[n], room);
        image[n] = to;
    }
}
#endif

/* What data/transforms.py does to an image of bytes, with the same numbers and to the same bits: CHANGES by number.
 *
 * Design: each pixel of a turned image takes one word that holds its four neighbours, fetched lane by lane: 13 us for
 * 16 images of 28 x 28.
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

/* corner[y][x], height + 1 by width + 1: the pixels above left, above right, below left and below right of where four
 * meet, from the low byte up; zeros around the image. */
static void find_corners(const uint8_t *from, uint32_t *corner, size height, size width) {
    size row = width + 1;
    memset(corner, 0, 4 * (size_t)((height + 1) * row));
    for (size y = 0; y < height; y++, from += width) {
        uint32_t *over = corner + y * row, *under = over + row;
        for (size x = 0; x < width; x++) over[x] |= (uint32_t)from[x] << 24;
        for (size x = 0; x < width; x++) over[x + 1] |= (uint32_t)from[x] << 16;
        for (size x = 0; x < width; x++) under[x] |= (uint32_t)from[x] << 8;
        for (size x = 0; x < width; x++) under[x + 1] |= from[x];
    }
}

/* a * b, rounded before anything is added to it, as NumPy does, though files are compiled to contract. */
INLINE vec times(vec a, vec b) {
    vec p = a * b;
    IN_REGISTER(p);
    return p;
}

INLINE vec real(ivec a) { return __builtin_convertvector(a, vec); }
INLINE ivec whole(vec a) { return __builtin_convertvector(a, ivec); } /* towards zero */
INLINE vec byte_of(ivec word, int number) { return real(word >> 8 * number & 255); }

/* The bilinear mean of each word's four pixels, at fx from the left and fy from the top, rounded half to even. */
INLINE ivec between(ivec word, vec fx, vec fy) {
    vec above_left = byte_of(word, 0), below_left = byte_of(word, 2);
    vec upper = above_left + times(byte_of(word, 1) - above_left, fx);
    vec lower = below_left + times(byte_of(word, 3) - below_left, fx);
    return (ivec)(upper + times(lower - upper, fy) + splat(12582912.f)) & 255; /* 1.5 * 2^23: see exponential */
}

INLINE void store_bytes(uint8_t *to, ivec a, size count) {
    typedef uint8_t bytes __attribute__((vector_size(LANES)));
    bytes narrow = __builtin_convertvector(a, bytes);
    if (__builtin_expect(count >= LANES, 1)) memcpy(to, &narrow, LANES);
    else memcpy(to, &narrow, (size_t)count);
}

/* Each pixel comes from the place that lies turned about the centre: drawn are cosine and sine of the angle. */
static void turn_image(const uint8_t *from, uint8_t *to, size channels, size height, size width, const float *drawn,
                       void *room) {
    const vec cos = splat(drawn[0]), sin = splat(drawn[1]), zero = splat(0);
    const vec middle_x = splat((float)(width - 1) / 2), middle_y = splat((float)(height - 1) / 2);
    uint32_t *corner = room;
    for (size channel = 0; channel < channels; channel++, from += height * width) {
        find_corners(from, corner, height, width);
        for (size row = 0; row < height; row++, to += width)
            for (size begin = 0; begin < width; begin += LANES) {
                vec x = real(lane_numbers() + (int32_t)begin) - middle_x, y = splat((float)row) - middle_y;
                vec from_x = times(cos, x) - times(sin, y) + (middle_x + 1.f);
                vec from_y = times(sin, x) + times(cos, y) + (middle_y + 1.f);
                from_x = minimum(maximum(from_x, zero), splat((float)(width + 1)));
                from_y = minimum(maximum(from_y, zero), splat((float)(height + 1)));
                vec left = minimum(real(whole(from_x)), splat((float)width));
                vec top = minimum(real(whole(from_y)), splat((float)height));
                ivec word, place = whole(top) * (int32_t)(width + 1) + whole(left);
                UNROLL for (int l = 0; l < LANES; l++) word[l] = (int32_t)corner[place[l]];
                store_bytes(to + begin, between(word, from_x - left, from_y - top), width - begin);
            }
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

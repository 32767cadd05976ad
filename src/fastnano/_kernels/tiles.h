/* The two register tiles that carry the heavy kernels: products of scalars and blocks, and correlations of blocks.
 *
 * Design: every tile of rows x columns is a function of its own, chosen from a table, so that the compiler gives all
 * registers to its one loop.  Rejected: one function with a switch (61 % of peak where this has 79 %), and nested
 * loops over the kernel's rows and columns instead of a list of places (73 %: a loop of three ends too often). */
#ifndef FASTNANO_TILES_H
#define FASTNANO_TILES_H

#include "vector.h"


typedef struct { /* where a term of a sum finds its two factors */
    int32_t a, b;
} place;

typedef struct {
    const float *a; /* row r of the left operand starts at a + r * a_row */
    size a_row;
    const float *b; /* column j of the right operand starts at b + j * b_col */
    size b_col;
    const float *bias; /* multiply: what row r starts from, or NULL for 0 */
    float *out;        /* out + r * out_row + j * out_col */
    size out_row, out_col;
    size terms;
    const place *places;     /* of the terms; NULL: they follow each other at these steps */
    size a_step, b_step;
    size b_group, out_group; /* correlate: from one group of columns to the next */
} product;

#define AHEAD 8 /* terms */
#define MAX_ROWS 8
#define MAX_COLS 6
#define MAX_GROUPS 3
/* Rows that fit: accumulators, the columns' vectors and one scalar; accumulators, the rows' vectors and one column. */
#define MULTIPLY_ROWS(C) ((REGISTERS - 1) / ((C) * VECS) - 1)
#define CORRELATE_ROWS(columns) ((REGISTERS - 1) / ((columns) + 1))

/* out = bias + sum of a * b over the terms: a is scalars, a column of b is a block element of 16 lanes. */
INLINE void multiply_tile(const product *t, int rows, int cols, size row, size col, const int listed) {
    const size a_row = t->a_row, b_col = t->b_col;
    const float *a0 = t->a + row * a_row, *b0 = t->b + col * b_col;
    const size terms = t->terms, a_step = t->a_step, b_step = t->b_step;
    vec acc[MAX_ROWS][MAX_COLS * VECS], v[MAX_COLS * VECS];
    UNROLL for (int r = 0; r < rows; r++) {
        vec start = splat(t->bias ? t->bias[row + r] : 0);
        UNROLL for (int j = 0; j < cols * VECS; j++) acc[r][j] = start;
    }
    for (size k = 0; k < terms; k++) {
        const float *a = listed ? a0 + t->places[k].a : a0 + k * a_step;
        const float *b = listed ? b0 + t->places[k].b : b0 + k * b_step;
        if (!listed) __builtin_prefetch(a + AHEAD * a_step); /* strided weights: no hardware foresees them */
        UNROLL for (int j = 0; j < cols * VECS; j++)
            v[j] = *(const vec *)(b + j / VECS * b_col + j % VECS * LANES);
        UNROLL for (int r = 0; r < rows; r++) {
            vec s = splat(a[r * a_row]);
            UNROLL for (int j = 0; j < cols * VECS; j++) acc[r][j] += s * v[j];
        }
    }
    float *out = t->out + row * t->out_row + col * t->out_col;
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int j = 0; j < cols * VECS; j++)
            *(vec *)(out + r * t->out_row + j / VECS * t->out_col + j % VECS * LANES) = acc[r][j];
}

/* out += sum of a * b over the terms and the lanes: a and b are block elements, out is scalars.  In a the terms follow
 * each other, so that of their places only b counts.  Columns come in
 * groups: those of one channel's kernel, row by row, so that an element of b serves several rows of the kernel. */
INLINE void correlate_tile(const product *t, int rows, int groups, int cols, size row, size group, size col) {
    const size a_row = t->a_row, b_col = t->b_col, b_group = t->b_group;
    const float *a = t->a + row * a_row, *b0 = t->b + group * b_group + col * b_col;
    const int count = rows * groups * cols;
    vec acc[(REGISTERS + LANES - 1) / LANES * LANES], s[MAX_ROWS];
    UNROLL for (int n = 0; n < (count + LANES - 1) / LANES * LANES; n++) acc[n] = splat(0);
    for (const place *at = t->places, *end = at + t->terms; at < end; at++)
        UNROLL for (int h = 0; h < BLOCK; h += LANES, a += LANES) {
            const float *b = b0 + at->b + h;
            UNROLL for (int r = 0; r < rows; r++) s[r] = *(const vec *)(a + r * a_row);
            UNROLL for (int g = 0; g < groups; g++, b += b_group) {
                ADDRESS(b);
                UNROLL for (int j = 0; j < cols; j++) {
                    vec v = *(const vec *)(b + j * b_col);
                    IN_REGISTER(v);
                    UNROLL for (int r = 0; r < rows; r++) acc[(r * groups + g) * cols + j] += s[r] * v;
                }
            }
        }
    float total[sizeof acc / sizeof(vec)];
    UNROLL for (int n = 0; n < count; n += LANES) store(total + n, sums(acc + n), LANES);
    float *out = t->out + row * t->out_row + group * t->out_group + col * t->out_col;
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int g = 0; g < groups; g++)
            UNROLL for (int j = 0; j < cols; j++)
                out[r * t->out_row + g * t->out_group + j * t->out_col] += total[(r * groups + g) * cols + j];
}

/* A function per size of tile; sizes that do not fit the registers are empty and never chosen. */
#define EACH_ROWS(define, C)                                                                                         \
    define(1, C) define(2, C) define(3, C) define(4, C) define(5, C) define(6, C) define(7, C) define(8, C)
#define EACH_TILE(define)                                                                                            \
    EACH_ROWS(define, 1) EACH_ROWS(define, 2) EACH_ROWS(define, 3)                                                   \
    EACH_ROWS(define, 4) EACH_ROWS(define, 5) EACH_ROWS(define, 6)
#define DEFINE_TILE(R, C)                                                                                            \
    static void places_##R##_##C(const product *t, size row, size col) {                                             \
        if (R <= MULTIPLY_ROWS(C)) multiply_tile(t, R, C, row, col, 1);                                       \
    }                                                                                                                \
    static void run_##R##_##C(const product *t, size row, size col) {                                                \
        if (R <= MULTIPLY_ROWS(C)) multiply_tile(t, R, C, row, col, 0);                                       \
    }                                                                                                                \
    DEFINE_CORRELATE(R, 1, C) DEFINE_CORRELATE(R, 2, C) DEFINE_CORRELATE(R, 3, C)
#define DEFINE_CORRELATE(R, G, C)                                                                                    \
    static void correlate_##R##_##G##_##C(const product *t, size row, size group, size col) {                        \
        if (G * C <= CORRELATE_COLS && R <= CORRELATE_ROWS(G * C))                                                   \
            correlate_tile(t, R, G, C, row, group, col);                                                             \
    }
EACH_TILE(DEFINE_TILE)
#define PLACES_ENTRY(R, C) [C - 1][R - 1] = places_##R##_##C,
#define RUN_ENTRY(R, C) [C - 1][R - 1] = run_##R##_##C,
#define CORRELATE_ENTRY(R, C)                                                                                        \
    [0][C - 1][R - 1] = correlate_##R##_1_##C, [1][C - 1][R - 1] = correlate_##R##_2_##C,                            \
    [2][C - 1][R - 1] = correlate_##R##_3_##C,
typedef void multiply_function(const product *t, size row, size col);
typedef void correlate_function(const product *t, size row, size group, size col);
typedef multiply_function *multiply_table[MAX_COLS][MAX_ROWS];
static const multiply_table places_tiles = {EACH_TILE(PLACES_ENTRY)}, run_tiles = {EACH_TILE(RUN_ENTRY)};
static correlate_function *const correlate_tiles[MAX_GROUPS][MAX_COLS][MAX_ROWS] = {EACH_TILE(CORRELATE_ENTRY)};

/* Of `left`, the first of the fewest nearly equal parts of at most `most`. */
INLINE size part(size left, size most) {
    size parts = (left + most - 1) / most;
    return (left + parts - 1) / parts;
}

INLINE size smaller(size a, size b) { return a < b ? a : b; }

/* All tiles of a product: as wide as the registers allow, then as high. */
static void multiply(const product *t, size rows, size cols) {
    const multiply_table *table = t->places ? &places_tiles : &run_tiles;
    for (size col = 0, c; col < cols; col += c) {
        c = part(cols - col, MULTIPLY_COLS);
        for (size row = 0, r; row < rows; row += r) {
            r = part(rows - row, smaller(MULTIPLY_ROWS(c), MAX_ROWS));
            (*table)[c - 1][r - 1](t, row, col);
        }
    }
}

static void correlate(const product *t, size rows, size groups, size cols) {
    for (size col = 0, c; col < cols; col += c) {
        c = part(cols - col, smaller(CORRELATE_COLS, MAX_COLS));
        for (size group = 0, g; group < groups; group += g) {
            g = part(groups - group, smaller(CORRELATE_COLS / c, MAX_GROUPS));
            for (size row = 0, r; row < rows; row += r) {
                r = part(rows - row, smaller(CORRELATE_ROWS(g * c), MAX_ROWS));
                correlate_tiles[g - 1][c - 1][r - 1](t, row, group, col);
            }
        }
    }
}
#endif

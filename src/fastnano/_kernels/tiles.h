/* The register tiles that carry the heavy kernels: products of scalars and blocks, correlations of blocks, and products
 * lane by lane.
 *
 * Design: every tile of rows x columns is a function of its own, chosen from a table, so that the compiler gives all
 * registers to its one loop; four instructions start per cycle and two of them may multiply, so that the loops are
 * written for few others.  Rejected: one function with a switch (61 % of peak where this has 79 %); to work out the
 * parts of rows and columns at every tile (46 % where this has 71 % at 25 terms: two divisions take as long as the
 * tile); to multiply, nested loops over the kernel's rows and columns instead of a list of places (73 %: a loop of
 * three ends too often), and some terms at a time so that b stays in the first cache (2 % faster to 5 % slower);
 * to correlate, a list of places instead of nested loops over an output's rows and columns, which are long (61 % where
 * this has 75 %), and columns at any distance instead of side by side (4 % slower). */
#ifndef FASTNANO_TILES_H
#define FASTNANO_TILES_H

#include "vector.h"


typedef struct {
    const float *a; /* row r of the left operand starts at a + r * a_row */
    size a_row;
    const float *b; /* column j of the right operand starts at b + j * b_col */
    size b_col;
    const float *bias; /* multiply: what row r starts from, or NULL for 0 */
    float *out;        /* out + r * out_row + j * out_col */
    size out_row, out_col;
    size terms;
    size a_step, b_step;             /* from one term to the next */
    const int32_t *places;           /* multiply: where in b the terms are, if not at equal steps */
    int far;                         /* multiply: a's terms lie far apart */
    int resume;                      /* and the sum goes on from what is in out, not from the bias */
    size lines, b_line;              /* correlate: the terms repeat for so many lines, which in a follow each other */
    size b_group, out_group;         /* correlate: from one row of a kernel to the next */
    size b_plane, out_plane;         /* and from one plane to the next */
    float *sums;                     /* correlate: what the sums of a's rows are added to, or NULL */
} product;

#define AHEAD 8 /* terms */
#define MAX_ROWS 8
#define MAX_COLS 6
#define MAX_GROUPS 3
/* Rows that fit: accumulators, the columns' vectors and one scalar; accumulators, the rows' vectors and one column. */
#define MULTIPLY_ROWS(C) ((REGISTERS - 1) / ((C) * VECS) - 1)
#define CORRELATE_ROWS(columns) ((REGISTERS - 1) / ((columns) + 1))

/* Of elements at equal steps every third address is worked out; the two behind it are reached by scaled indexing. */
#define NEXT_THREE(p, j, step) if ((j) && (j) % 3 == 0) { (p) += 3 * (step); ADDRESS(p); }

/* out = bias + sum of a * b over the terms: a is scalars, a column of b is a block element of 16 lanes. */
/* Terms at equal steps; at equal steps, foreseen by no hardware, in pieces; from a list; from a list, columns of b and
 * terms of a side by side, whose addresses cost nothing (3 %). */
enum { RUN, FAR, APART, PLACES };
INLINE void multiply_tile(const product *t, int rows, int cols, size row, size col, const int kind) {
    const size a_row = t->a_row, b_col = kind == PLACES ? BLOCK : t->b_col;
    const size a_step = kind == PLACES ? 1 : t->a_step, b_step = t->b_step;
    const float *a = t->a + row * a_row, *b = t->b + col * b_col;
    const size out_row = t->out_row, out_col = t->out_col;
    float *out = t->out + row * out_row + col * out_col;
    vec total[MAX_ROWS][MAX_COLS * VECS], v[MAX_COLS * VECS];
#define ELEMENT(r, j) *(vec *)(out + (r) * out_row + (j) / VECS * out_col + (j) % VECS * LANES)
    UNROLL for (int r = 0; r < rows; r++) {
        vec start = splat(t->bias ? t->bias[row + r] : 0);
        UNROLL for (int j = 0; j < cols * VECS; j++) total[r][j] = start;
    }
    if (kind == FAR && t->resume)
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int j = 0; j < cols * VECS; j++) total[r][j] = ELEMENT(r, j);
    const int32_t *places = t->places;
    for (size k = 0, terms = t->terms; k < terms; k++, a += a_step) {
        const float *from = kind >= APART ? b + places[k] : b, *weight = a;
        if (kind < APART) b += b_step;
        if (kind == FAR) __builtin_prefetch(a + AHEAD * a_step);
        UNROLL for (int j = 0; j < cols; j++) {
            if (kind != PLACES) NEXT_THREE(from, j, b_col)
            UNROLL for (int h = 0; h < VECS; h++)
                v[j * VECS + h] = *(const vec *)(from + (kind == PLACES ? j : j % 3) * b_col + h * LANES);
        }
        UNROLL for (int r = 0; r < rows; r++) {
            NEXT_THREE(weight, r, a_row)
            vec s = splat(weight[r % 3 * a_row]);
            UNROLL for (int j = 0; j < cols * VECS; j++) total[r][j] += s * v[j];
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int j = 0; j < cols * VECS; j++) ELEMENT(r, j) = total[r][j];
#undef ELEMENT
}

/* out += sum of a * b over the lines, their terms and the lanes: a and b are block elements, out is scalars.  The
 * columns of a group follow each other in b, as those of one row of a kernel do; its rows are the groups. */
INLINE void correlate_tile(
    const product *t, int rows, int groups, int cols, const float *a, const float *b, float *out
) {
    const size a_row = t->a_row, b_group = t->b_group, b_step = t->b_step, b_length = t->terms * b_step;
    const int count = rows * groups * cols;
    vec total[(REGISTERS + LANES - 1) / LANES * LANES], s[MAX_ROWS];
    UNROLL for (int n = 0; n < (count + LANES - 1) / LANES * LANES; n++) total[n] = splat(0);
    for (size line = t->lines; line; line--, b += t->b_line) {
        for (const float *at = b, *end = b + b_length; at != end; at += b_step, a += BLOCK)
            UNROLL for (int h = 0; h < BLOCK; h += LANES) {
                const float *left = a, *right = at;
                UNROLL for (int r = 0; r < rows; r++) {
                    NEXT_THREE(left, r, a_row)
                    s[r] = *(const vec *)(left + r % 3 * a_row + h);
                    if (rows < 4) /* where there is room for it */
                        __builtin_prefetch(left + r % 3 * a_row + h + AHEAD * BLOCK);
                }
                UNROLL for (int g = 0; g < groups; g++) {
                    NEXT_THREE(right, g, b_group)
                    UNROLL for (int j = 0; j < cols; j++) {
                        vec v = *(const vec *)(right + g % 3 * b_group + j * BLOCK + h);
                        IN_REGISTER(v);
                        UNROLL for (int r = 0; r < rows; r++) total[(r * groups + g) * cols + j] += s[r] * v;
                    }
                }
            }
    }
    float summed[sizeof total / sizeof(vec)];
    UNROLL for (int n = 0; n < count; n += LANES) store(summed + n, sums(total + n), LANES);
    const size out_row = t->out_row, out_col = t->out_col, out_group = t->out_group;
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int g = 0; g < groups; g++)
            UNROLL for (int j = 0; j < cols; j++)
                out[r * out_row + g * out_group + j * out_col] += summed[(r * groups + g) * cols + j];
}

/* A function per size of tile; sizes that do not fit the registers are empty and never chosen. */
#define EACH_ROWS(define, C)                                                                                         \
    define(1, C) define(2, C) define(3, C) define(4, C) define(5, C) define(6, C) define(7, C) define(8, C)
#define EACH_TILE(define)                                                                                            \
    EACH_ROWS(define, 1) EACH_ROWS(define, 2) EACH_ROWS(define, 3)                                                   \
    EACH_ROWS(define, 4) EACH_ROWS(define, 5) EACH_ROWS(define, 6)
#define DEFINE_MULTIPLY(name, kind, R, C)                                                                            \
    static void name##_##R##_##C(const product *t, size row, size col) {                                             \
        if (R <= MULTIPLY_ROWS(C)) multiply_tile(t, R, C, row, col, kind);                                           \
    }
#define DEFINE_TILE(R, C)                                                                                            \
    DEFINE_MULTIPLY(run, RUN, R, C) DEFINE_MULTIPLY(far, FAR, R, C)                                                  \
    DEFINE_MULTIPLY(apart, APART, R, C) DEFINE_MULTIPLY(places, PLACES, R, C)                                        \
    DEFINE_CORRELATE(R, 1, C) DEFINE_CORRELATE(R, 2, C) DEFINE_CORRELATE(R, 3, C)
#define DEFINE_CORRELATE(R, G, C)                                                                                    \
    static void correlate_##R##_##G##_##C(const product *t, const float *a, const float *b, float *out) {            \
        if (G * C <= CORRELATE_COLS && R <= CORRELATE_ROWS(G * C)) correlate_tile(t, R, G, C, a, b, out);            \
    }
EACH_TILE(DEFINE_TILE)
#define RUN_ENTRY(R, C) [C - 1][R - 1] = run_##R##_##C,
#define PLACES_ENTRY(R, C) [C - 1][R - 1] = places_##R##_##C,
#define APART_ENTRY(R, C) [C - 1][R - 1] = apart_##R##_##C,
#define FAR_ENTRY(R, C) [C - 1][R - 1] = far_##R##_##C,
#define CORRELATE_ENTRY(R, C)                                                                                        \
    [0][C - 1][R - 1] = correlate_##R##_1_##C, [1][C - 1][R - 1] = correlate_##R##_2_##C,                            \
    [2][C - 1][R - 1] = correlate_##R##_3_##C,
typedef void multiply_function(const product *t, size row, size col);
typedef void correlate_function(const product *t, const float *a, const float *b, float *out);
static multiply_function *const multiply_tiles[][MAX_COLS][MAX_ROWS] = {
    [RUN] = {EACH_TILE(RUN_ENTRY)}, [FAR] = {EACH_TILE(FAR_ENTRY)},
    [APART] = {EACH_TILE(APART_ENTRY)}, [PLACES] = {EACH_TILE(PLACES_ENTRY)}};
static correlate_function *const correlate_tiles[MAX_GROUPS][MAX_COLS][MAX_ROWS] = {EACH_TILE(CORRELATE_ENTRY)};

INLINE size smaller(size a, size b) { return a < b ? a : b; }

/* The fewest parts of at most `most`, nearly equal, the larger ones first: worked out once, since a division takes as
 * long as a small tile. */
typedef struct {
    uint32_t parts, least, larger;
} parting;

INLINE parting split(size count, size most) {
    uint32_t parts = (uint32_t)(count + most - 1) / (uint32_t)most;
    return (parting){parts, (uint32_t)count / parts, (uint32_t)count % parts};
}

INLINE size part(const parting *p, uint32_t number) { return p->least + (number < p->larger); }

/* All tiles of a product: of the shapes that fill the registers the one with the fewest tiles. */
static void multiply(const product *t, size rows, size cols) {
    const int kind = t->places ? t->b_col == BLOCK ? PLACES : APART : t->far ? FAR : RUN;
    size fewest = PTRDIFF_MAX, wide = 1, high = 1;
    if (!rows || !cols) return;
    UNROLL for (int c = MULTIPLY_COLS; c > 0; c--) {
        const int most = MULTIPLY_ROWS(c) < MAX_ROWS ? MULTIPLY_ROWS(c) : MAX_ROWS;
        size tiles = (((uint32_t)rows + most - 1) / most) * (size)(((uint32_t)cols + c - 1) / c);
        if (tiles < fewest) fewest = tiles, wide = c, high = most;
    }
    const parting widths = split(cols, wide), heights = split(rows, high);
    for (size col = 0, n = 0, c; col < cols; col += c, n++) {
        c = part(&widths, n);
        for (size row = 0, m = 0, r; row < rows; row += r, m++) {
            r = part(&heights, m);
            multiply_tiles[kind][c - 1][r - 1](t, row, col);
        }
    }
}

/* In four chains, since each addition waits for the one before. */
INLINE float sum_row(const float *a, size count) {
    vec total[4] = {splat(0), splat(0), splat(0), splat(0)};
    size i = 0;
    for (; i + 4 * LANES <= count; i += 4 * LANES)
        UNROLL for (int n = 0; n < 4; n++) total[n] += *(const vec *)(a + i + n * LANES);
    for (; i < count; i += LANES) total[0] += *(const vec *)(a + i);
    return sum((total[0] + total[1]) + (total[2] + total[3]));
}

/* The rows of a tile in the outer loop: their lines of a stay in cache while those of b pass by, and while they are
 * summed. */
static void correlate(const product *t, size rows, size planes, size groups, size cols) {
    const parting widths = split(cols, smaller(CORRELATE_COLS, MAX_COLS));
    const size wide = part(&widths, 0);
    const parting depths = split(groups, smaller(CORRELATE_COLS / wide, MAX_GROUPS));
    const parting heights = split(rows, smaller(CORRELATE_ROWS(wide * part(&depths, 0)), MAX_ROWS));
    for (size row = 0, n = 0, r; row < rows; row += r, n++) {
        r = part(&heights, n);
        for (size i = row; t->sums && i < row + r; i++)
            t->sums[i] += sum_row(t->a + i * t->a_row, BLOCK * t->lines * t->terms);
        for (size plane = 0; plane < planes; plane++)
            for (size col = 0, m = 0, c; col < cols; col += c, m++) {
                c = part(&widths, m);
                for (size group = 0, l = 0, g; group < groups; group += g, l++) {
                    g = part(&depths, l);
                    correlate_tiles[g - 1][c - 1][r - 1](
                        t, t->a + row * t->a_row, t->b + plane * t->b_plane + group * t->b_group + col * BLOCK,
                        t->out + row * t->out_row + plane * t->out_plane + group * t->out_group + col * t->out_col);
                }
            }
    }
}

/* out = sum of a * b over the terms, lane by lane: all three are block elements, and rows, columns and terms lie anywhere,
 * so that a transposed operand costs nothing. */
typedef struct {
    const vec *a, *b;
    vec *out;
    size a_row, a_step, b_col, b_step, out_row, out_col; /* vectors */
    size terms;
} lanewise;

INLINE void lanes_tile(const lanewise *t, size row, size col, const int rows, const int cols) {
    const vec *a = t->a + row * t->a_row, *b = t->b + col * t->b_col;
    vec *out = t->out + row * t->out_row + col * t->out_col, total[4][4];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int j = 0; j < cols; j++) total[r][j] = splat(0);
    for (size k = 0; k < t->terms; k++, a += t->a_step, b += t->b_step) {
        vec s[4];
        UNROLL for (int r = 0; r < rows; r++) s[r] = a[r * t->a_row];
        UNROLL for (int j = 0; j < cols; j++) {
            vec v = b[j * t->b_col];
            UNROLL for (int r = 0; r < rows; r++) total[r][j] += s[r] * v;
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int j = 0; j < cols; j++) out[r * t->out_row + j * t->out_col] = total[r][j];
}

#define LANES_ROWS (REGISTERS < 32 ? 2 : 4) /* beside 4 columns */
static void multiply_lanes(const lanewise *t, size rows, size cols) {
    for (size row = 0, r; row < rows; row += r) {
        r = smaller(rows - row, LANES_ROWS);
        for (size col = 0, c; col < cols; col += c) {
            c = smaller(cols - col, 4);
#define LANES_CASE(R, C) case 4 * R + C: lanes_tile(t, row, col, R, C); break;
#define LANES_CASES(R) LANES_CASE(R, 1) LANES_CASE(R, 2) LANES_CASE(R, 3) LANES_CASE(R, 4)
            switch (4 * r + c) { LANES_CASES(1) LANES_CASES(2) LANES_CASES(3) LANES_CASES(4) }
        }
    }
}
#endif

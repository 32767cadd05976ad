/* The transforms of Winograd's convolution F(4x4, 3x3): Y = A' [(G g G') * (B' d B)] A makes 4 x 4 outputs of a
 * 6 x 6 tile d of the input and a 3 x 3 kernel g by 36 products instead of 144.
 *
 * S. Winograd, "Arithmetic Complexity of Computations", 1980; A. Lavin, S. Gray, "Fast Algorithms for Convolutional
 * Neural Networks", arXiv:1509.09308.
 *
 * Design: polynomials of degree 5 are multiplied at the points 0, +-N, +-P, infinity with N = sqrt(1/2), P = sqrt(2):
 * as many additions as with Lavin and Gray's +-1, +-2, but largest errors of 1e-6, not 4e-6, of the largest output (32
 * channels; direct: 6e-7).
 * The gradients are those of the sum of dY * Y, which is linear in each of dY, g and d: that of g is
 * G' [(A dY A') * (B' d B)] G, that of d is B [(A dY A') * (G g G')] B', where the tiles of d overlap and add up.
 * What follows is one dimension of each transform; two make a tile. */
#ifndef FASTNANO_WINOGRAD_H
#define FASTNANO_WINOGRAD_H

#include "tiles.h"

#define NEAR .70710678f
#define FAR_OFF 1.41421356f
#define TILE 6      /* input rows, or columns, of a tile */
#define OUTPUTS 4   /* those of its outputs */
#define TILES 3     /* at a time */
#define CHANNELS 16 /* of the output, at a time */
#define INPUTS 32   /* channels at a time in the gradient of the kernels, a multiple of those that lie */
#define BESIDE 4    /* side by side: the columns of a tile */

/* B': six values of the input to six points. */
INLINE void input_points(const vec *d, size step, vec *to) {
    const vec even = d[4 * step] - 2.f * d[2 * step], odd = d[3 * step] - 2.f * d[step];
    const vec even_far = d[4 * step] - .5f * d[2 * step], odd_far = d[3 * step] - .5f * d[step];
    to[0] = d[0] - 2.5f * d[2 * step] + d[4 * step];
    to[1] = even + NEAR * odd;
    to[2] = even - NEAR * odd;
    to[3] = even_far + FAR_OFF * odd_far;
    to[4] = even_far - FAR_OFF * odd_far;
    to[5] = d[step] - 2.5f * d[3 * step] + d[5 * step];
}

/* G: three values of a kernel to six points. */
INLINE void kernel_points(const vec *g, size step, vec *to) {
    const vec near = (g[0] + .5f * g[2 * step]) * (-2 / 3.f), near_odd = g[step] * (-2 / 3.f * NEAR);
    const vec far = (g[0] + 2.f * g[2 * step]) * (1 / 6.f), far_odd = g[step] * (1 / 6.f * FAR_OFF);
    to[0] = g[0];
    to[1] = near + near_odd;
    to[2] = near - near_odd;
    to[3] = far + far_odd;
    to[4] = far - far_odd;
    to[5] = g[2 * step];
}

/* A': six points to four values of the output. */
INLINE void output_values(const vec *m, size step, vec *to) {
    const vec near = m[step] + m[2 * step], near_odd = NEAR * (m[step] - m[2 * step]);
    const vec far = m[3 * step] + m[4 * step], far_odd = FAR_OFF * (m[3 * step] - m[4 * step]);
    to[0] = m[0] + near + far;
    to[1] = near_odd + far_odd;
    to[2] = .5f * near + 2.f * far;
    to[3] = .5f * near_odd + 2.f * far_odd + m[5 * step];
}

/* A: four gradients of the output to six points. */
INLINE void gradient_points(const vec *y, size step, vec *to) {
    const vec near = y[0] + .5f * y[2 * step], near_odd = NEAR * (y[step] + .5f * y[3 * step]);
    const vec far = y[0] + 2.f * y[2 * step], far_odd = FAR_OFF * (y[step] + 2.f * y[3 * step]);
    to[0] = y[0];
    to[1] = near + near_odd;
    to[2] = near - near_odd;
    to[3] = far + far_odd;
    to[4] = far - far_odd;
    to[5] = y[3 * step];
}

/* G': six points to three values of a kernel's gradient. */
INLINE void kernel_values(const vec *u, size step, vec *to) {
    const vec near = (u[step] + u[2 * step]) * (-2 / 3.f), near_odd = (u[step] - u[2 * step]) * (-2 / 3.f * NEAR);
    const vec far = (u[3 * step] + u[4 * step]) * (1 / 6.f), far_odd = (u[3 * step] - u[4 * step]) * (1 / 6.f * FAR_OFF);
    to[0] = u[0] + near + far;
    to[1] = near_odd + far_odd;
    to[2] = .5f * near + 2.f * far + u[5 * step];
}

/* B: six points to six values of the input's gradient. */
INLINE void input_gradient_values(const vec *m, size step, vec *to) {
    const vec near = m[step] + m[2 * step], near_odd = NEAR * (m[step] - m[2 * step]);
    const vec far = m[3 * step] + m[4 * step], far_odd = FAR_OFF * (m[3 * step] - m[4 * step]);
    to[0] = m[0];
    to[1] = m[5 * step] - 2.f * near_odd - .5f * far_odd;
    to[2] = -2.5f * m[0] - 2.f * near - .5f * far;
    to[3] = near_odd + far_odd - 2.5f * m[5 * step];
    to[4] = m[0] + near + far;
    to[5] = m[5 * step];
}

/* Row i of B' and of A: what row i of the points takes of the rows of a tile. */
static const float INPUT_ROW[TILE][TILE] = {
    {1, 0, -2.5f, 0, 1, 0},
    {0, -2 * NEAR, -2, NEAR, 1, 0},
    {0, 2 * NEAR, -2, -NEAR, 1, 0},
    {0, -.5f * FAR_OFF, -.5f, FAR_OFF, 1, 0},
    {0, .5f * FAR_OFF, -.5f, -FAR_OFF, 1, 0},
    {0, 1, 0, -2.5f, 0, 1}};
static const float GRADIENT_ROW[TILE][OUTPUTS] = {
    {1, 0, 0, 0},
    {1, NEAR, .5f, .5f * NEAR},
    {1, -NEAR, .5f, -.5f * NEAR},
    {1, FAR_OFF, 2, 2 * FAR_OFF},
    {1, -FAR_OFF, 2, -2 * FAR_OFF},
    {0, 0, 0, 1}};

/* u[i, j, n] = G g[n] G' of `count` kernels side by side; planes (i, j) lie `plane` floats apart. */
static void transform_kernels(const float *weight, size count, float *u, size plane) {
    for (size n = 0; n < count; n += LANES) {
        float lanes[9][LANES] = {{0}};
        vec g[9], columns[3][TILE], row[TILE];
        for (size l = 0, live = smaller(count - n, LANES); l < live; l++)
            for (int k = 0; k < 9; k++) lanes[k][l] = weight[(n + l) * 9 + k];
        UNROLL for (int k = 0; k < 9; k++) g[k] = load(lanes[k], LANES);
        UNROLL for (int j = 0; j < 3; j++) kernel_points(g + j, 3, columns[j]);
        UNROLL for (int i = 0; i < TILE; i++) {
            kernel_points(&columns[0][i], TILE, row);
            UNROLL for (int j = 0; j < TILE; j++) store(u + (i * TILE + j) * plane + n, row[j], LANES);
        }
    }
}

/* The points of a tile, B' d B or A dY A', whose rows lie `line` floats apart. */
typedef void (*points_function)(const float *tile, size line, float *v, size plane);
#define POINTS_OF_TILE(name, SIZE, one_dimension)                                                                    \
    static void name(const float *tile, size line, float *v, size plane) {                                           \
        UNROLL for (int h = 0; h < BLOCK; h += LANES) {                                                              \
            vec columns[SIZE][TILE], row[TILE];                                                                      \
            UNROLL for (int j = 0; j < SIZE; j++)                                                                    \
                one_dimension((const vec *)(tile + j * BLOCK + h), line / LANES, columns[j]);                        \
            UNROLL for (int i = 0; i < TILE; i++) {                                                                  \
                one_dimension(&columns[0][i], TILE, row);                                                            \
                UNROLL for (int j = 0; j < TILE; j++) *(vec *)(v + (i * TILE + j) * plane + h) = row[j];             \
            }                                                                                                        \
        }                                                                                                            \
    }
POINTS_OF_TILE(input_tile, TILE, input_points)
POINTS_OF_TILE(gradient_tile, OUTPUTS, gradient_points)

/* A tile of its points, A' m A + bias to be stored or B m B' to be added: as many of its rows and columns as there are. */
typedef void (*values_function)(const float *m, size plane, float bias, float *to, size line, size rows, size cols);
#define VALUES_OF_TILE(name, SIZE, one_dimension, ASSIGN)                                                            \
    static void name(const float *m, size plane, float bias, float *to, size line, size rows, size cols) {           \
        UNROLL for (int h = 0; h < BLOCK; h += LANES) {                                                              \
            vec columns[TILE][SIZE], row[SIZE];                                                                      \
            UNROLL for (int j = 0; j < TILE; j++)                                                                    \
                one_dimension((const vec *)(m + j * plane + h), TILE * plane / LANES, columns[j]);                   \
            UNROLL for (int i = 0; i < SIZE; i++) {                                                                  \
                if (i == rows) break;                                                                                \
                one_dimension(&columns[0][i], SIZE, row);                                                            \
                UNROLL for (int j = 0; j < SIZE; j++)                                                                \
                    if (j < cols) *(vec *)(to + i * line + j * BLOCK + h) ASSIGN row[j] + bias;                      \
            }                                                                                                        \
        }                                                                                                            \
    }
VALUES_OF_TILE(output_tile, OUTPUTS, output_values, =)
VALUES_OF_TILE(input_gradient_tile, TILE, input_gradient_values, +=)

/* Row i of the points of a tile of the input (TILE rows) or of the output's gradient (OUTPUTS rows), which lie `line`
 * floats apart; the points are `plane` floats apart.  A function for each i, so that what is zero costs nothing. */
#define ROW_OF_POINTS(name, i, ROWS, coefficients, one_dimension)                                                    \
    static void name##_##i(const float *d, size line, float *v, size plane) {                                        \
        UNROLL for (int h = 0; h < BLOCK; h += LANES) {                                                              \
            vec row[ROWS], points[TILE];                                                                             \
            UNROLL for (int j = 0; j < ROWS; j++) {                                                                  \
                row[j] = splat(0);                                                                                   \
                UNROLL for (int k = 0; k < ROWS; k++)                                                                \
                    if (coefficients[i][k] != 0)                                                                     \
                        row[j] += coefficients[i][k] * *(const vec *)(d + k * line + j * BLOCK + h);                 \
            }                                                                                                        \
            one_dimension(row, 1, points);                                                                           \
            UNROLL for (int j = 0; j < TILE; j++) *(vec *)(v + j * plane + h) = points[j];                           \
        }                                                                                                            \
    }
#define ROWS_OF_POINTS(name, ...)                                                                                    \
    ROW_OF_POINTS(name, 0, __VA_ARGS__) ROW_OF_POINTS(name, 1, __VA_ARGS__) ROW_OF_POINTS(name, 2, __VA_ARGS__)      \
    ROW_OF_POINTS(name, 3, __VA_ARGS__) ROW_OF_POINTS(name, 4, __VA_ARGS__) ROW_OF_POINTS(name, 5, __VA_ARGS__)      \
    static const points_function name[TILE] = {name##_0, name##_1, name##_2, name##_3, name##_4, name##_5};
ROWS_OF_POINTS(input_row, TILE, INPUT_ROW, input_points)
ROWS_OF_POINTS(gradient_row, OUTPUTS, GRADIENT_ROW, gradient_points)

/* dweight[n] += G' u[., ., n] G of `count` kernels side by side. */
static void transform_back(const float *u, size plane, size count, float *dweight) {
    for (size n = 0; n < count; n += LANES) {
        vec columns[TILE][3], row[3];
        const size live = smaller(count - n, LANES);
        UNROLL for (int j = 0; j < TILE; j++) {
            vec column[TILE];
            UNROLL for (int i = 0; i < TILE; i++) column[i] = load(u + (i * TILE + j) * plane + n, LANES);
            kernel_values(column, 1, columns[j]);
        }
        UNROLL for (int i = 0; i < 3; i++) {
            kernel_values(&columns[0][i], 3, row);
            UNROLL for (int j = 0; j < 3; j++)
                for (size l = 0; l < live; l++) dweight[(n + l) * 9 + i * 3 + j] += row[j][l];
        }
    }
}
#endif

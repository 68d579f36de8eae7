#include "circles.h"

#include <math.h>

/* Coefficients of the series below, and up to which squared argument they are enough. */
static const double TERM[] = {1.0 / 3,          1.0 / 2 / 5,      3.0 / 8 / 7,     5.0 / 16 / 9,
                              35.0 / 128 / 11,  63.0 / 256 / 13,  231.0 / 1024 / 15,
                              429.0 / 2048 / 17, 6435.0 / 32768 / 19, 12155.0 / 65536 / 21};
#define N_TERMS ((int) (sizeof TERM / sizeof *TERM))
#define LARGEST 0.04

/* Area between an arc of the unit circle, of a quarter at most, and its chord, 2 `half` long.
 *
 * Its derivative is 2 half^2 / sqrt(1 - half^2), which is integrated as a series. Of a long arc, the
 * triangle of its ends and its middle is taken, and twice the same of half of it. All are sums of
 * what is positive, where an angle less its sine would lose digits. */
JC_INLINE double segment(double half)
{
    double square = half * half, area = 0, times = 1, sum = 0;
    while (square > LARGEST) {
        double height = sqrt(1 - square);
        area += times * half * square / (1 + height);
        times *= 2;
        square /= 2 * (1 + height);
        half = sqrt(square);
    }
    for (int k = N_TERMS - 1; k >= 0; k--)
        sum = TERM[k] + square * sum;
    return area + times * 2 * half * square * sum;
}

/* Area of a rectangle inside of a circle around 0; none of its corners has a negative coordinate. */
JC_INLINE double quarter(double left, double right, double bottom, double top, double radius)
{
    double square = radius * radius;
    if (!(left < right) || !(bottom < top) || left * left + bottom * bottom >= square) return 0;
    if (right * right + top * top <= square) return (right - left) * (top - bottom);
    /* the circle leaves through the top or the left side, and the bottom or the right side */
    double x[2] = {left, right}, y[2] = {top, bottom};
    if (left * left + top * top < square)
        x[0] = sqrt((radius - top) * (radius + top));
    else
        y[0] = sqrt((radius - left) * (radius + left));
    if (right * right + bottom * bottom < square)
        y[1] = sqrt((radius - right) * (radius + right));
    else
        x[1] = sqrt((radius - bottom) * (radius + bottom));
    double across = x[1] - x[0], down = y[0] - y[1];
    double chord = sqrt(across * across + down * down);
    return (x[0] - left) * (top - bottom) + across * ((y[0] - bottom) + (y[1] - bottom)) / 2 +
           square * segment(chord / (2 * radius));
}

/* Mirror what extends over zero, as at most two parts that do not. */
JC_INLINE int fold(double low, double high, double part[2][2])
{
    if (low < 0 && high > 0) {
        part[0][0] = part[1][0] = 0;
        part[0][1] = -low;
        part[1][1] = high;
        return 2;
    }
    part[0][0] = low < 0 ? -high : low;
    part[0][1] = low < 0 ? -low : high;
    return 1;
}

/* The part inside of a pixel whose centre is at (x, y). */
JC_INLINE double inside(double x, double y, double radius)
{
    double far_x = fabs(x) + 0.5, far_y = fabs(y) + 0.5;
    if (far_x * far_x + far_y * far_y <= radius * radius) return 1;
    double across[2][2], along[2][2], area = 0;
    int n_across = fold(x - 0.5, x + 0.5, across), n_along = fold(y - 0.5, y + 0.5, along);
    for (int j = 0; j < n_along; j++)
        for (int i = 0; i < n_across; i++)
            area += quarter(across[i][0], across[i][1], along[j][0], along[j][1], radius);
    return area < 1 ? area : 1;
}

typedef struct {
    int first, last;
} span;

/* Pixels of n that the square around a circle touches. */
JC_INLINE span reach_of(double middle, double radius, int n)
{
    double low = floor(middle - radius + 0.5), high = ceil(middle + radius + 0.5) - 1;
    return (span) {low > 0 ? (low < n ? (int) low : n) : 0,
                   high < n - 1 ? (high >= 0 ? (int) high : -1) : n - 1};
}

static void circle(const jc_circles *in, double x, double y, double radius, double *total,
                   double *width)
{
    *total = *width = NAN;
    if (!isfinite(x) || !isfinite(y)) return;
    span rows = reach_of(y, radius, in->n_rows), cols = reach_of(x, radius, in->n_cols);
    if (rows.first > rows.last || cols.first > cols.last) return;
    double sum = 0, variance = 0;
    for (int row = rows.first; row <= rows.last; row++) {
        const float *image = in->image + (size_t) row * in->n_cols;
        const float *error = in->error + (size_t) row * in->n_cols;
        for (int col = cols.first; col <= cols.last; col++) {
            double weight = inside(col - x, row - y, radius);
            if (!(weight > 0)) continue;
            sum += weight * image[col];
            variance += weight * ((double) error[col] * error[col]);
        }
    }
    *total = sum;
    *width = sqrt(variance);
}

jc_status jc_circle_sums(const jc_circles *in, int n_threads, double *total, double *width)
{
    if (in->n_rows < 1 || in->n_cols < 1 || in->n_sources < 0 || in->n_radii < 0 || n_threads < 1)
        return JC_BAD_ARGUMENT;
    for (int k = 0; k < in->n_radii; k++)
        if (!(in->radius[k] > 0) || !isfinite(in->radius[k])) return JC_BAD_ARGUMENT;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int source = 0; source < in->n_sources; source++) {
        const double *position = in->position + 2 * (size_t) source;
        for (int k = 0; k < in->n_radii; k++) {
            size_t at = (size_t) k * in->n_sources + source;
            circle(in, position[0], position[1], in->radius[k], total + at, width + at);
        }
    }
    return JC_OK;
}

jc_status jc_circle_weights(int n_rows, int n_cols, double x, double y, double radius,
                            double *weight)
{
    if (n_rows < 1 || n_cols < 1 || !isfinite(x) || !isfinite(y) || !(radius > 0) ||
        !isfinite(radius))
        return JC_BAD_ARGUMENT;
    for (int row = 0; row < n_rows; row++)
        for (int col = 0; col < n_cols; col++)
            weight[(size_t) row * n_cols + col] = inside(col - x, row - y, radius);
    return JC_OK;
}

#include "drizzle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846
#define LUT_STEP 0.003
#define FWHM 2.3548
#define SIGMAS 2.5
/* Largest side of the box of output pixels that one input pixel may touch in the fast way. */
#define BOX 16
/* Columns of the image that are treated together, as the lanes of vectors, if none of their pixels
 * touches a box of more than NEAR x NEAR output pixels. */
#define LANES 8
#define NEAR 4
#define EACH_LANE _Pragma("omp simd") for (int i = 0; i < LANES; i++)
/* Values and roots that are spread. */
#define MAX_PLANES (1 + JC_MAX_SPREAD)

/* What all threads share. */
typedef struct {
    const jc_drizzle_input *in;
    int n_rows, n_cols; /* of the window */
    int n_planes;
    double *weight;
    double *const *sums;
    uint32_t *dq;
    double *lut;
    int n_lut;
} job;

JC_INLINE double within(double value, double low, double high)
{
    return value < low ? low : (value > high ? high : value);
}

JC_INLINE double least(double a, double b) { return a < b ? a : b; }

JC_INLINE double most(double a, double b) { return a > b ? a : b; }

/* Mean of max(0, t) for t from a to b. */
JC_INLINE double mean_above(double a, double b)
{
    const double low = least(a, b), high = most(a, b);
    const double crossing = 0.5 * high * high / most(high - low, 1e-30);
    return low >= 0.0 ? 0.5 * (low + high) : (high > 0.0 ? crossing : 0.0);
}

JC_INLINE int nearest(double value) { return (int) floor(value + 0.5); }

/* What is spread of a pixel of the image. */
JC_INLINE void values_of(const jc_drizzle_input *in, size_t at, float *values)
{
    values[0] = in->values[at] - in->level;
    for (int k = 0; k < in->n_variances; k++) values[1 + k] = sqrtf(in->variances[k][at]);
}

/* Add weight to one pixel of the window. */
JC_INLINE void give(const job *j, int row, int col, double weight, const float *values,
                    uint32_t flags)
{
    const size_t at = (size_t) row * j->n_cols + col;
    j->weight[at] += weight;
    for (int k = 0; k < j->n_planes; k++) j->sums[k][at] += weight * values[k];
    if (j->dq) j->dq[at] |= flags;
}

/* Signed area below an edge, of the pixels of a box: pixels are 1 x 1, (0, 0) the corner of the
 * box. Below means towards smaller y, down to the pixel's own lower side. */
JC_INLINE void area_below(double x1, double y1, double x2, double y2, int n_rows, int n_cols,
                          double *area)
{
    const double from = x1 < x2 ? x1 : x2, to = x1 < x2 ? x2 : x1;
    const double slope = (y2 - y1) / (x2 - x1), sign = x1 < x2 ? 1.0 : -1.0;
    if (x1 == x2) return;
    for (int col = 0; col < n_cols; col++) {
        const double left = from > col ? from : (double) col;
        const double right = to < col + 1 ? to : (double) (col + 1);
        if (right > left) {
            const double width = sign * (right - left);
            const double low = y1 + slope * (left - x1), high = y1 + slope * (right - x1);
            for (int row = 0; row < n_rows; row++)
                area[row * n_cols + col] += width * (mean_above(low - row, high - row) -
                                                       mean_above(low - row - 1, high - row - 1));
        }
    }
}

/* Twice the area of a quadrilateral, positive where the corners run clockwise. */
JC_INLINE double twice_area(double x0, double x1, double x2, double x3, double y0, double y1,
                            double y2, double y3)
{
    return (x1 - x3) * (y0 - y2) - (x0 - x2) * (y1 - y3);
}

/* Share a quadrilateral (in pixels of the window) by area among the rows of a band. The area of an
 * output pixel is computed in the same way whatever band it is in. */
JC_INLINE void share_quadrilateral(const job *j, int band_from, int band_to, const double *x,
                                   const double *y, float weight, const float *values,
                                   uint32_t flags)
{
    double area[BOX * BOX], low_x = x[0], high_x = x[0], low_y = y[0], high_y = y[0], whole, scale;
    int left, right, bottom, top;
    for (int k = 1; k < 4; k++) {
        if (x[k] < low_x) low_x = x[k];
        if (x[k] > high_x) high_x = x[k];
        if (y[k] < low_y) low_y = y[k];
        if (y[k] > high_y) high_y = y[k];
    }
    if (!(high_x > -0.5 && low_x < j->n_cols - 0.5 && high_y > band_from - 0.5 &&
          low_y < band_to - 0.5))
        return;
    whole = 0.5 * twice_area(x[0], x[1], x[2], x[3], y[0], y[1], y[2], y[3]);
    if (whole == 0.0) return;
    scale = weight / whole;
    left = low_x > -1.0 ? nearest(low_x) : -1;
    right = high_x < j->n_cols ? nearest(high_x) : j->n_cols;
    bottom = low_y > -1.0 ? nearest(low_y) : -1;
    top = high_y < j->n_rows ? nearest(high_y) : j->n_rows;
    for (int row0 = bottom; row0 <= top; row0 += BOX) {
        const int n_rows = top - row0 + 1 < BOX ? top - row0 + 1 : BOX;
        if (row0 + n_rows <= band_from || row0 >= band_to) continue;
        for (int col0 = left; col0 <= right; col0 += BOX) {
            const int n_cols = right - col0 + 1 < BOX ? right - col0 + 1 : BOX;
            const double ox = col0 - 0.5, oy = row0 - 0.5;
            if (col0 + n_cols <= 0 || col0 >= j->n_cols) continue;
            for (int i = 0; i < n_rows * n_cols; i++) area[i] = 0.0;
            for (int k = 0; k < 4; k++) {
                const int l = (k + 1) & 3;
                area_below(x[k] - ox, y[k] - oy, x[l] - ox, y[l] - oy, n_rows, n_cols, area);
            }
            for (int row = 0; row < n_rows; row++) {
                if (row0 + row < band_from || row0 + row >= band_to) continue;
                for (int col = 0; col < n_cols; col++) {
                    const double part = area[row * n_cols + col] * scale;
                    if (col0 + col < 0 || col0 + col >= j->n_cols) continue;
                    /* what rounding leaves of nothing is nothing */
                    if (part > 1e-12 * weight)
                        give(j, row0 + row, col0 + col, part, values, flags);
                }
            }
        }
    }
}

/* Share a pixel of the image that may touch any number of output pixels: lane i of corners. */
static void share_far(const job *j, size_t at, int band_from, int band_to, int i,
                      double corner_x[4][LANES], double corner_y[4][LANES])
{
    const jc_drizzle_input *in = j->in;
    double x[4], y[4];
    float values[MAX_PLANES];
    for (int k = 0; k < 4; k++) {
        x[k] = corner_x[k][i] - in->first_col;
        y[k] = corner_y[k][i] - in->first_row;
        if (!(x[k] == x[k] && y[k] == y[k])) return;
    }
    values_of(in, at, values);
    share_quadrilateral(j, band_from, band_to, x, y, in->weight[at], values,
                        in->dq ? in->dq[at] : 0);
}

/* A place at so much of a row above row r, between pixel centres of it or beyond, by bilinear inter-
 * and extrapolation. */
JC_INLINE void place(const jc_drizzle_input *in, int r, double v, double col, double *x, double *y)
{
    const int c = within((int) col, 0, in->n_cols - 2);
    const size_t at = (size_t) r * in->n_cols + c;
    const double u = col - c;
    const double w00 = (1 - u) * (1 - v), w01 = u * (1 - v), w10 = (1 - u) * v, w11 = u * v;
    *x = in->x[at] * w00 + in->x[at + 1] * w01 + in->x[at + in->n_cols] * w10 +
         in->x[at + in->n_cols + 1] * w11;
    *y = in->y[at] * w00 + in->y[at + 1] * w01 + in->y[at + in->n_cols] * w10 +
         in->y[at + in->n_cols + 1] * w11;
}

/* Corners of the shrunken pixels of a row, `up` above the centres and `shift` to the right. Computed
 * from the pixel's distance to its neighbours, so that they are the same in any part of an image. */
JC_CLONES static void line_of_corners(const jc_drizzle_input *in, int row, double up, double shift,
                                      double *x, double *y)
{
    const int last = in->n_cols - 1;
    const int r = within(up < 0.0 ? row - 1 : row, 0, in->n_rows - 2), c = shift < 0.0 ? -1 : 0;
    const double v = row - r + up, u = shift - c;
    const double w00 = (1 - u) * (1 - v), w01 = u * (1 - v), w10 = (1 - u) * v, w11 = u * v;
    const double *x0 = in->x + (size_t) r * in->n_cols, *x1 = x0 + in->n_cols;
    const double *y0 = in->y + (size_t) r * in->n_cols, *y1 = y0 + in->n_cols;
    for (int col = -c; col < last - c; col++) {
        const int at = col + c;
        x[col] = x0[at] * w00 + x0[at + 1] * w01 + x1[at] * w10 + x1[at + 1] * w11;
        y[col] = y0[at] * w00 + y0[at + 1] * w01 + y1[at] * w10 + y1[at + 1] * w11;
    }
    if (shift < 0.0)
        place(in, r, v, shift, x, y);
    else
        place(in, r, v, last + shift, x + last, y + last);
}

/* Corners of the shrunken pixels of a row. The lower ones of whole pixels are the upper ones of the
 * row below. */
static void corners_of_row(const jc_drizzle_input *in, int row, int next, double **line)
{
    const double half = 0.5 * in->pixfrac;
    if (next && in->pixfrac == 1.0) {
        for (int axis = 0; axis < 2; axis++)
            for (int k = 0; k < 2; k++) {
                double *upper = line[2 * k + axis];
                line[2 * k + axis] = line[2 * (3 - k) + axis];
                line[2 * (3 - k) + axis] = upper;
            }
    } else {
        line_of_corners(in, row, -half, half, line[4], line[5]);
        line_of_corners(in, row, -half, -half, line[6], line[7]);
    }
    line_of_corners(in, row, half, -half, line[0], line[1]);
    line_of_corners(in, row, half, half, line[2], line[3]);
}

/* Some pixels of a row, one in each lane; lanes without a pixel have weight 0 and all corners 0. */
typedef struct {
    int n;                           /* side of the boxes of output pixels that they touch */
    int in_line;                     /* true if the boxes begin one column after the other */
    double x[4][LANES], y[4][LANES]; /* corners, from the lower left corner of the lane's box */
    double row[LANES], col[LANES];   /* the box's first pixel in the window */
    double weight[LANES], values[MAX_PLANES][LANES];
    double part[NEAR * NEAR][LANES]; /* of the weight, for each pixel of the box */
} block;

/* Share the weights by area, edge by edge (Green's theorem): `above` is the signed area between an
 * edge and the lower side of the pixels of a row of the box, by columns. */
JC_INLINE void share_block(block *b, int n)
{
    double above[NEAR + 1][NEAR][LANES];
    memset(above, 0, sizeof above);
    for (int k = 0; k < 4; k++) {
        const double *x1 = b->x[k], *y1 = b->y[k], *x2 = b->x[(k + 1) & 3], *y2 = b->y[(k + 1) & 3];
        double slope[LANES];
        EACH_LANE {
            const double run = x2[i] - x1[i], ratio = (y2[i] - y1[i]) / run;
            slope[i] = fabs(run) > 1e-13 ? ratio : 0.0;
        }
        for (int col = 0; col < n; col++)
            EACH_LANE {
                const double from = within(x1[i], col, col + 1), to = within(x2[i], col, col + 1);
                const double from_y = y1[i] + slope[i] * (from - x1[i]);
                const double to_y = y1[i] + slope[i] * (to - x1[i]);
                const double width = to - from;
                above[0][col][i] += width * 0.5 * (from_y + to_y);
                for (int row = 1; row < n; row++)
                    above[row][col][i] += width * mean_above(from_y - row, to_y - row);
            }
    }
    for (int row = 0; row < n; row++)
        for (int col = 0; col < n; col++)
            EACH_LANE {
                const double whole = twice_area(b->x[0][i], b->x[1][i], b->x[2][i], b->x[3][i],
                                                b->y[0][i], b->y[1][i], b->y[2][i], b->y[3][i]);
                const double area = above[row][col][i] - above[row + 1][col][i];
                const double share = 2.0 * area / whole;
                /* what rounding leaves of nothing is nothing */
                b->part[row * n + col][i] = share > 1e-12 ? share * b->weight[i] : 0.0;
            }
}

/* Values of the first lanes, 0 in the others. */
JC_INLINE void load(const float *from, int n_lanes, float *to)
{
    for (int i = 0; i < LANES; i++) to[i] = 0.0f;
    memcpy(to, from, (n_lanes < LANES ? n_lanes : LANES) * sizeof *to);
}

/* Make ready the pixels from `start` on; those that touch too many output pixels are shared at
 * once. Lines are those of corners_of_row. False if there is nothing left for the band. */
JC_INLINE int gather(const job *j, int row, int start, int band_from, int band_to,
                     double *const *line, block *b)
{
    const jc_drizzle_input *in = j->in;
    const size_t at = (size_t) row * in->n_cols + start;
    const int n_lanes = in->n_cols - start < LANES ? in->n_cols - start : LANES;
    double x[4][LANES], y[4][LANES], fits[LANES];
    float weight[LANES], values[LANES];
    double left[LANES], right[LANES], bottom[LANES], top[LANES];
    double n = 2.0, n_fit = 0.0, low_row = INFINITY, high_row = -INFINITY, low = INFINITY,
           high = -INFINITY;
    load(in->weight + at, n_lanes, weight);
    for (int k = 0; k < 4; k++) {
        memcpy(x[k], line[2 * k] + start, sizeof x[k]);
        memcpy(y[k], line[2 * k + 1] + start, sizeof y[k]);
    }
    EACH_LANE {
        /* NaN if any is unknown or infinite */
        const double sum = 0.0 * (x[0][i] + x[1][i] + x[2][i] + x[3][i] + y[0][i] + y[1][i] +
                                  y[2][i] + y[3][i]);
        double side;
        left[i] = floor(least(least(x[0][i], x[1][i]), least(x[2][i], x[3][i])) + 0.5);
        right[i] = floor(most(most(x[0][i], x[1][i]), most(x[2][i], x[3][i])) + 0.5);
        bottom[i] = floor(least(least(y[0][i], y[1][i]), least(y[2][i], y[3][i])) + 0.5);
        top[i] = floor(most(most(y[0][i], y[1][i]), most(y[2][i], y[3][i])) + 0.5);
        side = most(right[i] - left[i], top[i] - bottom[i]) + 1.0;
        fits[i] = weight[i] == 0.0f ? 0.0 : side;
        fits[i] = side + sum <= NEAR ? fits[i] : 0.0;
        fits[i] = most(fabs(left[i]), fabs(bottom[i])) < 1e9 ? fits[i] : 0.0;
    }
    for (int i = 0; i < LANES; i++) {
        if (fits[i] == 0.0) continue;
        n_fit += 1.0;
        n = most(n, fits[i]);
        low = least(low, left[i] - i);
        high = most(high, right[i] - i);
        low_row = least(low_row, bottom[i]);
        high_row = most(high_row, top[i]);
    }
    b->in_line = most(high - low, high_row - low_row) + 1.0 <= most(n, 3.0);
    if (b->in_line) {
        n = most(2.0, most(high - low, high_row - low_row) + 1.0);
        EACH_LANE {
            left[i] = low + i;
            bottom[i] = low_row;
        }
    }
    b->n = (int) n;
    EACH_LANE {
        for (int k = 0; k < 4; k++) {
            b->x[k][i] = fits[i] == 0.0 ? 0.0 : x[k][i] - (left[i] - 0.5);
            b->y[k][i] = fits[i] == 0.0 ? 0.0 : y[k][i] - (bottom[i] - 0.5);
        }
        b->weight[i] = fits[i] == 0.0 ? 0.0 : weight[i];
        b->row[i] = bottom[i] - in->first_row;
        b->col[i] = left[i] - in->first_col;
    }
    low_row -= in->first_row;
    high_row -= in->first_row;
    if (n_fit < LANES)
        for (int i = 0; i < n_lanes; i++)
            if (fits[i] == 0.0 && weight[i] != 0.0f)
                share_far(j, at + i, band_from, band_to, i, x, y);
    if (n_fit == 0.0 || high_row < band_from || low_row >= band_to) return 0;
    load(in->values + at, n_lanes, values);
    EACH_LANE b->values[0][i] = fits[i] == 0.0 ? 0.0f : values[i] - in->level;
    for (int k = 0; k < in->n_variances; k++) {
        load(in->variances[k] + at, n_lanes, values);
        EACH_LANE b->values[1 + k][i] = fits[i] == 0.0 ? 0.0f : sqrtf(values[i]);
    }
    return 1;
}

/* Add part x value; no two lanes have the same place. */
JC_INLINE void add_lanes(double *restrict to, const double *restrict part,
                         const double *restrict value)
{
    EACH_LANE to[i] += part[i] * value[i];
}

/* Give the parts of the weights, and what they weigh, to the rows [from, to) of the window. */
JC_INLINE void give_block(const job *j, const block *b, int n, int from, int to, size_t at)
{
    const jc_drizzle_input *in = j->in;
    const double one[LANES] = {1, 1, 1, 1, 1, 1, 1, 1};
    const int row = b->in_line ? (int) b->row[0] : 0, col = b->in_line ? (int) b->col[0] : 0;
    double wrong = 0.0; /* NaN if a value must be kept from what has no part of it */
    for (int k = 0; k < j->n_planes; k++)
        for (int i = 0; i < LANES; i++) wrong += b->values[k][i] * 0.0;
    if (!j->dq && b->in_line && wrong == 0.0 && col >= 0 && col + LANES + n - 1 <= j->n_cols) {
        for (int y = row < from ? from - row : 0; y < n && row + y < to; y++)
            for (int x = 0; x < n; x++) {
                const size_t place = (size_t) (row + y) * j->n_cols + col + x;
                const double *part = b->part[y * n + x];
                add_lanes(j->weight + place, part, one);
                for (int k = 0; k < j->n_planes; k++)
                    add_lanes(j->sums[k] + place, part, b->values[k]);
            }
        return;
    }
    for (int i = 0; i < LANES; i++) {
        if (b->weight[i] == 0.0 || !(b->col[i] > -n && b->col[i] < j->n_cols)) continue;
        for (int k = 0; k < n * n; k++) {
            const double part = b->part[k][i];
            const int y = (int) b->row[i] + k / n, x = (int) b->col[i] + k % n;
            const size_t place = (size_t) y * j->n_cols + x;
            if (part == 0.0 || y < from || y >= to || x < 0 || x >= j->n_cols) continue;
            j->weight[place] += part;
            for (int p = 0; p < j->n_planes; p++) j->sums[p][place] += part * b->values[p][i];
            if (j->dq) j->dq[place] |= in->dq[at + i];
        }
    }
}

/* One row of the image given to the rows [band_from, band_to) of the window. */
JC_CLONES static void row_of_squares(const job *j, int row, int band_from, int band_to,
                                     double *const *corners)
{
    for (int start = 0; start < j->in->n_cols; start += LANES) {
        const size_t at = (size_t) row * j->in->n_cols + start;
        block b;
        if (!gather(j, row, start, band_from, band_to, corners, &b)) continue;
        if (b.n == 2) {
            share_block(&b, 2);
            give_block(j, &b, 2, band_from, band_to, at);
        } else if (b.n == 3) {
            share_block(&b, 3);
            give_block(j, &b, 3, band_from, band_to, at);
        } else {
            share_block(&b, NEAR);
            give_block(j, &b, NEAR, band_from, band_to, at);
        }
    }
}

/* The same for the kernels that know no corners. */
static void row_of_spots(const job *j, int row, int band_from, int band_to)
{
    const jc_drizzle_input *in = j->in;
    const size_t start = (size_t) row * in->n_cols;
    const double ratio = in->scale_ratio, pixfrac = in->pixfrac;
    const double efac = FWHM * FWHM * ratio * ratio / (pixfrac * pixfrac) / 2.0;
    double reach = pixfrac / ratio / 2.0;
    if (in->kernel == JC_GAUSSIAN) {
        reach = SIGMAS * pixfrac / FWHM / ratio;
        if (reach < 1.2 / ratio) reach = 1.2 / ratio; /* no holes in the output */
    }
    if (in->kernel == JC_LANCZOS2) reach = 2.0 / ratio;
    if (in->kernel == JC_LANCZOS3) reach = 3.0 / ratio;
    for (int col = 0; col < in->n_cols; col++) {
        const float weight = in->weight[start + col];
        const double x = in->x[start + col] - in->first_col;
        const double y = in->y[start + col] - in->first_row;
        const uint32_t flags = in->dq ? in->dq[start + col] : 0;
        float values[MAX_PLANES];
        int left, right, bottom, top;
        if (weight == 0.0f || !(x == x && y == y)) continue;
        if (!(x > -reach - 1 && x < j->n_cols + reach && y > band_from - reach - 1 &&
              y < band_to + reach))
            continue;
        values_of(in, start + col, values);
        if (in->kernel == JC_POINT) {
            left = nearest(x), bottom = nearest(y);
            if (left >= 0 && left < j->n_cols && bottom >= band_from && bottom < band_to)
                give(j, bottom, left, weight, values, flags);
            continue;
        }
        if (in->kernel == JC_LANCZOS2 || in->kernel == JC_LANCZOS3) {
            left = (int) floor(x - reach) + 1, right = (int) floor(x + reach);
            bottom = (int) floor(y - reach) + 1, top = (int) floor(y + reach);
        } else {
            left = nearest(x - reach), right = nearest(x + reach);
            bottom = nearest(y - reach), top = nearest(y + reach);
        }
        if (left < 0) left = 0;
        if (right > j->n_cols - 1) right = j->n_cols - 1;
        if (bottom < band_from) bottom = band_from;
        if (top > band_to - 1) top = band_to - 1;
        for (int to_row = bottom; to_row <= top; to_row++)
            for (int to_col = left; to_col <= right; to_col++) {
                const double dx = x - to_col, dy = y - to_row;
                double part;
                if (in->kernel == JC_TURBO) {
                    const double wide = fmin(x + reach, to_col + 0.5) - fmax(x - reach, to_col - 0.5);
                    const double tall = fmin(y + reach, to_row + 0.5) - fmax(y - reach, to_row - 0.5);
                    if (wide <= 0.0 || tall <= 0.0) continue;
                    part = wide * tall * ratio * ratio / (pixfrac * pixfrac);
                } else if (in->kernel == JC_GAUSSIAN) {
                    part = efac / PI * exp(-(dx * dx + dy * dy) * efac);
                } else {
                    const int ix = nearest(fabs(dx) * ratio / LUT_STEP);
                    const int iy = nearest(fabs(dy) * ratio / LUT_STEP);
                    if (ix >= j->n_lut || iy >= j->n_lut) continue;
                    part = j->lut[ix] * j->lut[iy];
                }
                give(j, to_row, to_col, part * weight, values, flags);
            }
    }
}

static int make_lut(job *j)
{
    const int order = j->in->kernel == JC_LANCZOS2 ? 2 : 3;
    j->n_lut = (int) ceil(order / LUT_STEP) + 1;
    j->lut = malloc((size_t) j->n_lut * sizeof *j->lut);
    if (!j->lut) return 0;
    j->lut[0] = 1.0;
    for (int i = 1; i < j->n_lut; i++) {
        const double a = PI * i * LUT_STEP;
        j->lut[i] = i * LUT_STEP < order ? sin(a) / a * (sin(a / order) / (a / order)) : 0.0;
    }
    return 1;
}

/* Lowest and highest y of a row's centres; an empty row is beyond everything. */
JC_CLONES static void reach_of_row(const jc_drizzle_input *in, int row, double *low, double *high)
{
    const double *y = in->y + (size_t) row * in->n_cols;
    const int blocks = in->n_cols / LANES * LANES;
    double lows[LANES], highs[LANES];
    for (int i = 0; i < LANES; i++) lows[i] = INFINITY, highs[i] = -INFINITY;
    for (int col = 0; col < blocks; col += LANES)
        EACH_LANE {
            lows[i] = least(y[col + i], lows[i]);
            highs[i] = most(y[col + i], highs[i]);
        }
    *low = INFINITY;
    *high = -INFINITY;
    for (int i = 0; i < LANES; i++) *low = least(lows[i], *low), *high = most(highs[i], *high);
    for (int col = blocks; col < in->n_cols; col++)
        *low = least(y[col], *low), *high = most(y[col], *high);
}

/* Empty the rows of a band of the window. */
static void clear(const job *j, int from, int to)
{
    const size_t at = (size_t) from * j->n_cols, n = (size_t) (to - from) * j->n_cols;
    memset(j->weight + at, 0, n * sizeof *j->weight);
    for (int k = 0; k < j->n_planes; k++) memset(j->sums[k] + at, 0, n * sizeof *j->sums[k]);
    if (j->dq) memset(j->dq + at, 0, n * sizeof *j->dq);
}

jc_status jc_drizzle(const jc_drizzle_input *in, int window_rows, int window_cols, int n_threads,
                     double *weight, double *const *sums, uint32_t *dq)
{
    job shared = {in, window_rows, window_cols, 1 + in->n_variances, weight, sums, dq, NULL, 0};
    double *reach;
    int failed = 0;
    if (in->n_rows < 2 || in->n_cols < 2 || window_rows < 1 || window_cols < 1 || n_threads < 1 ||
        in->row_from < 0 || in->row_to > in->n_rows || in->n_variances < 0 ||
        in->n_variances > JC_MAX_SPREAD || (int) in->kernel < 0 || in->kernel > JC_LANCZOS3 || !(in->pixfrac >= 1e-4 && in->pixfrac <= 1) ||
        !(in->scale_ratio >= 1e-4 && in->scale_ratio <= 1e4))
        return JC_BAD_ARGUMENT;
    if ((in->kernel == JC_LANCZOS2 || in->kernel == JC_LANCZOS3) && !make_lut(&shared))
        return JC_NO_MEMORY;
    reach = malloc(2 * (size_t) in->n_rows * sizeof *reach);
    if (!reach) {
        free(shared.lut);
        return JC_NO_MEMORY;
    }
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        /* upper left, upper right, lower right, lower left, with up towards larger rows: x and y
         * of each, in lines of whole blocks */
        const size_t stride = in->n_cols + LANES;
        double *corners = in->kernel == JC_SQUARE ? jc_room(8 * stride, sizeof *corners) : NULL;
        double *line[8];
        int above = -2; /* the row whose upper corners are known */
        failed |= in->kernel == JC_SQUARE && corners == NULL;
        for (int k = 0; k < 8; k++) line[k] = corners + k * stride;
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            reach_of_row(in, row, reach + 2 * row, reach + 2 * row + 1);
        /* one band of the window for each of the threads asked for, whoever takes it */
#pragma omp for schedule(static)
        for (int band = 0; band < n_threads; band++) {
            const int from = (int) ((long) window_rows * band / n_threads);
            const int to = (int) ((long) window_rows * (band + 1) / n_threads);
            if (in->kernel == JC_SQUARE && !corners) continue;
            clear(&shared, from, to);
            for (int row = in->row_from; row < in->row_to; row++) {
                /* corners and wings lie within so much of the centres of neighbouring rows */
                const int r0 = row > 0 ? row - 1 : 0, r1 = row + 1 < in->n_rows ? row + 1 : row;
                double low = INFINITY, high = -INFINITY, margin;
                for (int r = r0; r <= r1; r++) {
                    if (reach[2 * r] < low) low = reach[2 * r];
                    if (reach[2 * r + 1] > high) high = reach[2 * r + 1];
                }
                margin = 4.0 / in->scale_ratio + (high - low) * 0.5 + 2.0;
                if (!(high - in->first_row + margin >= from && low - in->first_row - margin <= to))
                    continue;
                if (in->kernel == JC_SQUARE) {
                    corners_of_row(in, row, above == row - 1, line);
                    above = row;
                    row_of_squares(&shared, row, from, to, line);
                } else {
                    row_of_spots(&shared, row, from, to);
                }
            }
        }
        free(corners);
    }
    free(reach);
    free(shared.lut);
    return failed ? JC_NO_MEMORY : JC_OK;
}

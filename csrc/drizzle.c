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

/* What all threads share. */
typedef struct {
    const jc_drizzle_input *in;
    int n_rows, n_cols; /* of the window */
    double *weight;
    double *const *sums;
    uint32_t *dq;
    double *lut;
    int n_lut;
} job;

/* The integral of max(0, min(1, t)). */
JC_INLINE double ramp_integral(double t)
{
    const double inside = t < 0.0 ? 0.0 : (t > 1.0 ? 1.0 : t);
    return 0.5 * inside * inside + (t > 1.0 ? t - 1.0 : 0.0);
}

/* Mean of max(0, min(1, t)) for t from a to b. */
JC_INLINE double mean_height(double a, double b)
{
    const double span = b - a;
    if (fabs(span) < 1e-6) {
        const double t = 0.5 * (a + b);
        return t < 0.0 ? 0.0 : (t > 1.0 ? 1.0 : t);
    }
    return (ramp_integral(b) - ramp_integral(a)) / span;
}

JC_INLINE int nearest(double value) { return (int) floor(value + 0.5); }

/* Add weight to one pixel of the window. */
JC_INLINE void give(const job *j, int row, int col, double weight, const float *values,
                    uint32_t flags)
{
    const size_t at = (size_t) row * j->n_cols + col;
    j->weight[at] += weight;
    for (int k = 0; k < j->in->n_planes; k++) j->sums[k][at] += weight * values[k];
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
                area[row * n_cols + col] += width * mean_height(low - row, high - row);
        }
    }
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
    whole = 0.5 * ((x[1] - x[3]) * (y[0] - y[2]) - (x[0] - x[2]) * (y[1] - y[3]));
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

/* A place between pixel centres, by bilinear inter- and extrapolation. */
JC_INLINE void place(const jc_drizzle_input *in, double row, double col, double *x, double *y)
{
    int r = (int) row, c = (int) col;
    size_t at;
    double v, u, w00, w01, w10, w11;
    if (r > in->n_rows - 2) r = in->n_rows - 2;
    if (c > in->n_cols - 2) c = in->n_cols - 2;
    if (r < 0) r = 0;
    if (c < 0) c = 0;
    at = (size_t) r * in->n_cols + c;
    v = row - r;
    u = col - c;
    w00 = (1 - u) * (1 - v), w01 = u * (1 - v), w10 = (1 - u) * v, w11 = u * v;
    *x = in->x[at] * w00 + in->x[at + 1] * w01 + in->x[at + in->n_cols] * w10 +
         in->x[at + in->n_cols + 1] * w11;
    *y = in->y[at] * w00 + in->y[at + 1] * w01 + in->y[at + in->n_cols] * w10 +
         in->y[at + in->n_cols + 1] * w11;
}

/* Corners of the shrunken pixels of a row: upper left, upper right, lower right, lower left, with
 * up towards larger rows; [corner][col]. */
static void corners_of_row(const job *j, int row, double *x, double *y)
{
    const jc_drizzle_input *in = j->in;
    const double half = 0.5 * in->pixfrac;
    for (int k = 0; k < 4; k++) {
        const double down = row + (k < 2 ? half : -half), across = k == 1 || k == 2 ? half : -half;
        double *to_x = x + (size_t) k * in->n_cols, *to_y = y + (size_t) k * in->n_cols;
        for (int col = 0; col < in->n_cols; col++)
            place(in, down, col + across, to_x + col, to_y + col);
    }
}

/* One row of the image given to the rows [band_from, band_to) of the window. */
JC_CLONES static void row_of_squares(const job *j, int row, int band_from, int band_to,
                                     const double *cx, const double *cy)
{
    const jc_drizzle_input *in = j->in;
    const size_t start = (size_t) row * in->n_cols;
    for (int col = 0; col < in->n_cols; col++) {
        const float weight = in->weight[start + col];
        double x[4], y[4];
        float values[JC_MAX_PLANES];
        int known = 1;
        if (weight == 0.0f) continue;
        for (int k = 0; k < 4; k++) {
            x[k] = cx[(size_t) k * in->n_cols + col] - in->first_col;
            y[k] = cy[(size_t) k * in->n_cols + col] - in->first_row;
            known &= x[k] == x[k] && y[k] == y[k];
        }
        if (!known) continue;
        for (int k = 0; k < in->n_planes; k++) values[k] = in->planes[k][start + col];
        share_quadrilateral(j, band_from, band_to, x, y, weight, values,
                            in->dq ? in->dq[start + col] : 0);
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
        float values[JC_MAX_PLANES];
        int left, right, bottom, top;
        if (weight == 0.0f || !(x == x && y == y)) continue;
        if (!(x > -reach - 1 && x < j->n_cols + reach && y > band_from - reach - 1 &&
              y < band_to + reach))
            continue;
        for (int k = 0; k < in->n_planes; k++) values[k] = in->planes[k][start + col];
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
static void reach_of_row(const jc_drizzle_input *in, int row, double *low, double *high)
{
    const double *y = in->y + (size_t) row * in->n_cols;
    *low = INFINITY;
    *high = -INFINITY;
    for (int col = 0; col < in->n_cols; col++) {
        if (y[col] < *low) *low = y[col];
        if (y[col] > *high) *high = y[col];
    }
}

jc_status jc_drizzle(const jc_drizzle_input *in, int window_rows, int window_cols, int n_threads,
                     double *weight, double *const *sums, uint32_t *dq)
{
    job shared = {in, window_rows, window_cols, weight, sums, dq, NULL, 0};
    double *reach;
    int failed = 0;
    if (in->n_rows < 2 || in->n_cols < 2 || window_rows < 1 || window_cols < 1 || n_threads < 1 ||
        in->n_planes < 0 || in->n_planes > JC_MAX_PLANES || (int) in->kernel < 0 ||
        in->kernel > JC_LANCZOS3 || !(in->pixfrac >= 1e-4 && in->pixfrac <= 1) ||
        !(in->scale_ratio >= 1e-4 && in->scale_ratio <= 1e4))
        return JC_BAD_ARGUMENT;
    if ((in->kernel == JC_LANCZOS2 || in->kernel == JC_LANCZOS3) && !make_lut(&shared))
        return JC_NO_MEMORY;
    reach = malloc(2 * (size_t) in->n_rows * sizeof *reach);
    if (!reach) {
        free(shared.lut);
        return JC_NO_MEMORY;
    }
    for (int row = 0; row < in->n_rows; row++)
        reach_of_row(in, row, reach + 2 * row, reach + 2 * row + 1);
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        double *corners = in->kernel == JC_SQUARE
                              ? malloc(8 * (size_t) in->n_cols * sizeof *corners)
                              : NULL;
        failed |= in->kernel == JC_SQUARE && corners == NULL;
        /* one band of the window for each of the threads asked for, whoever takes it */
#pragma omp for schedule(static)
        for (int band = 0; band < n_threads; band++) {
            const int from = (int) ((long) window_rows * band / n_threads);
            const int to = (int) ((long) window_rows * (band + 1) / n_threads);
            if (in->kernel == JC_SQUARE && !corners) continue;
            for (int row = 0; row < in->n_rows; row++) {
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
                    corners_of_row(&shared, row, corners, corners + 4 * (size_t) in->n_cols);
                    row_of_squares(&shared, row, from, to, corners,
                                   corners + 4 * (size_t) in->n_cols);
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

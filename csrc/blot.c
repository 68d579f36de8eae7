#include "blot.h"

#include <math.h>

static float interpolated(int n_rows, int n_cols, const float *image, float x, float y)
{
    if (!(x >= 0.0f && x < (float) n_cols && y >= 0.0f && y < (float) n_rows)) return NAN;
    const int col = (int) x, row = (int) y;
    const float *at = image + (size_t) row * (size_t) n_cols + col;
    const float sx = x - (float) col, tx = 1.0f - sx, sy = y - (float) row, ty = 1.0f - sy;
    const int last_col = col == n_cols - 1, last_row = row == n_rows - 1;
    if (last_col && last_row) return at[0];
    if (last_col) return ty * at[0] + sy * at[n_cols];
    if (last_row) return tx * at[0] + sx * at[1];
    return tx * ty * at[0] + sx * ty * at[1] + sy * tx * at[n_cols] + sx * sy * at[n_cols + 1];
}

jc_status jc_blot(int n_rows, int n_cols, const float *image, int64_t n_places, const double *x,
                  const double *y, int n_threads, float *blot)
{
    if (n_rows < 1 || n_cols < 1 || n_places < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int64_t k = 0; k < n_places; k++)
        blot[k] = interpolated(n_rows, n_cols, image, (float) x[k], (float) y[k]);
    return JC_OK;
}

/* Largest difference of each pixel of a row to its neighbours; one without neighbour has itself. */
JC_CLONES
static void steepest(int n_cols, const float *above, const float *row, const float *below,
                     float *deriv)
{
    for (int c = 0; c < n_cols; c++) {
        float up = fabsf(row[c] - above[c]), down = fabsf(below[c] - row[c]);
        float most = up < INFINITY ? up : 0.0f;
        deriv[c] = down > most ? down : most;
    }
    for (int c = 1; c < n_cols; c++) {
        float left = fabsf(row[c] - row[c - 1]);
        deriv[c] = left > deriv[c] ? left : deriv[c];
    }
    for (int c = 0; c + 1 < n_cols; c++) {
        float right = fabsf(row[c + 1] - row[c]);
        deriv[c] = right > deriv[c] ? right : deriv[c];
    }
}

/* Bit 0: beyond the first limit; bit 1: beyond the second. */
JC_CLONES
static void compare(int n_cols, const float *data, const float *err, const float *blot,
                    const float *deriv, const jc_outlier_limits *limits, uint8_t *beyond)
{
    const float level = limits->level, snr0 = limits->snr[0], snr1 = limits->snr[1];
    const float scale0 = limits->scale[0], scale1 = limits->scale[1];
    for (int c = 0; c < n_cols; c++) {
        float away = fabsf(data[c] - blot[c] - level);
        float noise = err[c] == err[c] ? err[c] : 0.0f;
        noise = noise > 3.4028235e38f ? 3.4028235e38f : noise;
        int first = away > scale0 * deriv[c] + snr0 * noise;
        int second = away > scale1 * deriv[c] + snr1 * noise;
        beyond[c] = (uint8_t) (first | second << 1);
    }
}

/* Whether a pixel is beyond the second limit and has one beyond the first in reach. */
JC_INLINE uint8_t chosen(const uint8_t *above, const uint8_t *row, const uint8_t *below, int left,
                         int c, int right)
{
    uint8_t near = above[left] | above[c] | above[right] | row[left] | row[c] | row[right] |
                   below[left] | below[c] | below[right];
    return (uint8_t) (near & 1 & (row[c] >> 1));
}

JC_CLONES
static void choose(int n_cols, const uint8_t *above, const uint8_t *row, const uint8_t *below,
                   uint8_t *outlier)
{
    const int last = n_cols - 1;
    outlier[0] = chosen(above, row, below, 0, 0, last > 0);
    for (int c = 1; c < last; c++)
        outlier[c] = chosen(above, row, below, c - 1, c, c + 1);
    outlier[last] = chosen(above, row, below, last - (last > 0), last, last);
}

jc_status jc_outliers(int n_rows, int n_cols, const float *data, const float *err,
                      const float *blot, const jc_outlier_limits *limits, int n_threads,
                      uint8_t *outlier)
{
    if (n_rows < 1 || n_cols < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
    const size_t n = (size_t) n_cols;
    uint8_t *beyond = malloc((size_t) n_rows * n);
    float *deriv = malloc((size_t) n_threads * n * sizeof *deriv);
    if (beyond && deriv) {
#pragma omp parallel for num_threads(n_threads) schedule(static)
        for (int t = 0; t < n_threads; t++)
            for (int row = (int) ((int64_t) n_rows * t / n_threads);
                 row < (int) ((int64_t) n_rows * (t + 1) / n_threads); row++) {
                const float *here = blot + (size_t) row * n;
                float *d = deriv + (size_t) t * n;
                steepest(n_cols, row > 0 ? here - n : here, here,
                         row + 1 < n_rows ? here + n : here, d);
                compare(n_cols, data + (size_t) row * n, err + (size_t) row * n, here, d, limits,
                        beyond + (size_t) row * n);
            }
#pragma omp parallel for num_threads(n_threads) schedule(static)
        for (int row = 0; row < n_rows; row++) {
            const uint8_t *here = beyond + (size_t) row * n;
            choose(n_cols, row > 0 ? here - n : here, here, row + 1 < n_rows ? here + n : here,
                   outlier + (size_t) row * n);
        }
    }
    jc_status status = beyond && deriv ? JC_OK : JC_NO_MEMORY;
    free(beyond);
    free(deriv);
    return status;
}

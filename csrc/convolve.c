#include "convolve.h"

#include <math.h>
#include <stdlib.h>

/* A row of the image with `half` pixels to either side, and which of them are known; whether all
 * are. Rows beyond the edges are 0. */
static int fetch_row(const jc_convolution *c, int row, int half, double *values, double *known)
{
    int whole = 1;
    for (int x = 0; x < c->n_cols + 2 * half; x++) {
        int col = x - half;
        double value = 0, is_known = 1;
        if (row >= 0 && row < c->n_rows && col >= 0 && col < c->n_cols) {
            size_t at = (size_t) row * c->n_cols + col;
            value = c->image[at];
            if (c->missing[at] || value != value) {
                value = 0;
                is_known = 0;
                whole = 0;
            }
        }
        values[x] = value;
        known[x] = is_known;
    }
    return whole;
}

JC_CLONES
static void add_shifted(int n, double factor, const double *restrict values, double *restrict total)
{
    for (int x = 0; x < n; x++)
        total[x] += factor * values[x];
}

JC_CLONES
static void divide(int n, const double *restrict top, const double *restrict bottom,
                   float *restrict out)
{
    for (int x = 0; x < n; x++)
        out[x] = (float) (bottom[x] == 0 ? (double) NAN : top[x] / bottom[x]);
}

/* Rows first to last. Rows of the image are kept in a ring, as high as the kernel. */
static void convolve_rows(const jc_convolution *c, int first, int last, double *scratch, int *whole,
                          float *out)
{
    int up = c->height / 2, half = c->width / 2, length = c->n_cols + 2 * half;
    double *values = scratch, *known = values + (size_t) c->height * length;
    double *top = known + (size_t) c->height * length, *bottom = top + c->n_cols;
    double all = 0;
    for (int k = 0; k < c->height * c->width; k++)
        all += c->kernel[k];
    for (int row = first - up; row < last + up; row++) {
        int slot = (row + c->height) % c->height;
        whole[slot] = fetch_row(c, row, half, values + (size_t) slot * length,
                                known + (size_t) slot * length);
        int middle = row - up;
        if (middle < first)
            continue;
        int all_known = 1;
        for (int k = 0; k < c->height; k++)
            all_known &= whole[k];
        for (int x = 0; x < c->n_cols; x++) {
            top[x] = 0;
            bottom[x] = all_known ? all : 0;
        }
        for (int k = 0; k < c->height; k++) {
            size_t at = (size_t) ((middle - up + k + c->height) % c->height) * length;
            for (int j = 0; j < c->width; j++) {
                double factor = c->kernel[k * c->width + j];
                add_shifted(c->n_cols, factor, values + at + j, top);
                if (!all_known)
                    add_shifted(c->n_cols, factor, known + at + j, bottom);
            }
        }
        divide(c->n_cols, top, bottom, out + (size_t) middle * c->n_cols);
    }
}

jc_status jc_convolve(const jc_convolution *c, int n_threads, float *out)
{
    if (c->n_rows < 1 || c->n_cols < 1 || c->height < 1 || c->width < 1 || c->height % 2 == 0 ||
        c->width % 2 == 0 || n_threads < 1)
        return JC_BAD_ARGUMENT;
    int failed = 0, band = 64, n_bands = (c->n_rows + band - 1) / band;
    size_t length = (size_t) c->n_cols + c->width;
    size_t size = 2 * length * c->height + 2 * (size_t) c->n_cols;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        double *scratch = malloc(size * sizeof *scratch);
        int *whole = malloc((size_t) c->height * sizeof *whole);
        failed |= scratch == NULL || whole == NULL;
#pragma omp for schedule(static)
        for (int b = 0; b < n_bands; b++) {
            int first = b * band, last = first + band < c->n_rows ? first + band : c->n_rows;
            if (scratch && whole)
                convolve_rows(c, first, last, scratch, whole, out);
        }
        free(scratch);
        free(whole);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

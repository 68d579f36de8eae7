#include "pixel_map.h"

#define BLOCK 32 /* columns whose sums are kept in registers */

/* Place from -1 to 1 of a pixel among n, both ends included. */
JC_INLINE double place(int i, int n) { return n > 1 ? 2.0 * i / (n - 1) - 1.0 : 0.0; }

/* T_0 ... T_{n-1} at the places of n_places pixels: [order][place], `stride` from order to order. */
JC_CLONES static void polynomials(int n, int n_places, size_t stride, double *table)
{
    for (int i = 0; i < n_places; i++) table[i] = 1.0;
    for (int i = 0; n > 1 && i < n_places; i++) table[stride + i] = place(i, n_places);
    for (int k = 2; k < n; k++) {
        const double *u = table + stride, *last = table + (k - 1) * stride, *before = last - stride;
        double *next = table + k * stride;
        for (int i = 0; i < n_places; i++) next[i] = 2.0 * u[i] * last[i] - before[i];
    }
}

/* Sum over the orders down the rows: the factors of those along the columns, in one row. */
JC_CLONES static void factors_of_row(int n_down, int n_across, const double *coefficients, double v,
                                     double *factor)
{
    double last = 1.0, before = 0.0; /* T_l and the one before it */
    for (int k = 0; k < n_across; k++) factor[k] = 0.0;
    for (int l = 0; l < n_down; l++) {
        for (int k = 0; k < n_across; k++) factor[k] += coefficients[l * n_across + k] * last;
        const double next = l ? 2.0 * v * last - before : v;
        before = last;
        last = next;
    }
}

JC_CLONES static void sum_row(int n_across, int n_cols, const double *factor, size_t stride,
                              const double *across, double *out)
{
    for (int start = 0; start < n_cols; start += BLOCK) {
        const int here = n_cols - start < BLOCK ? n_cols - start : BLOCK;
        double sum[BLOCK] = {0};
        for (int k = 0; k < n_across; k++)
            for (int i = 0; i < BLOCK; i++) sum[i] += factor[k] * across[k * stride + start + i];
        memcpy(out + start, sum, here * sizeof *out);
    }
}

jc_status jc_pixel_map(int n_values, int n_down, int n_across, const double *coefficients,
                       int n_rows, int n_cols, int row_from, int row_to, int n_threads,
                       double *value)
{
    if (n_values < 1 || n_down < 1 || n_across < 1 || row_from < 0 || row_from >= row_to ||
        row_to > n_rows || n_cols < 1 || n_threads < 1)
        return JC_BAD_ARGUMENT;
    const size_t stride = ((size_t) n_cols + BLOCK - 1) / BLOCK * BLOCK;
    const size_t size = (size_t) n_cols * (row_to - row_from), n = (size_t) n_down * n_across;
    double *across = jc_room(n_across * stride, sizeof *across);
    int failed = across == NULL;
    if (failed) return JC_NO_MEMORY;
    polynomials(n_across, n_cols, stride, across);
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        double *factor = jc_room(n_across, sizeof *factor);
        failed |= factor == NULL;
#pragma omp for schedule(static)
        for (int row = row_from; row < row_to; row++)
            for (int k = 0; factor && k < n_values; k++) {
                factors_of_row(n_down, n_across, coefficients + k * n, place(row, n_rows), factor);
                sum_row(n_across, n_cols, factor, stride, across,
                        value + k * size + (size_t) (row - row_from) * n_cols);
            }
        free(factor);
    }
    free(across);
    return failed ? JC_NO_MEMORY : JC_OK;
}

#include "pixel_map.h"

#include <stdlib.h>

/* T_0 ... T_{n-1} at the places from -1 to 1 of n_places pixels: [order][place]. */
static void polynomials(int n, int n_places, double *table)
{
    for (int i = 0; i < n_places; i++) {
        const double u = n_places > 1 ? 2.0 * i / (n_places - 1) - 1.0 : 0.0;
        table[i] = 1.0;
        if (n > 1) table[n_places + i] = u;
        for (int k = 2; k < n; k++)
            table[(size_t) k * n_places + i] =
                2.0 * u * table[(size_t) (k - 1) * n_places + i] -
                table[(size_t) (k - 2) * n_places + i];
    }
}

JC_CLONES static void add_term(int n, double factor, const double *term, double *sum)
{
    for (int i = 0; i < n; i++) sum[i] += factor * term[i];
}

jc_status jc_pixel_map(int n_down, int n_across, const double *coefficients, int n_rows,
                       int n_cols, int row_from, int row_to, int n_threads, double *value)
{
    double *down, *across;
    if (n_down < 1 || n_across < 1 || row_from < 0 || row_from >= row_to || row_to > n_rows ||
        n_cols < 1 || n_threads < 1)
        return JC_BAD_ARGUMENT;
    down = malloc((size_t) n_down * n_rows * sizeof *down);
    across = malloc((size_t) n_across * n_cols * sizeof *across);
    if (!down || !across) {
        free(down);
        free(across);
        return JC_NO_MEMORY;
    }
    polynomials(n_down, n_rows, down);
    polynomials(n_across, n_cols, across);
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int row = row_from; row < row_to; row++) {
        double *out = value + (size_t) (row - row_from) * n_cols;
        for (int col = 0; col < n_cols; col++) out[col] = 0.0;
        for (int k = 0; k < n_across; k++) {
            double factor = 0.0;
            for (int l = 0; l < n_down; l++)
                factor += coefficients[(size_t) l * n_across + k] * down[(size_t) l * n_rows + row];
            add_term(n_cols, factor, across + (size_t) k * n_cols, out);
        }
    }
    free(down);
    free(across);
    return JC_OK;
}

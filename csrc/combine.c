#include "combine.h"

#include <math.h>
#include <stdlib.h>

JC_CLONES
static void variance_of(int n, const double *restrict sum, const double *restrict weight,
                        float *restrict variance)
{
    for (int x = 0; x < n; x++) {
        double mean = sum[x] / weight[x];
        variance[x] = (float) (mean * mean);
    }
}

JC_CLONES
static void inverse_of(int n, const float *restrict variance, double *restrict inverse)
{
    for (int x = 0; x < n; x++) {
        double value = 1.0 / variance[x];
        inverse[x] = value < INFINITY ? value : 0;
    }
}

JC_CLONES
static void add(int n, const float *restrict variance, const double *restrict of_image,
                double *restrict total, double *restrict weight)
{
    for (int x = 0; x < n; x++) {
        int usable = variance[x] < INFINITY && of_image[x] > 0;
        double square = of_image[x] * of_image[x];
        total[x] = usable ? total[x] + variance[x] * square : total[x];
        weight[x] = usable ? weight[x] + of_image[x] : weight[x];
    }
}

static void add_row(const jc_variances *in, int row, float *const *variance, double *of_image,
                    double *const *totals, double *const *weights)
{
    size_t at = (size_t) row * in->n_cols;
    for (int k = 0; k < in->n_variances; k++)
        variance_of(in->n_cols, in->sums[k] + at, in->weight + at, variance[k]);
    if (in->weigh_by >= 0)
        inverse_of(in->n_cols, variance[in->weigh_by], of_image);
    at = (size_t) row * in->total_cols + in->first_col;
    for (int k = 0; k < in->n_variances; k++)
        add(in->n_cols, variance[k], of_image, totals[k] + at, weights[k] + at);
}

jc_status jc_add_variances(const jc_variances *in, int n_threads, double *const *totals,
                           double *const *weights)
{
    if (in->n_rows < 1 || in->n_cols < 1 || n_threads < 1 || in->n_variances < 1 ||
        in->n_variances > JC_MAX_VARIANCES || in->weigh_by < -1 ||
        in->weigh_by >= in->n_variances || in->first_col < 0 || in->total_cols < in->n_cols ||
        in->first_col > in->total_cols - in->n_cols)
        return JC_BAD_ARGUMENT;
    int failed = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        const size_t length = (size_t) in->n_cols;
        double *of_image = malloc(length * sizeof *of_image);
        float *room = malloc(length * in->n_variances * sizeof *room), *variance[JC_MAX_VARIANCES];
        int ready = of_image && room;
        failed |= !ready;
        for (int k = 0; ready && k < in->n_variances; k++)
            variance[k] = room + k * length;
        for (int x = 0; ready && x < in->n_cols; x++)
            of_image[x] = in->image_weight;
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            if (ready) add_row(in, row, variance, of_image, totals, weights);
        free(of_image);
        free(room);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

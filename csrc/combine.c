#include "combine.h"

#include <math.h>
#include <stdlib.h>

#define BLOCK 1024 /* pixels whose error is summed up together */

JC_CLONES
static void add_row_of_sums(int n, const double *restrict weight, const double *restrict sum,
                            double *restrict total_weight, double *restrict total)
{
    for (int x = 0; x < n; x++) {
        total_weight[x] += weight[x];
        total[x] += sum[x];
    }
}

JC_CLONES
static void note_row(int n, const double *restrict weight, uint32_t bit,
                     uint32_t *restrict context)
{
    for (int x = 0; x < n; x++)
        context[x] |= weight[x] != 0 ? bit : 0;
}

jc_status jc_add_sums(int n_rows, int n_cols, const double *weight, const double *sum, uint32_t bit,
                      int total_cols, int first_col, int n_threads, double *total_weight,
                      double *total, uint32_t *context)
{
    if (n_rows < 1 || n_cols < 1 || n_threads < 1 || first_col < 0 || total_cols < n_cols ||
        first_col > total_cols - n_cols)
        return JC_BAD_ARGUMENT;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int row = 0; row < n_rows; row++) {
        const size_t at = (size_t) row * n_cols, to = (size_t) row * total_cols + first_col;
        add_row_of_sums(n_cols, weight + at, sum + at, total_weight + to, total + to);
        if (context) note_row(n_cols, weight + at, bit, context + to);
    }
    return JC_OK;
}

JC_CLONES
static void mean_of(int n, const double *restrict total, const double *restrict weight, float fill,
                    float *restrict mean, float *restrict of_weight)
{
    for (int x = 0; x < n; x++) {
        const float value = (float) (total[x] / weight[x]);
        mean[x] = weight[x] != 0 ? value : fill;
        of_weight[x] = (float) weight[x];
    }
}

jc_status jc_weighted_mean(int64_t n, const double *total, const double *weight, float fill,
                           int n_threads, float *mean, float *of_weight)
{
    if (n < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
    const int64_t n_blocks = (n - 1) / BLOCK + 1;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int64_t b = 0; b < n_blocks; b++) {
        const int64_t at = b * BLOCK;
        mean_of((int) (n - at < BLOCK ? n - at : BLOCK), total + at, weight + at, fill, mean + at,
                of_weight + at);
    }
    return JC_OK;
}

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

JC_CLONES
static void variance_of_mean(int n, const double *restrict total, const double *restrict weight,
                             double factor, float *restrict variance)
{
    for (int x = 0; x < n; x++) /* divided twice: the square of a weight may not fit */
        variance[x] = (float) (total[x] * factor / weight[x] / weight[x]);
}

JC_CLONES
static void add_known(int n, const float *restrict variance, float *restrict sum,
                      int32_t *restrict known)
{
    for (int x = 0; x < n; x++) {
        const int here = variance[x] == variance[x];
        sum[x] = here ? sum[x] + variance[x] : sum[x];
        known[x] |= here;
    }
}

JC_CLONES
static void root_of(int n, const float *restrict sum, const int32_t *restrict known,
                    float *restrict root)
{
    for (int x = 0; x < n; x++)
        root[x] = known[x] ? sqrtf(sum[x]) : NAN;
}

jc_status jc_mean_variances(int64_t n, int n_variances, const double *const *totals,
                            const double *const *weights, double factor, int n_threads,
                            float *const *variances, float *err)
{
    if (n < 1 || n_threads < 1 || n_variances < 1 || n_variances > JC_MAX_VARIANCES)
        return JC_BAD_ARGUMENT;
    const int64_t n_blocks = (n - 1) / BLOCK + 1;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int64_t b = 0; b < n_blocks; b++) {
        const int64_t at = b * BLOCK;
        const int here = (int) (n - at < BLOCK ? n - at : BLOCK);
        float sum[BLOCK] = {0};
        int32_t known[BLOCK] = {0};
        for (int k = 0; k < n_variances; k++) {
            float *variance = variances[k] + at;
            if (totals[k])
                variance_of_mean(here, totals[k] + at, weights[k] + at, factor, variance);
            else
                for (int x = 0; x < here; x++) variance[x] = NAN;
            add_known(here, variance, sum, known);
        }
        root_of(here, sum, known, err + at);
    }
    return JC_OK;
}

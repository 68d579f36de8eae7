#include "flat.h"
#include "keeper.h"

#include <math.h>

enum { BLOCK = 1024 }; /* pixels of a row at a time */

JC_CLONES
static int64_t clean(int n, const float *restrict flat, const uint32_t *restrict flat_dq,
                     uint32_t unusable, uint32_t missing, float *restrict values,
                     uint32_t *restrict flags)
{
    int n_bad = 0;
    for (int i = 0; i < n; i++) {
        uint32_t is_none = flat[i] != flat[i] || flat[i] == 0;
        uint32_t found = flat_dq[i] | (is_none ? unusable | missing : 0);
        found |= found & missing ? unusable : 0;
        flags[i] = found;
        values[i] = found & unusable ? 1 : flat[i];
        n_bad += (found & (unusable | missing)) != 0;
    }
    return n_bad;
}

jc_status jc_clean_flat(int64_t n, const float *flat, const uint32_t *flat_dq, uint32_t unusable,
                        uint32_t missing, int n_threads, float *values, uint32_t *flags,
                        int64_t *n_bad)
{
    if (n < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
    const int64_t n_blocks = (n - 1) / BLOCK + 1;
    int64_t bad = 0;
#pragma omp parallel for num_threads(n_threads) schedule(static) reduction(+ : bad)
    for (int64_t b = 0; b < n_blocks; b++) {
        const int64_t at = b * BLOCK;
        const int here = n - at < BLOCK ? (int) (n - at) : BLOCK;
        bad += clean(here, flat + at, flat_dq + at, unusable, missing, values + at, flags + at);
    }
    *n_bad = bad;
    return JC_OK;
}

JC_CLONES
static void divide_data(int n, const float *restrict flat, const float *restrict flat_err,
                        float *restrict data, float *restrict var_flat, float *restrict square)
{
    for (int i = 0; i < n; i++) {
        square[i] = flat[i] * flat[i];
        data[i] /= flat[i];
        var_flat[i] = data[i] * data[i] / square[i] * (flat_err[i] * flat_err[i]);
    }
}

JC_CLONES
static void multiply_data(int n, const float *restrict flat, float *restrict data,
                          float *restrict square)
{
    for (int i = 0; i < n; i++) {
        square[i] = flat[i] * flat[i];
        data[i] *= flat[i];
    }
}

JC_CLONES
static void divide_variance(int n, const float *restrict square, float *restrict variance,
                            float *restrict total)
{
    for (int i = 0; i < n; i++) {
        variance[i] /= square[i];
        total[i] += variance[i];
    }
}

JC_CLONES
static void multiply_variance(int n, const float *restrict square, float *restrict variance,
                              float *restrict total)
{
    for (int i = 0; i < n; i++) {
        variance[i] *= square[i];
        total[i] += variance[i];
    }
}

JC_CLONES
static void root(int n, const float *restrict total, const float *restrict more,
                 float *restrict err)
{
    for (int i = 0; i < n; i++)
        err[i] = sqrtf(total[i] + more[i]);
}

static void block(const jc_flat *in, int n, size_t pixel, size_t at, float *data,
                  float *const *variances, float *var_flat, float *err)
{
    float square[BLOCK], total[BLOCK] = {0}, none[BLOCK] = {0};
    if (in->flat_err)
        divide_data(n, in->flat + pixel, in->flat_err + pixel, data + at, var_flat + at, square);
    else
        multiply_data(n, in->flat + pixel, data + at, square);
    for (int k = 0; k < in->n_variances; k++)
        (in->flat_err ? divide_variance : multiply_variance)(n, square, variances[k] + at, total);
    root(n, total, in->flat_err ? var_flat + at : none, err + at);
}

jc_status jc_flat_field(const jc_flat *in, int n_threads, float *data, float *const *variances,
                        float *var_flat, float *err)
{
    if (in->n_images < 1 || in->n_rows < 1 || in->n_cols < 1 || in->n_variances < 0 ||
        in->n_variances > JC_FLAT_VARIANCES || n_threads < 1)
        return JC_BAD_ARGUMENT;
    const size_t n_pixels = (size_t) in->n_rows * in->n_cols;
    const int64_t n_blocks = (int64_t) ((n_pixels - 1) / BLOCK) + 1;
#pragma omp parallel for num_threads(n_threads) schedule(static) collapse(2)
    for (int image = 0; image < in->n_images; image++)
        for (int64_t b = 0; b < n_blocks; b++) {
            const size_t pixel = (size_t) b * BLOCK, rest = n_pixels - pixel;
            block(in, rest < BLOCK ? (int) rest : BLOCK, pixel, (size_t) image * n_pixels + pixel,
                  data, variances, var_flat, err);
            if (b % 16 == 0) jc_settle(in->n_variances + 3);
        }
    return JC_OK;
}

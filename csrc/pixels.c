#include "pixels.h"
#include "keeper.h"

#include <math.h>

#define BLOCK 1024 /* pixels looked at before any is changed */

JC_CLONES
static void mark_flagged(int n, const uint32_t *restrict flags, uint32_t bits, uint32_t *restrict bad)
{
    for (int i = 0; i < n; i++)
        bad[i] = (flags[i] & bits) != 0;
}

JC_CLONES
static void mark_nan(int n, const float *restrict array, uint32_t *restrict bad)
{
    for (int i = 0; i < n; i++)
        bad[i] |= array[i] != array[i];
}

JC_CLONES
static uint32_t any(int n, const uint32_t *bad)
{
    uint32_t found = 0;
    for (int i = 0; i < n; i++)
        found |= bad[i];
    return found;
}

JC_CLONES
static void set_nan(int n, const uint32_t *restrict bad, float *restrict array)
{
    for (int i = 0; i < n; i++)
        array[i] = bad[i] ? NAN : array[i];
}

JC_CLONES
static void set_flags(int n, const uint32_t *restrict bad, uint32_t bits, uint32_t *restrict flags)
{
    for (int i = 0; i < n; i++)
        flags[i] |= bad[i] ? bits : 0;
}

jc_status jc_reconcile(int64_t n, int n_arrays, uint32_t bits, int n_threads, float *const *arrays,
                       uint32_t *flags)
{
    if (n < 1 || n_arrays < 1 || n_arrays > JC_MAX_ARRAYS || n_threads < 1) return JC_BAD_ARGUMENT;
    int64_t n_blocks = (n - 1) / BLOCK + 1;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int64_t b = 0; b < n_blocks; b++) {
        int64_t first = b * BLOCK;
        int here = n - first < BLOCK ? (int) (n - first) : BLOCK;
        uint32_t bad[BLOCK] = {0};
        if (flags) mark_flagged(here, flags + first, bits, bad);
        for (int k = 0; k < n_arrays; k++)
            mark_nan(here, arrays[k] + first, bad);
        if (!any(here, bad)) continue;
        for (int k = 0; k < n_arrays; k++)
            set_nan(here, bad, arrays[k] + first);
        if (flags) set_flags(here, bad, bits, flags + first);
    }
    return JC_OK;
}

JC_CLONES
static int flag_block(int n, const uint8_t *restrict chosen, uint32_t bits,
                      uint32_t *restrict flags)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        flags[i] |= chosen[i] ? bits : 0;
        count += chosen[i] != 0;
    }
    return count;
}

jc_status jc_flag(int64_t n, const uint8_t *chosen, uint32_t bits, int n_threads, uint32_t *flags,
                  int64_t *count)
{
    if (n < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
    int64_t n_blocks = (n - 1) / BLOCK + 1, sum = 0;
#pragma omp parallel for num_threads(n_threads) schedule(static) reduction(+ : sum)
    for (int64_t b = 0; b < n_blocks; b++) {
        int64_t first = b * BLOCK;
        int here = n - first < BLOCK ? (int) (n - first) : BLOCK;
        sum += flag_block(here, chosen + first, bits, flags + first);
    }
    *count = sum;
    return JC_OK;
}

JC_CLONES
static void leave_out(int n, const float *restrict weight, double limit, float *restrict values)
{
    for (int i = 0; i < n; i++)
        values[i] = weight[i] < limit ? NAN : values[i];
}

jc_status jc_leave_out(int64_t n, const float *weight, double limit, int n_threads, float *values)
{
    if (n < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
    int64_t n_blocks = (n - 1) / BLOCK + 1;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int64_t b = 0; b < n_blocks; b++) {
        int64_t first = b * BLOCK;
        int here = n - first < BLOCK ? (int) (n - first) : BLOCK;
        leave_out(here, weight + first, limit, values + first);
    }
    return JC_OK;
}

JC_CLONES
static void invert(int n, const float *restrict variance, const uint32_t *restrict flags, uint32_t bits,
                   float *restrict inverse)
{
    for (int i = 0; i < n; i++) {
        float value = 1.0f / variance[i];
        inverse[i] = fabsf(value) < INFINITY && !(flags[i] & bits) ? value : 0;
    }
}

jc_status jc_inverse_variance(int64_t n, const float *variance, const uint32_t *flags, uint32_t bits,
                              int n_threads, float *inverse)
{
    if (n < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
    int64_t n_blocks = (n - 1) / BLOCK + 1;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int64_t b = 0; b < n_blocks; b++) {
        int64_t first = b * BLOCK;
        int here = n - first < BLOCK ? (int) (n - first) : BLOCK;
        invert(here, variance + first, flags + first, bits, inverse + first);
    }
    return JC_OK;
}

JC_CLONES
static void multiply(int n, double factor, float *array)
{
    for (int i = 0; i < n; i++)
        array[i] = (float) (array[i] * factor);
}

JC_CLONES
static void divide_by(int n, double factor, float *array)
{
    for (int i = 0; i < n; i++)
        array[i] = (float) (array[i] / factor);
}

jc_status jc_scale(int64_t n, int n_arrays, const double *factors, int divide, int n_threads,
                   float *const *arrays)
{
    if (n < 1 || n_arrays < 1 || n_arrays > JC_MAX_ARRAYS || n_threads < 1) return JC_BAD_ARGUMENT;
    int64_t n_blocks = (n - 1) / BLOCK + 1;
    for (int k = 0; k < n_arrays; k++) {
#pragma omp parallel for num_threads(n_threads) schedule(static)
        for (int64_t b = 0; b < n_blocks; b++) {
            int64_t first = b * BLOCK;
            int here = n - first < BLOCK ? (int) (n - first) : BLOCK;
            (divide ? divide_by : multiply)(here, factors[k], arrays[k] + first);
            if (b % 16 == 0) jc_settle(1);
        }
    }
    return JC_OK;
}

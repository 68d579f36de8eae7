#include "sky.h"

#include <math.h>

#define LANES 16
#define BLOCK 16384
#define CHUNK 1024

JC_CLONES
static void usable(int64_t n, const float *restrict image, const uint32_t *restrict flags,
                   uint32_t bits, float *restrict values)
{
    for (int64_t i = 0; i < n; i++) {
        const int good = fabsf(image[i]) < INFINITY && !(flags && flags[i] & bits);
        values[i] = good ? image[i] : NAN;
    }
}

jc_status jc_sky_take(int64_t n_spans, const int64_t *spans, int n_rows, int n_cols,
                      const float *image, const uint32_t *flags, uint32_t bits, int n_threads,
                      float *values)
{
    if (n_spans < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
    for (int64_t k = 0; k < n_spans; k++) {
        const int64_t *span = spans + 3 * k;
        if (span[0] < 0 || span[0] >= n_rows || span[1] < 0 || span[1] >= span[2] ||
            span[2] > n_cols)
            return JC_BAD_ARGUMENT;
    }
    int64_t *start = malloc((size_t) n_spans * sizeof *start);
    if (!start) return JC_NO_MEMORY;
    start[0] = 0;
    for (int64_t k = 1; k < n_spans; k++)
        start[k] = start[k - 1] + spans[3 * k - 1] - spans[3 * k - 2];
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int64_t k = 0; k < n_spans; k++) {
        const int64_t *span = spans + 3 * k, at = span[0] * n_cols + span[1];
        usable(span[2] - span[1], image + at, flags ? flags + at : NULL, bits, values + start[k]);
    }
    free(start);
    return JC_OK;
}

typedef struct {
    int64_t count;
    double first, second; /* sums of the distances from `about` and of their squares */
    float low, high;
} part;

/* At most BLOCK values. */
JC_CLONES
static part sums_of(int64_t n, const float *v, float low, float high, double about)
{
    double first[LANES] = {0}, second[LANES] = {0};
    int32_t count[LANES] = {0};
    float least[LANES], largest[LANES], tail[LANES];
    part sum = {0, 0, 0, INFINITY, -INFINITY};
    for (int k = 0; k < LANES; k++) {
        least[k] = INFINITY;
        largest[k] = -INFINITY;
    }
    for (int64_t i = 0; i < n; i += LANES) {
        const float *x = v + i;
        if (n - i < LANES) {
            for (int k = 0; k < LANES; k++)
                tail[k] = k < n - i ? x[k] : NAN;
            x = tail;
        }
        for (int k = 0; k < LANES; k++) {
            int in = (x[k] >= low) & (x[k] <= high);
            double away = in ? x[k] - about : 0.0;
            first[k] += away;
            second[k] += away * away;
            count[k] += in;
            least[k] = in && x[k] < least[k] ? x[k] : least[k];
            largest[k] = in && x[k] > largest[k] ? x[k] : largest[k];
        }
    }
    for (int k = 0; k < LANES; k++) {
        sum.first += first[k];
        sum.second += second[k];
        sum.count += count[k];
        if (least[k] < sum.low) sum.low = least[k];
        if (largest[k] > sum.high) sum.high = largest[k];
    }
    return sum;
}

static part sums_of_all(int64_t n, const float *values, float low, float high, double about,
                        int n_threads, part *parts)
{
    const int64_t n_parts = (n + BLOCK - 1) / BLOCK;
    part sum = {0, 0, 0, INFINITY, -INFINITY};
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int64_t p = 0; p < n_parts; p++)
        parts[p] = sums_of(n - p * BLOCK < BLOCK ? n - p * BLOCK : BLOCK, values + p * BLOCK, low,
                           high, about);
    for (int64_t p = 0; p < n_parts; p++) {
        sum.count += parts[p].count;
        sum.first += parts[p].first;
        sum.second += parts[p].second;
        if (parts[p].low < sum.low) sum.low = parts[p].low;
        if (parts[p].high > sum.high) sum.high = parts[p].high;
    }
    return sum;
}

jc_status jc_sky_range(int64_t n, const float *values, float low, float high, double about,
                       int n_threads, jc_sky_moments *moments)
{
    if (n < 1 || n_threads < 1 || !isfinite(about)) return JC_BAD_ARGUMENT;
    part *parts = malloc((size_t) ((n + BLOCK - 1) / BLOCK) * sizeof *parts), sum;
    if (!parts) return JC_NO_MEMORY;
    *moments = (jc_sky_moments){0, NAN, NAN, NAN, NAN};
    for (int pass = 0; pass < 3; pass++) {
        sum = sums_of_all(n, values, low, high, about, n_threads, parts);
        if (!sum.count) break;
        double away = sum.first / (double) sum.count;
        double scatter = sum.second - away * sum.first;
        *moments = (jc_sky_moments){sum.count, about + away, NAN, sum.low, sum.high};
        if (sum.count > 1)
            moments->std = sqrt((scatter > 0 ? scatter : 0) / (double) (sum.count - 1));
        /* far from the mean, the squares are larger than what is left of them: once more */
        if (!(fabs(away) > 30 * moments->std) || !isfinite(moments->mean)) break;
        about = moments->mean;
    }
    free(parts);
    return JC_OK;
}

JC_CLONES
static void bins_of(int n, const float *v, float low, float high, float per_unit, int32_t none,
                    int32_t *bin)
{
    for (int i = 0; i < n; i++) {
        int in = (v[i] >= low) & (v[i] < high);
        float at = per_unit * ((in ? v[i] : low) - low);
        bin[i] = in && at < (float) none ? (int32_t) at : none;
    }
}

static void count_bins(int64_t n, const float *v, float low, float high, float per_unit,
                       int n_bins, uint32_t *even, uint32_t *odd)
{
    int32_t bin[CHUNK];
    for (int64_t i = 0; i < n; i += CHUNK) {
        const int here = n - i < CHUNK ? (int) (n - i) : CHUNK;
        bins_of(here, v + i, low, high, per_unit, n_bins, bin);
        for (int k = 0; k + 1 < here; k += 2) { /* two tables: neighbours often share a bin */
            even[bin[k]]++;
            odd[bin[k + 1]]++;
        }
        if (here % 2) even[bin[here - 1]]++;
    }
}

jc_status jc_sky_histogram(int64_t n, const float *values, float low, float high, float per_unit,
                           int n_bins, int n_threads, uint32_t *histogram)
{
    if (n < 1 || n > UINT32_MAX || n_bins < 1 || n_bins > 1 << 24 || n_threads < 1 ||
        !(per_unit >= 0) || !isfinite(per_unit))
        return JC_BAD_ARGUMENT;
    const size_t size = 2 * ((size_t) n_bins + 1);
    uint32_t *tables = calloc(size * (size_t) n_threads, sizeof *tables);
    if (!tables) return JC_NO_MEMORY;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int t = 0; t < n_threads; t++) {
        const int64_t first = n * t / n_threads, last = n * (t + 1) / n_threads;
        uint32_t *table = tables + size * (size_t) t;
        count_bins(last - first, values + first, low, high, per_unit, n_bins, table,
                   table + n_bins + 1);
    }
    memset(histogram, 0, (size_t) n_bins * sizeof *histogram);
    for (int t = 0; t < 2 * n_threads; t++)
        for (int b = 0; b < n_bins; b++)
            histogram[b] += tables[(size_t) t * ((size_t) n_bins + 1) + (size_t) b];
    free(tables);
    return JC_OK;
}

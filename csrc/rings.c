#include "rings.h"

#include <math.h>
#include <stdlib.h>

#include "clipping.h"

/* First and last pixel, inside of an array, of those around a position. */
static void reach_of(double middle, double radius, int n, int *first, int *last)
{
    double low = ceil(middle - radius), high = floor(middle + radius);
    *first = low > 0 ? (low < n ? (int) low : n) : 0;
    *last = high < n - 1 ? (high >= 0 ? (int) high : -1) : n - 1;
}

/* Gather the values of a ring; how many there are. */
static int gather(const jc_rings *in, double x, double y, float *value)
{
    int n = 0, top, bottom, left, right;
    if (!isfinite(x) || !isfinite(y)) return 0;
    reach_of(y, in->outer, in->n_rows, &top, &bottom);
    reach_of(x, in->outer, in->n_cols, &left, &right);
    for (int row = top; row <= bottom; row++) {
        const float *image = in->image + (size_t) row * in->n_cols;
        for (int col = left; col <= right; col++) {
            double away = (col - x) * (col - x) + (row - y) * (row - y);
            value[n] = image[col];
            n += away < in->outer * in->outer && away >= in->inner * in->inner &&
                 isfinite(image[col]);
        }
    }
    return n;
}

#define LANES 8

JC_CLONES
static double mean_of(int n, const float *value, double from, int power)
{
    double lane[LANES] = {0}, sum = 0;
    int whole = n - n % LANES;
    for (int i = 0; i < whole; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            double away = value[i + k] - from;
            lane[k] += power == 2 ? away * away : away;
        }
    }
    for (int i = whole; i < n; i++) {
        double away = value[i] - from;
        sum += power == 2 ? away * away : away;
    }
    for (int k = 0; k < LANES; k++)
        sum += lane[k];
    return sum / n;
}

typedef struct {
    double median, std;
} statistics;

/* Of values in order. */
static statistics statistics_of(int n, const float *value)
{
    if (n == 0) return (statistics) {NAN, NAN};
    return (statistics) {((double) value[(n - 1) / 2] + value[n / 2]) / 2,
                         sqrt(mean_of(n, value, mean_of(n, value, 0, 1), 2))};
}

static jc_status ring(const jc_rings *in, int source, float *value, double *median, double *std,
                      int32_t *count)
{
    const double *position = in->position + 2 * (size_t) source;
    int64_t n_all = gather(in, position[0], position[1], value);
    jc_status status = n_all ? jc_sort_chosen(n_all, value, NULL, 1, value, &n_all) : JC_OK;
    int n = (int) n_all;
    statistics s = statistics_of(n, value);
    for (int pass = 0; pass < in->max_passes && n > 0; pass++) {
        double width = in->sigma * s.std;
        int before = n;
        while (n > 0 && !(value[n - 1] - s.median <= width))
            n--;
        while (n > 0 && !(s.median - value[0] <= width)) {
            value++;
            n--;
        }
        if (n == before) break;
        s = statistics_of(n, value);
    }
    *median = s.median;
    *std = s.std;
    *count = n;
    return status;
}

jc_status jc_ring_medians(const jc_rings *in, int n_threads, double *median, double *std,
                          int32_t *count)
{
    if (in->n_rows < 1 || in->n_cols < 1 || in->n_sources < 0 || n_threads < 1 ||
        in->max_passes < 0 || !(in->sigma > 0) || !(in->inner >= 0) || !(in->outer >= 0) ||
        !(in->outer < JC_MAX_OUTER))
        return JC_BAD_ARGUMENT;
    int failed = 0;
    size_t side = 2 * (size_t) in->outer + 3; /* of a square that holds the ring */
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        float *value = malloc(side * side * sizeof *value);
        failed |= value == NULL;
#pragma omp for schedule(static)
        for (int source = 0; source < in->n_sources; source++)
            if (value)
                failed |= ring(in, source, value, median + source, std + source, count + source) !=
                          JC_OK;
        free(value);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

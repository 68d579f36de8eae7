#include "persistence.h"
#include "keeper.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t flagged, dropped;
} counts;

/* One row of one group; `times` counts the saturated groups of the integration so far. */
JC_CLONES
static counts flag_row(const jc_persistence_input *in, const float *data, double time,
                       int32_t *times, uint8_t *groupdq, double *window)
{
    double end = time + in->duration, threshold = in->threshold;
    uint8_t saturated = in->saturated, flags = in->flags;
    counts found = {0, 0};
    int n = in->n_cols;
    for (int x = 0; x < n; x++) {
        double w = window[x] < time ? 0 : window[x];
        times[x] += (groupdq[x] & saturated) != 0;
        w = times[x] == 1 ? end : w;
        w = data[x] > threshold && !(w > 0) ? end : w;
        int late = w != 0 && w - end > 0;
        w = late ? 0 : w;
        groupdq[x] |= w > 0 ? flags : 0;
        window[x] = w;
        found.dropped += late;
        found.flagged += w > 0;
    }
    return found;
}

jc_status jc_persistence(const jc_persistence_input *in, int n_threads, uint8_t *groupdq,
                         double *window, int64_t *n_flagged, int64_t *n_dropped)
{
    if (in->n_ints < 1 || in->n_groups < 1 || in->n_rows < 1 || in->n_cols < 1 || n_threads < 1 ||
        !(in->duration > 0))
        return JC_BAD_ARGUMENT;
    size_t cols = (size_t) in->n_cols;
    int64_t flagged = 0, dropped = 0;
    int failed = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed) reduction(+ : flagged, dropped)
    {
        int32_t *times = malloc(cols * sizeof *times);
        failed |= times == NULL;
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            for (int k = 0; times && k < in->n_ints * in->n_groups; k++) {
                size_t at = ((size_t) k * in->n_rows + row) * cols;
                if (k % in->n_groups == 0)
                    memset(times, 0, cols * sizeof *times);
                counts found = flag_row(in, in->data + at, in->time[k], times, groupdq + at,
                                        window + row * cols);
                jc_settle(2);
                flagged += found.flagged;
                dropped += found.dropped;
            }
        free(times);
    }
    *n_flagged = flagged;
    *n_dropped = dropped;
    return failed ? JC_NO_MEMORY : JC_OK;
}

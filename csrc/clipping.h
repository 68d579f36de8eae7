/* csrc/clipping.h: robust statistics of many values, which are sorted once.
 *
 * Sigma clipping only ever keeps a range of the sorted values, so that medians are looked up, limits
 * found by bisection, and only sums need a pass. */
#ifndef JC_CLIPPING_H
#define JC_CLIPPING_H

#include "jwst_cal.h"

/* Sort the values that are chosen and finite, ascending. `values` and `sorted` may be the same. */
jc_status jc_sort_chosen(int64_t n, const float *values, const uint8_t *chosen /* NULL: all */,
                         int n_threads, float *sorted /* OUT [n] */, int64_t *count /* OUT */);

typedef struct {
    double mean, median, std; /* of what was not clipped; NaN if there was nothing */
    int64_t count;            /* of the values given that were not clipped */
} jc_clip_stats;

/* Mean, median and standard deviation of sorted values after sigma clipping: at most `max_passes`
 * times, values further than `sigma` standard deviations from the median are left out; in the end
 * all that lie within the last limits count.
 *
 * With `centre`, what is clipped are the values at or below it and their mirror images above it;
 * the mean and the median are then `centre`. */
jc_status jc_clip(int64_t n, const float *sorted, const double *centre /* NULL: as they are */,
                  double sigma, int max_passes, int n_threads, jc_clip_stats *stats /* OUT */);

/* The two values in the middle of all in their order, the same one twice if their number is odd;
 * NaN if one of them is NaN. -0 comes before 0. */
jc_status jc_middle(int64_t n, const float *values, int n_threads, float middle[2] /* OUT */);

#endif

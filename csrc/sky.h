/* csrc/sky.h: pixels of a region, moments and histogram of the values in a range, for the level of
 * the sky.
 *
 * NaN is in no range. Sums are of blocks of fixed size, added in their order: the bytes do not
 * depend on the number of threads. */
#ifndef JC_SKY_H
#define JC_SKY_H

#include "jwst_cal.h"

/* Values of the pixels in spans of rows, one after the other; NaN where they are not finite, or the
 * flags have one of `bits`. Spans lie in the image and are not empty. */
jc_status jc_sky_take(int64_t n_spans,
                      const int64_t *spans /* [span][row, first column, the one after the last] */,
                      int n_rows, int n_cols, const float *image /* [row][col] */,
                      const uint32_t *flags /* [row][col], or NULL */, uint32_t bits, int n_threads,
                      float *values /* OUT as many as there are pixels in the spans */);

typedef struct {
    int64_t count;
    double mean, std; /* std of a sample (count - 1); NaN where there are too few values */
    float low, high;  /* least and largest; NaN if there are none */
} jc_sky_moments;

/* Moments of the values from `low` to `high`, both included. `about` is any number near their mean:
 * the nearer, the fewer passes. */
jc_status jc_sky_range(int64_t n, const float *values, float low, float high, double about,
                       int n_threads, jc_sky_moments *moments /* OUT */);

/* Count values v with low <= v < high in the bins (int) (per_unit * (v - low)), in float32;
 * what lies beyond the last bin is left out. */
jc_status jc_sky_histogram(int64_t n, const float *values, float low, float high, float per_unit,
                           int n_bins, int n_threads, uint32_t *histogram /* OUT [n_bins] */);

#endif

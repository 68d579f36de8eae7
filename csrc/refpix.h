/* csrc/refpix.h: drifts of the readout, measured on reference pixels and taken off the image.
 *
 * Three parts, used in this order on any number of planes (groups):
 *
 * jc_refpix_means: mean of each set of reference pixels in each plane, without outliers: values
 *   farther than `limit` standard deviations from the mean are dropped until none is. NaN values
 *   are left out; the mean of nothing is NaN.
 * jc_refpix_side: signal along the slow axis from reference pixels at its sides: on each of two
 *   sides the median of all usable pixels in a window of rows, then the mean of both sides, or the
 *   one there is, or 0; times `gain`. The values of jc_refpix_subtract are taken off first.
 * jc_refpix_subtract: takes off the value of each pixel's set and the side signal of its row.
 *
 * With `base` the planes count from that plane: it is taken off first and put back at the end.
 *
 * Precision: the reference release works in float32 in the first plane of an exposure, or in all,
 * and in float64 in the rest. The first n_single planes are measured and corrected in float32, each
 * operation rounded, sums by halves as numpy does, so that outliers at the limit are the same
 * ones and the results the same bits; the others in float64. */
#ifndef JC_REFPIX_H
#define JC_REFPIX_H

#include "jwst_cal.h"

typedef struct {
    int n_planes, n_rows, n_cols;
    int n_single;      /* leading planes treated in float32 */
    const float *base; /* [row][col], DN; or NULL */
} jc_refpix_planes;

jc_status jc_refpix_means(const jc_refpix_planes *planes, const float *data /* [plane][row][col] */,
                          int n_sets,
                          const int32_t *start,  /* [set + 1], first of its pixels in the list */
                          const int32_t *pixels, /* [pixel], row * n_cols + col */
                          double limit, int n_threads, double *mean /* OUT [plane][set], DN */);

typedef struct {
    int n_slow, window; /* rows of the result; rows that a median is taken over */
    int n_pixels;       /* in a row, on each side */
    /* [side][n_slow + window - 1][pixel]: row i of the result uses rows i to i + window - 1 */
    const int32_t *pixels; /* row * n_cols + col, or -1: not usable */
    const int32_t *value;  /* number of the value to take off, or -1 */
    double gain;
} jc_refpix_sides;

jc_status jc_refpix_side(const jc_refpix_planes *planes, const float *data /* [plane][row][col] */,
                         int n_values, const double *values /* [plane][value], DN */,
                         const jc_refpix_sides *sides, int n_threads,
                         double *signal /* OUT [plane][n_slow], DN */);

typedef struct {
    int along_rows; /* 0: the values belong to columns, the signal to rows; 1: the reverse */
    int n_values, n_periods;
    const double *values; /* [plane][value], DN */
    const int32_t *which; /* [row % n_periods][col], or [0][row]: number of the value, or -1 */
    int n_channels;
    const double *signal;   /* [plane][channel][row or col], DN; or NULL */
    const int32_t *channel; /* [col or row]; NULL: one channel */
    int keep_zeros;         /* a count of exactly 0 stays 0 */
} jc_refpix_correction;

jc_status jc_refpix_subtract(const jc_refpix_planes *planes, const jc_refpix_correction *correction,
                             int n_threads, float *data /* IN OUT [plane][row][col], DN */);

#endif

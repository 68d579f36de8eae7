/* csrc/convolve.h: an image smoothed by a small kernel, missing pixels interpolated over; its peaks.
 *
 * out = sum of kernel * image / sum of kernel, both over the pixels around that are not missing.
 * Beyond the edges the image is 0 and not missing. Where nothing around is known the result is NaN.
 * Sums run over the rows of the kernel and their columns, in float64.
 *
 * Without `missing` nothing is, NaN are numbers like others, and the sum is not divided. Elements
 * of the kernel that are 0 reach nothing, not even NaN.
 *
 * Source: the behaviour of astropy.convolution.convolve with boundary="fill"; without `missing`,
 * that of scipy.ndimage.correlate with mode="constant". */
#ifndef JC_CONVOLVE_H
#define JC_CONVOLVE_H

#include "jwst_cal.h"

typedef struct {
    int n_rows, n_cols;
    int height, width;    /* of the kernel, odd */
    const float *image;   /* [row][col], NaN is missing */
    const uint8_t *missing; /* [row][col], 0 = known; NULL, see above */
    const double *kernel; /* [height][width] */
} jc_convolution;

jc_status jc_convolve(const jc_convolution *what, int n_threads, float *out /* OUT [row][col] */);

/* Peaks: usable pixels above a threshold that no pixel within a radius exceeds. Beyond the edges
 * the image is 0. NaN exceed nothing and are no peaks. */
typedef struct {
    int n_rows, n_cols;
    const float *image;      /* [row][col] */
    const uint8_t *unusable; /* [row][col], 0 = usable */
    double threshold;
    int radius;              /* pixels, at most JC_MAX_RADIUS */
} jc_peak_search;

#define JC_MAX_RADIUS 512

jc_status jc_peaks(const jc_peak_search *what, int n_threads, uint8_t *is_peak /* OUT [row][col] */);

#endif

/* csrc/convolve.h: an image smoothed by a small kernel, missing pixels interpolated over.
 *
 * out = sum of kernel * image / sum of kernel, both over the pixels around that are not missing.
 * Beyond the edges the image is 0 and not missing. Where nothing around is known the result is NaN.
 * Sums run over the rows of the kernel and their columns, in float64.
 *
 * Source: the behaviour of astropy.convolution.convolve with boundary="fill". */
#ifndef JC_CONVOLVE_H
#define JC_CONVOLVE_H

#include "jwst_cal.h"

typedef struct {
    int n_rows, n_cols;
    int height, width;    /* of the kernel, odd */
    const float *image;   /* [row][col], NaN is missing */
    const uint8_t *missing; /* [row][col], 0 = known */
    const double *kernel; /* [height][width] */
} jc_convolution;

jc_status jc_convolve(const jc_convolution *what, int n_threads, float *out /* OUT [row][col] */);

#endif

/* csrc/drizzle.h: an image spread over the pixels of another frame, in proportion to overlap.
 *
 * Source: Fruchter & Hook 2002, PASP 114, 144 (drizzle); names and shapes of the kernels after the
 * reference release. Pixel (row, col) is centred on (x, y)(row, col) of the output frame, where
 * pixel centres are whole numbers. A pixel without a place (NaN) or of weight 0 gives nothing.
 *
 * JC_SQUARE: the quadrilateral of the pixel, shrunk to `pixfrac`, whose corners are interpolated
 *     between the centres of its neighbours (extrapolated at the edge of the image); its weight
 *     is shared by area.
 * JC_TURBO: a square along the output's axes, of side pixfrac / scale_ratio, shared by area.
 * JC_POINT: the output pixel below the centre takes all.
 * JC_GAUSSIAN: exp(-r^2 (2.3548 scale_ratio / pixfrac)^2 / 2), normalised over the plane.
 * JC_LANCZOS2, JC_LANCZOS3: product of sin(pi a) sin(pi a / n) / (pi^2 a^2 / n) of both offsets times
 *     scale_ratio, in steps of 0.003. Not normalised, as in the reference.
 *
 * `scale_ratio`, 1e-4 to 1e4, is the size of an output pixel in input pixels; `pixfrac` is 1e-4 to 1.
 *
 * Areas are exact. Those of pixels that touch at most 4 x 4 output pixels are computed for eight
 * columns of the image at a time, edge by edge.
 *
 * With the values go variances, of which the root is spread in the same way.
 *
 * The sums are over a window of the output frame. Every output pixel belongs to one thread, which
 * adds the input pixels in an order of their own: the bytes do not depend on the number of threads,
 * nor on the rows of the window. */
#ifndef JC_DRIZZLE_H
#define JC_DRIZZLE_H

#include "jwst_cal.h"

#define JC_MAX_SPREAD 7 /* variances */

typedef enum { JC_SQUARE, JC_TURBO, JC_POINT, JC_GAUSSIAN, JC_LANCZOS2, JC_LANCZOS3 } jc_kernel;

typedef struct {
    int n_rows, n_cols;
    int row_from, row_to; /* rows that are spread; those beside them only have places */
    const double *x, *y;  /* [row][col], places in the output frame */
    const float *weight;  /* [row][col] */
    const float *values;  /* [row][col] */
    float level;          /* taken off the values */
    int n_variances;      /* at most JC_MAX_SPREAD */
    const float *const *variances; /* n_variances of [row][col] */
    const uint32_t *dq;   /* [row][col], or NULL */
    jc_kernel kernel;
    double pixfrac, scale_ratio;
    int first_row, first_col; /* of the window in the output frame */
} jc_drizzle_input;

jc_status jc_drizzle(const jc_drizzle_input *input, int window_rows, int window_cols,
                     int n_threads,
                     double *weight /* OUT [row][col] of the window, sum of weights */,
                     double *const *sums /* OUT the same of weight x value, and for each of the
                                            variances of weight x root */,
                     uint32_t *dq /* OUT the same, flags of all that gave weight; or NULL */);

#endif

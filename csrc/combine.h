/* csrc/combine.h: variances of images on the pixels of a mosaic, combined with weights.
 *
 * What drizzle.h spreads of an image are sums of weight x standard deviation. Their square, divided
 * by the weight, is the variance of the image at a pixel of the mosaic; those of several images are
 * added with the square of the images' weights. */
#ifndef JC_COMBINE_H
#define JC_COMBINE_H

#include "jwst_cal.h"

#define JC_MAX_VARIANCES 8

typedef struct {
    int n_rows, n_cols;       /* of the window that the image reaches */
    const double *weight;     /* [row][col] of the window, sum of weights */
    int n_variances;          /* at most JC_MAX_VARIANCES */
    const double *const *sums; /* n_variances of [row][col] of the window */
    int weigh_by;             /* the variance whose inverse is the weight of the image, or -1 */
    double image_weight;      /* that weight if it is -1 */
    int total_cols, first_col; /* columns of the mosaic, and the first of the window */
} jc_variances;

/* A variance enters where it is not infinite nor NaN, and the weight of the image, 0 if its
 * inverse is not finite, is above 0. Variances are rounded to float32 before they are used. */
jc_status jc_add_variances(const jc_variances *what, int n_threads,
                           double *const *totals /* IN OUT n_variances of [row][total_cols] */,
                           double *const *weights /* IN OUT the same, sums of image weights */);

#endif

/* csrc/combine.h: images on the pixels of a mosaic, combined with weights.
 *
 * What drizzle.h spreads of an image are sums of weight x value, and of weight x standard deviation.
 * The sums of all images give the weighted mean. The square of the standard deviation, divided by
 * the weight, is the variance of the image at a pixel of the mosaic; those of several images are
 * added with the square of the images' weights. */
#ifndef JC_COMBINE_H
#define JC_COMBINE_H

#include "jwst_cal.h"

#define JC_MAX_VARIANCES 8

/* Add the sums of an image, in a window of a mosaic of `total_cols` columns that begins at
 * `first_col`, to those of others; set the bits of `bit` where it has weight. */
jc_status jc_add_sums(int n_rows, int n_cols, const double *weight /* [row][col] of the window */,
                      const double *sum /* the same */, uint32_t bit, int total_cols, int first_col,
                      int n_threads, double *total_weight /* IN OUT [row][total_cols] */,
                      double *total /* IN OUT the same */,
                      uint32_t *context /* IN OUT the same, or NULL */);

/* total / weight; `fill` where there is no weight. */
jc_status jc_weighted_mean(int64_t n, const double *total, const double *weight, float fill,
                           int n_threads, float *mean /* OUT [n] */,
                           float *of_weight /* OUT [n] */);

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

/* factor x total / weight^2, and the root of the sum of what of that is no NaN. A variance whose
 * `totals` are NULL is NaN, and so is the root where all are. */
jc_status jc_mean_variances(int64_t n, int n_variances /* at most JC_MAX_VARIANCES */,
                            const double *const *totals, const double *const *weights,
                            double factor, int n_threads,
                            float *const *variances /* OUT n_variances of [n] */,
                            float *err /* OUT [n] */);

#endif

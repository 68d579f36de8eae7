/* csrc/moments.h: where the segments of an image are, how bright and how large. */
#ifndef JC_MOMENTS_H
#define JC_MOMENTS_H

#include "jwst_cal.h"

typedef struct {
    int n_rows, n_cols, n_labels;
    const int32_t *segment;   /* [row][col]; pixels of what is not 1 to n_labels do not count */
    const float *image;       /* [row][col] */
    const float *error;       /* [row][col], standard deviations */
    const float *smooth;      /* [row][col], the image that positions and sizes are measured in */
    const uint8_t *uncovered; /* [row][col], 1: without data */
} jc_labelled;

/* What is measured of a segment. Flux and variance are of the covered pixels in which the image is
 * finite; `mass` and the rest of those in which `smooth` is finite and not negative. */
typedef struct {
    double area, flux, variance;
    double mass, x, y;  /* sum, and mean column and row; NaN without mass */
    double xx, xy, yy;  /* mean squares and products of the distances from these, pixels^2 */
} jc_measured;

typedef struct {
    int32_t left, right, bottom, top; /* first and last column and row; left > right if it has none */
} jc_box;

/* Each segment is added up by one thread, row by row. */
jc_status jc_moments(const jc_labelled *what, int n_threads, jc_box *box /* OUT [label - 1] */,
                     jc_measured *measured /* OUT [label - 1] */);

#endif

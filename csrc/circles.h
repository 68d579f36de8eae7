/* csrc/circles.h: sums in circular apertures, of which pixels count by the part that is inside.
 *
 * Pixel k extends from k - 1/2 to k + 1/2. A pixel whose part inside is positive counts, whatever its
 * value: a NaN in it makes the sum NaN. */
#ifndef JC_CIRCLES_H
#define JC_CIRCLES_H

#include "jwst_cal.h"

typedef struct {
    int n_rows, n_cols;
    const float *image, *error; /* [row][col] */
    int n_sources;
    const double *position;     /* [source][2], column and row; nothing is around NaN */
    int n_radii;
    const double *radius;       /* [radius], pixels; finite, > 0 */
} jc_circles;

/* Sums and their standard deviations; NaN where the square around the circle is outside of the
 * image. */
jc_status jc_circle_sums(const jc_circles *circles, int n_threads,
                         double *total /* OUT [radius][source] */,
                         double *width /* OUT [radius][source] */);

/* The part of each pixel that is inside of a circle around (x, y). */
jc_status jc_circle_weights(int n_rows, int n_cols, double x, double y, double radius,
                            double *weight /* OUT [row][col] */);

#endif

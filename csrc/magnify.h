/* csrc/magnify.h: a coarse grid of values made as fine as an image, by weights along rows and columns. */
#ifndef JC_MAGNIFY_H
#define JC_MAGNIFY_H

#include "jwst_cal.h"

/* A value is the sum over the terms of down[row][term] * across[term][col], held between `least` and
 * `most`; 0 where `hidden`. With an image it is subtracted from it, in float32. */
typedef struct {
    int n_rows, n_cols, n_terms;
    const double *down;    /* [row][term] */
    const double *across;  /* [term][col] */
    double least, most;    /* least <= most */
    const uint8_t *hidden; /* [row][col] */
    const float *image;    /* [row][col], or NULL */
} jc_grid;

jc_status jc_magnify(const jc_grid *grid, int n_threads, float *value /* OUT [row][col] */);

#endif

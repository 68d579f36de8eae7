/* csrc/rings.h: the background around sources: median of a ring, after sigma clipping. */
#ifndef JC_RINGS_H
#define JC_RINGS_H

#include "jwst_cal.h"

/* The finite pixels of the image whose centre is at least `inner` and less than `outer` away from a
 * position count. At most `max_passes` times, those further than `sigma` standard deviations from
 * the median are left out. */
typedef struct {
    int n_rows, n_cols;
    const float *image;     /* [row][col] */
    int n_sources;
    const double *position; /* [source][2], column and row; nothing is around NaN */
    double inner, outer;    /* pixels; 0 <= inner, outer < JC_MAX_OUTER */
    double sigma;
    int max_passes;
} jc_rings;

#define JC_MAX_OUTER 4096

jc_status jc_ring_medians(const jc_rings *rings, int n_threads, double *median /* OUT [source] */,
                          double *std /* OUT [source], NaN like the median if nothing is left */,
                          int32_t *count /* OUT [source], of what is left */);

#endif

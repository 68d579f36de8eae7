/* csrc/labels.h: the connected pixels of an image that are above a threshold. */
#ifndef JC_LABELS_H
#define JC_LABELS_H

#include "jwst_cal.h"

/* Pixels above `times` (float32) the threshold that are not masked; NaN is above nothing. Those
 * that touch form a segment; segments of fewer than `n_pixels` are dropped, the others numbered from
 * 1 in the order of their first pixels in the array.
 * Source: runs of pixels joined by union-find, He et al. 2008, IEEE Trans. Image Process. 17, 749. */
typedef struct {
    int n_rows, n_cols, n_pixels;
    int connectivity;       /* 4 or 8 neighbours */
    const float *image;     /* [row][col] */
    const float *threshold; /* [row][col] */
    float times;
    const uint8_t *masked;  /* [row][col], other than 0 where masked; or NULL */
} jc_above;

jc_status jc_label(const jc_above *what, int n_threads, int32_t *segment /* OUT [row][col] */,
                   int32_t *n_segments /* OUT */);

#endif

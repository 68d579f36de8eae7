/* csrc/segments.h: which segments of an image may be several sources. */
#ifndef JC_SEGMENTS_H
#define JC_SEGMENTS_H

#include "jwst_cal.h"

/* A segment may be divided if there is a level above which two parts of it, of at least `n_pixels`
 * pixels each, do not touch. Pixels are added from the brightest on (those that are equal in the order
 * of the array, NaN last), and the parts that a pixel joins are looked at: they may be larger than
 * at any level by pixels as bright as it. */
typedef struct {
    int n_rows, n_cols, n_labels, n_pixels;
    int connectivity;       /* 4 or 8 neighbours */
    const float *image;     /* [row][col] */
    const int32_t *segment; /* [row][col], 0 (none) to n_labels */
} jc_segments;

jc_status jc_divisible(const jc_segments *what, int n_threads, uint8_t *divisible /* OUT [label - 1] */);

#endif

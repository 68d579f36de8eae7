/* csrc/showers.h: showers: faint, wide emission after a cosmic ray in MIRI's detectors.
 *
 * In each group but the first usable one of an integration, the signal-to-noise ratio of the
 * difference to the group before,
 *     |difference - median| / sigma                                  (float32)
 * is averaged over a ring about each pixel, leaving out flagged pixels; outside the detector it
 * counts as 0. Regions where the mean exceeds a threshold, of at least min_area, are showers.
 *
 * A sample makes no difference when it carries an unusable bit or only the jump bit; it takes no
 * part in the mean when it carries any of them, or its pixel is masked. */
#ifndef JWST_CAL_SHOWERS_H
#define JWST_CAL_SHOWERS_H

#include "large_events.h"

typedef struct {
    jc_cube cube;
    const float *data;       /* [integration][group][row][col], DN */
    const float *gain;       /* [row][col], e-/DN */
    const uint8_t *groupdq;  /* [integration][group][row][col] */
    const uint8_t *masked;   /* [row][col], 1: takes no part */
    const uint8_t *idle;     /* [row][col], 1: does not make a group usable */
    const float *median;     /* [row][col], or [group-1][row][col] if per_group; electrons */
    const float *sigma;      /* the same */
    int per_group;           /* 0 or 1 */
    int n_taps;
    const int32_t *taps;     /* [tap][2], row and column from the centre of the ring */
    double threshold, min_area;
    uint8_t jump, saturated, do_not_use;
} jc_shower_search;

/* Ellipses of the showers: found[integration * n_groups + group], each to be freed with
 * jc_ellipses_free, also after a failure. */
jc_status jc_showers_find(const jc_shower_search *search, int n_threads,
                          jc_ellipses *found /* OUT [integration][group] */);

/* Take flags back where they matter too much. For each pixel of an integration the mean difference
 * of its samples without any of the bits is found with the flags before and after; the flags
 * before are restored where the two differ by more than the limit or one of them does not exist,
 * and in idle pixels. */
jc_status jc_showers_limit(const jc_cube *cube, const float *data, const float *gain,
                           const uint8_t *idle, const uint8_t *before, uint8_t bits,
                           const float *limit /* [row][col], electrons */, int n_threads,
                           uint8_t *after /* INOUT */);

#endif

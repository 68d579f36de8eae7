/* csrc/jump.h: cosmic-ray jumps in ramps, by the two-point difference method.
 *
 * Samples are multiplied by the gain and differenced group by group, in float32. A sample with an
 * unusable bit, or NaN, makes the two differences it takes part in unusable. All differences of a
 * pixel, over all integrations, are compared with one noise
 *     sigma = sqrt(|median| + (read_noise gain)^2 / n_frames)      [electrons]
 * and the group that ends a difference is flagged when |difference - median| / sigma exceeds the
 * threshold. How the median is taken depends on the method:
 *
 *   JC_JUMP_CLIP         for few differences: on absolute differences, the largest one left out of
 *                        the median when four or more are usable, the smaller one taken of two.
 *                        The worst offender (all that tie with it) is flagged and removed, and the
 *                        pixel looked at again, until none exceeds the threshold for the number of
 *                        differences then left (two, three, four or more).
 *   JC_JUMP_SINGLE_PASS  the plain median; all that exceed the threshold are flagged at once.
 *   JC_JUMP_SIGMA_INTS   sigma clipping (at most five rounds, about the median) of one group over
 *                        the integrations. A group in which every pixel would then be flagged is
 *                        given back.
 *   JC_JUMP_SIGMA_ALL    the same over all groups and integrations of a pixel.
 *
 * Neighbours: a flagged sample whose ratio to the plain median lies strictly between min_neighbor
 * and max_neighbor flags the four pixels beside it in the same group, unless those are unusable.
 * Afterglow: a flagged sample (neighbours included) that exceeds the median by after_electrons[k]
 * flags after_groups[k] further groups, unless unusable.
 * A jump bit on an unusable sample is removed.
 *
 * Source: Anderson and Gordon 2011, PASP 123, 1237 (two-point difference method). */
#ifndef JWST_CAL_JUMP_H
#define JWST_CAL_JUMP_H

#include "jwst_cal.h"

typedef enum {
    JC_JUMP_CLIP = 0,
    JC_JUMP_SINGLE_PASS = 1,
    JC_JUMP_SIGMA_INTS = 2,
    JC_JUMP_SIGMA_ALL = 3
} jc_jump_method;

typedef struct {
    int n_integrations, n_groups, n_rows, n_cols;
    const float *data;       /* [integration][group][row][col], DN */
    const void *gain;        /* float32 [row][col], e-/DN */
    const void *read_noise;  /* float32 [row][col], DN, of the difference of two reads */
    double n_frames;         /* reads averaged in a group */
    int gain_swapped, noise_swapped; /* in the other byte order */
} jc_jump_ramp;

typedef struct {
    jc_jump_method method;
    double threshold;       /* four or more differences, sigma */
    double threshold_three; /* three differences: four groups */
    double threshold_two;   /* two differences: three groups */
    int flag_neighbors;     /* 0 or 1 */
    double min_neighbor, max_neighbor; /* sigma */
    double after_electrons[2];
    int after_groups[2]; /* 0: none */
    uint8_t jump;        /* bit set on a jump */
    uint8_t unusable;    /* bits of samples that cannot be used */
    uint8_t do_not_use;  /* the bit that, with jump, counts as lost in sigma clipping */
} jc_jump_rule;

/* Flag the jumps of one exposure. n_found counts the samples that carry the jump bit before
 * neighbours and afterglow are added, those flagged on input included.
 * JC_BAD_ARGUMENT: a size below 1, n_groups below 2, n_frames not positive. */
jc_status jc_jump(const jc_jump_ramp *ramp, const jc_jump_rule *rule, int n_threads,
                  uint8_t *groupdq /* INOUT [integration][group][row][col] */,
                  int64_t *n_found /* OUT */);

/* Median of the usable differences of each pixel, electrons; NaN where there is none. A sample is
 * unusable with one of the bits, or when its flags are exactly `lone` (0: none such). Read noise is
 * not used; n_frames must be positive. */
jc_status jc_jump_median(const jc_jump_ramp *ramp, const uint8_t *groupdq, uint8_t unusable,
                         uint8_t lone, int n_threads, float *median /* OUT [row][col] */);

/* Median of the numbers that are not NaN, which it is when there are none. */
jc_status jc_jump_typical(const float *values, int64_t n, float *median /* OUT */);

/* dead[k] = 1 where every sample of plane k carries one of the bits. */
jc_status jc_jump_dead_planes(const uint8_t *groupdq /* [plane][row][col] */, int n_planes,
                              int64_t n_pixels, uint8_t bits, uint8_t *dead /* OUT [plane] */);

#endif

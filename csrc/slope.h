/* csrc/slope.h: count rates of ramps by optimally weighted least squares (OLS).
 *
 * A ramp is one integration of one pixel. Its unflagged groups form segments: runs of good groups,
 * each of which may begin with the group in which a jump landed. Every segment is fitted with a
 * straight line whose weights, symmetric about its middle, grow steeper with its signal-to-noise
 * ratio; so the slope is a dot product of the groups with coefficients that depend on the length
 * and the power alone:
 *
 *     w_k = |2k/(L-1) - 1|^power,   slope = sum w_k (k - m) y_k / sum w_k (k - m)^2 / group_time
 *
 * with m = (L-1)/2. Variances of a segment of L groups, in (DN/s)^2:
 *
 *     Poisson     (max(median rate, 0) + dark current) / (gain group_time (L-1))
 *     read noise  12 (noise / (gain group_time))^2 / (L^3 - L)
 *
 * The median rate is that of the differences of a ramp's usable groups, averaged over the
 * integrations. Segments, and integrations, are averaged with the inverse of the read-noise
 * variance as weight. Segments of one group count only if there is none longer, and then the
 * first alone.
 *
 * A pixel that cannot be fitted has slope NaN and variances 0. A group that is NaN counts as
 * DO_NOT_USE. Variances of 1e6 and more are stored as 0.
 *
 * Source: Fixsen et al. 2000, PASP 112, 1350 (weights); Robberto 2008, JWST-STScI-0001490
 * (segments). */
#ifndef JC_SLOPE_H
#define JC_SLOPE_H

#include "jwst_cal.h"

typedef struct {
    int n_ints, n_groups, n_rows, n_cols;
    int first, used;             /* the groups to fit: used of them, from index first */
    const float *data;           /* [integration][group][row][col], DN */
    const uint8_t *groupdq;      /* [integration][group][row][col] */
    const uint32_t *pixeldq;     /* [row][col] */
    const void *gain;            /* float32 [row][col], e-/DN */
    const void *read_noise;      /* float32 [row][col], DN, of a difference of two frames */
    const float *dark_current;   /* [row][col], DN/s; NULL for none */
    const float *zeroframe;      /* [integration][row][col], DN; NULL for none */
    int gain_swapped, noise_swapped; /* these planes are in the other byte order */
} jc_slope_ramps;

typedef struct {
    double group_time;           /* s, from group to group */
    double frame_time;           /* s, of one frame: exposure time of ZEROFRAME */
    double first_time;           /* s, mean exposure time of the first group */
    double pedestal_groups;      /* the first group's mean time as a fraction of a group */
    int n_frames;                /* frames averaged in a group */
    int suppress_one_group;      /* a ramp of one good group counts as having none */
    int clear_first_jump;        /* the first group of the fit is good even if a jump hit it */
    uint32_t do_not_use, saturated, jump, persistence, charge_loss; /* bits of groupdq and dq */
    uint32_t no_gain;            /* bit of dq for a gain that is NaN or not positive */
} jc_slope_options;

typedef struct {
    float *slope;                /* DN/s */
    uint32_t *dq;
    float *var_poisson, *var_rnoise; /* (DN/s)^2 */
    float *err;                  /* DN/s */
} jc_slope_image;

/* Every segment of every ramp, zero-filled by the caller. */
typedef struct {
    int n_segments, n_jumps;
    float *slope, *sigslope, *var_poisson, *var_rnoise, *yint, *sigyint, *weights;
                                 /* each [integration][segment][row][col] */
    float *pedestal;             /* [integration][row][col], DN */
    float *jump_size;            /* [integration][jump][row][col], DN; NULL when n_jumps is 0 */
} jc_slope_segments;

/* The greatest number of segments, and of jumps, in one ramp: the sizes of jc_slope_segments. */
jc_status jc_slope_extent(const jc_slope_ramps *ramps, const jc_slope_options *options,
                          int n_threads, int *n_segments /* OUT */, int *n_jumps /* OUT */);

/* Fit every ramp. segments may be NULL. Inputs are not changed; but rateints may lie in the ramps
 * themselves, each plane in that of a group of its own integration. */
jc_status jc_slope(const jc_slope_ramps *ramps, const jc_slope_options *options, int n_threads,
                   const jc_slope_image *rate /* OUT [row][col] */,
                   const jc_slope_image *rateints /* OUT [integration][row][col] */,
                   size_t step /* pixels of rateints from one integration to the next */,
                   const jc_slope_segments *segments /* OUT */);

#endif

/* csrc/traps.h: charge traps: the persistence that filled ones release, and what a ramp fills.
 *
 * Traps come in families, each with its own rates. In the order of time:
 *   - `between` of a family's filled traps empty in the reset before an integration but the first;
 *   - in each group `decay` of them empties; what all have released since the integration began is
 *     taken off the counts, and pixeldq gets `flag` where that is `cutoff` or more;
 *   - at the end of the integration traps are filled, for a family
 *         density rate^2 ramp[n]                    by a ramp that is above `full` in n groups,
 *         + (slow density - those, but for instant density) soak[n]    if n > 0; with all groups
 *                                                   above, "those" are instant density,
 *         + sum of density jump hit[group]          by the jumps.
 *
 * `rate` is the line's slope over (full * group_time): the differences of neighbouring groups,
 * saturated ones last, are sorted, and the smallest are averaged, as many as there are less one
 * for each flag of a jump and each saturated group (a single group: its counts). A jump is
 * what a flagged group exceeds the one before and the slope by. Both as in jwst 1.18.1, in float32.
 * A difference that is not finite counts as a jump, a jump that is not finite or negative as 0.
 *
 * Source: Regan, M., models of trap capture and decay for JWST (STScI), as in jwst 1.18.1. */
#ifndef JC_TRAPS_H
#define JC_TRAPS_H

#include "jwst_cal.h"

typedef struct {
    int n_ints, n_groups, n_rows, n_cols, n_families;
    const uint8_t *groupdq;  /* [integration][group][row][col] */
    uint8_t saturated, jump; /* bits of groupdq */
    const float *density;    /* [row][col], traps of a pixel; 0 where unknown */
    const float *full;       /* [row][col], DN; NaN: never above, rate 0 */
    double group_time;       /* s */
    double cutoff;           /* DN */
    uint32_t flag;           /* bit of pixeldq */
    const float *decay, *between; /* [family], fraction of the filled traps */
    const double *slow, *instant; /* [family], traps in reach per trap of density */
    const double *ramp; /* [first integration, later ones][family][groups above full, 0 to all] */
    const double *soak; /* [family][groups above full, 0 to all], fraction of the slow traps */
    const double *hit;  /* [family][group], per trap and DN */
} jc_traps_input;

jc_status jc_traps(const jc_traps_input *input, int n_threads,
                   float *data,        /* IN OUT [integration][group][row][col], DN */
                   uint32_t *pixeldq,  /* IN OUT [row][col] */
                   float *traps,       /* IN OUT [family][row][col], filled ones, DN */
                   float *persistence, /* OUT [integration][group][row][col], DN; or NULL */
                   int64_t *n_flagged  /* OUT, pixels */);

#endif

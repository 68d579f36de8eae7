/* csrc/persistence.h: groups in which a pixel may still release charge from an earlier saturation.
 *
 * Each pixel has the time at which its window ends, 0 for none. In the order of time, in each group:
 * a window that has ended is dropped; one opens at the first saturated group of an integration,
 * also when another is open, and anew in each group until the pixel is saturated again; one opens
 * where the counts exceed `threshold` and none is open; one that ends later than it could by now is
 * dropped; the group gets `flags` where one is open.
 *
 * As in jwst 3.0.0. The windows carry over from exposure to exposure. */
#ifndef JC_PERSISTENCE_H
#define JC_PERSISTENCE_H

#include "jwst_cal.h"

typedef struct {
    int n_ints, n_groups, n_rows, n_cols;
    const float *data;        /* [integration][group][row][col], DN */
    const double *time;       /* [integration][group], end of each group, s */
    double duration;          /* of a window, s */
    double threshold;         /* DN; NaN: none */
    uint8_t saturated, flags; /* bits of groupdq */
} jc_persistence_input;

jc_status jc_persistence(const jc_persistence_input *input, int n_threads,
                         uint8_t *groupdq, /* IN OUT [integration][group][row][col] */
                         double *window /* IN OUT [row][col], end of the window, s; 0: none */,
                         int64_t *n_flagged /* OUT, groups times pixels */,
                         int64_t *n_dropped /* OUT, windows that ended too late */);

#endif

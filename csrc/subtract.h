/* csrc/subtract.h: take a reference off every integration of an exposure, in place.
 *
 * data[i][g] -= reference[which[i]][g] for the first n_corrected groups, NaN of the reference
 * counted as 0. group_step is the distance in elements from the plane of one group to that of the
 * next: 0 when one image serves every group (a superbias), n_rows * n_cols for a reference ramp
 * (a reset). integration_step likewise separates the integrations of the reference.
 * With zero_is_bad a value of exactly 0 in data stands for a missing one and stays 0.
 *
 * The rows are shared among the threads; a row of the reference stays in cache over all
 * integrations and groups. */
#ifndef JC_SUBTRACT_H
#define JC_SUBTRACT_H

#include "jwst_cal.h"

typedef struct {
    int n_ints, n_groups, n_rows, n_cols; /* of the exposure */
    const uint32_t *reference; /* bits of float32 [integration][group][row][col], steps below */
    int swapped;               /* reference is in the other byte order */
    ptrdiff_t integration_step, group_step;
    int n_corrected;      /* groups that the reference corrects, <= n_groups */
    const int32_t *which; /* [n_ints], integration of the reference for each of the exposure */
    int zero_is_bad;
} jc_subtraction;

jc_status jc_subtract(const jc_subtraction *what, int n_threads,
                      float *data /* IN OUT [integration][group][row][col] */);

#endif

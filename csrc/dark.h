/* csrc/dark.h: average the frames of a dark into the groups of an exposure and subtract them.
 *
 * Group g of the exposure takes the mean of frames_per_group frames from frame g * group_step on;
 * NaN in a frame counts as 0. The mean is summed in float32, frame by frame. The frames are
 * read where they lie, for instance in a mapped FITS file: any strides, either byte order.
 *
 * With `extrapolate` the frames past the last continue the last two in a straight line, and
 * all sums are made in float64; a mean is rounded to float32, a single frame that stands for a group
 * (frames_per_group and group_step 1) is not.
 *
 * Integration i of the exposure takes integration which[i] of the dark. Only the groups from
 * group_from up to group_to, in the rows from row_from up to row_to, are changed, and what they need
 * is read, so that a caller can let go of the pages of a mapped file in between. One group comes
 * after the other, as the frames lie in the file; the rows are shared among the threads. */
#ifndef JC_DARK_H
#define JC_DARK_H

#include "jwst_cal.h"

typedef struct {
    int n_ints, n_groups, n_rows, n_cols;             /* of the exposure */
    int n_dark_ints, n_frames;                        /* of the dark */
    const unsigned char *frames;                      /* float32 [integration][frame][row][col] */
    ptrdiff_t integration_step, frame_step, row_step; /* bytes; columns are contiguous */
    int swapped;                                      /* frames are in the other byte order */
    int frames_per_group, group_step;
    int extrapolate;
    const int32_t *which; /* [n_ints] */
    int group_from, group_to;
    int row_from, row_to;
} jc_dark;

jc_status jc_subtract_dark(const jc_dark *dark, int n_threads,
                           float *data /* IN OUT [integration][group][row][col], DN */,
                           float *averaged /* OUT [dark integration][group][row][col], or NULL */);

#endif

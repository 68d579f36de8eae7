/* csrc/irs2.h: NIRSpec IRS2, between the array and the stream of samples in time order.
 *
 * A row of the array holds one pixel of each of the n_lines lines of a readout, the first line in
 * the first column, or in the last one (`backwards`); its place in time within a line is its slot.
 * A frame is a stream of n_lines lines of n_slots samples, some of them gaps, kept as
 * [slot][line]. Samples count from the mean of their pixel's ramp, and from a straight line in time,
 *
 *     x = (float) (data - mean) - (offset + slope t),    t = n_slots line + slot, from the middle.
 *
 * A sample of exactly 0 is missing: it stays 0. So does one that is not finite.
 *
 * jc_irs2_pairs: of pairs of rows, in all groups: mean of the absolute difference, mean and standard
 *   deviation of the values.
 * jc_irs2_mean: the mean over the groups.
 * jc_irs2_stream: samples of some rows, in their slots.
 * jc_irs2_fill: missing samples replaced by the mean of the known ones around, weighted; 0 without.
 * jc_irs2_subtract: samples less their noise, and the mean put back. The result may lie on the data:
 *   all are read before it is written. */
#ifndef JC_IRS2_H
#define JC_IRS2_H

#include "jwst_cal.h"

typedef struct {
    int n_rows, n_lines; /* of the array */
    int n_slots, backwards;
    int n_pixels;         /* in the lists, one for each row used */
    const int32_t *row;   /* [pixel] */
    const int32_t *slot;  /* [pixel] */
    const int32_t *to;    /* [pixel], row of the result */
    const float *line;    /* [pixel][2]: offset, DN; slope, DN per sample */
} jc_irs2_pixels;

jc_status jc_irs2_pairs(int n_groups, int n_rows, int n_cols,
                        const float *data /* [group][row][col], DN */, int n_pairs,
                        const int32_t *first /* [pair]: rows first and first + 1 */, int n_threads,
                        double *found /* OUT [pair][difference, mean, deviation], DN */);

jc_status jc_irs2_mean(int n_groups, size_t n_pixels, const float *data /* [group][pixel], DN */,
                       int n_threads, double *mean /* OUT [pixel], DN */);

jc_status jc_irs2_stream(const jc_irs2_pixels *pixels, const float *plane /* [row][line], DN */,
                         const double *mean /* [row][line], DN */, int n_threads,
                         int n_to, float *stream /* OUT [to][line], DN; other rows stay */);

jc_status jc_irs2_fill(int n_slots, int n_lines, const float *stream /* [slot][line], DN */,
                       int n_weights /* odd */, const double *weights, int n_threads,
                       float *filled /* OUT [slot][line], DN */);

jc_status jc_irs2_subtract(const jc_irs2_pixels *pixels, const float *plane /* [row][line], DN */,
                           const double *mean /* [row][line], DN */,
                           const uint8_t *with_mean /* [pixel]: the mean is put back */,
                           int n_threads,
                           float *noise /* IN OUT [pixel][line], DN: used up */, int n_to,
                           float *out /* OUT [to][column], DN */);

#endif

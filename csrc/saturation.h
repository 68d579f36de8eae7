/* csrc/saturation.h: the groups in which a pixel has reached its full well, flagged in place.
 *
 * A pixel whose counts reach `limit` is `saturated` in that group and all later ones of the
 * integration, and so are the pixels within `rings` rows and columns of it. Counts of 0 and less
 * set `low` in their group. Where the limit is NaN or its flags have `no_check`, the limit is
 * `unchecked_limit`, and NaN sets `no_check`. The flags of the limit are added to pixeldq. Where a
 * value of the zeroframe is saturated, near a saturated one, or low, it becomes 0.
 * A NaN among the data is neither saturated nor low.
 *
 * With `reads`, groups are means of n_reads reads, and one that saturates between two of its
 * reads may stay below the limit:
 *   - the group before the first saturated one, if it has neither flag and reaches the limit times
 *     (mean time of its reads) / (time of the last), gets `do_not_use`, with its neighbours;
 *   - the second group, if the third is its first saturated one, the first group's rate would not
 *     reach the limit by the third, and the step from the first to the second exceeds
 *     (limit - first) / n_reads, gets `do_not_use`.
 * With `second_only` (NIRSpec IRS2) there is no first test, the third group must itself reach the
 * limit, and the second group gets `saturated`, with its neighbours.
 *
 * `rows` tells which row of the data holds a row of the image, where reference rows are interleaved
 * with it (IRS2): these are neither tested nor neighbours.
 *
 * Method: a look whether there are flags of earlier runs; then the first saturated group of each
 * pixel, some rows at a time; growing is a minimum over a box, made as soon as the rows around are
 * known, while the row is in the cache. Each thread has rows of its own and measures those around.
 * Flags of earlier runs grow within their group, as in stcal 1.20.0, by a slower way.
 * Source: stcal 1.20.0; MacDonald Baines 2023 for the groups of several reads. */
#ifndef JC_SATURATION_H
#define JC_SATURATION_H

#include "jwst_cal.h"

typedef struct {
    int n_ints, n_groups; /* fewer than 65535 groups */
    int n_rows, n_cols;   /* of the image */
    int n_data_rows;
    const int32_t *rows;      /* [row], row of the data; NULL: the same */
    const float *data;        /* [integration][group][data row][col], DN */
    const void *limit;        /* float32 [row][col], DN */
    const uint32_t *limit_dq; /* [row][col] */
    uint32_t no_check;        /* bit of limit_dq and pixeldq */
    float unchecked_limit;    /* DN */
    int rings;
    uint8_t saturated, low, do_not_use; /* bits of groupdq */
    int limit_swapped;        /* the limit is in the other byte order */
} jc_saturation_input;

typedef struct {
    int n_reads;       /* in each group, at least 1 */
    const void *bias;  /* float32 [row][col], DN; NULL: none */
    int second_only;
    int bias_swapped;  /* the bias is in the other byte order */
} jc_saturation_reads;

typedef struct {
    int64_t saturated, low; /* ramps (pixels times integrations) with the flag in any group */
} jc_saturation_count;

jc_status jc_saturation(const jc_saturation_input *input,
                        const jc_saturation_reads *reads /* or NULL */, int n_threads,
                        uint8_t *groupdq,  /* IN OUT [integration][group][data row][col] */
                        uint32_t *pixeldq, /* IN OUT [data row][col] */
                        float *zeroframe,  /* IN OUT [integration][data row][col], DN; or NULL */
                        jc_saturation_count *count /* OUT */);

#endif

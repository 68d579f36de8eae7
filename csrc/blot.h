/* csrc/blot.h: an image seen on the pixels of another, and what of that one differs from it. */
#ifndef JC_BLOT_H
#define JC_BLOT_H

#include "jwst_cal.h"

/* Interpolate an image bilinearly, in float32, at places where pixel centres are whole numbers.
 * NaN outside 0 <= x < n_cols, 0 <= y < n_rows, and where the place is NaN. Beyond the centres of
 * the last column (row) its values go on unchanged. */
jc_status jc_blot(int n_rows, int n_cols, const float *image /* [row][col] */, int64_t n_places,
                  const double *x, const double *y, int n_threads, float *blot /* OUT [place] */);

typedef struct {
    float level;      /* taken off the data */
    float snr[2];     /* limits, in standard deviations */
    float scale[2];   /* and of the blot's largest difference to its four neighbours */
} jc_outlier_limits;

/* Find pixels whose distance from the blot exceeds the second limit, scale deriv + snr err, and
 * that of whose 3 x 3 surroundings one exceeds the first; all in float32. An err of NaN is 0, and
 * where data or blot are NaN nothing is found. */
jc_status jc_outliers(int n_rows, int n_cols, const float *data, const float *err,
                      const float *blot /* [row][col] each */, const jc_outlier_limits *limits,
                      int n_threads, uint8_t *outlier /* OUT [row][col] */);

#endif

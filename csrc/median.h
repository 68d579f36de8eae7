/* csrc/median.h: medians through a stack of images.
 *
 * Of an even number of values it is the mean of the two in the middle. */
#ifndef JC_MEDIAN_H
#define JC_MEDIAN_H

#include "jwst_cal.h"

/* Median of each pixel; NaN is left out, and the result where there is nothing else. */
jc_status jc_median(int n_images, int64_t n_pixels, const float *images /* [image][pixel] */,
                    int n_threads, float *median /* OUT [pixel] */);

/* Median of `width` images around each one; NaN where one of them is NaN. The window of image k
 * begins at k - width / 2; at both ends it stays at the first (last) full window. */
jc_status jc_rolling_median(int n_images, int64_t n_pixels,
                            const float *images /* [image][pixel] */, int width, int n_threads,
                            float *median /* OUT [image][pixel] */);

#endif

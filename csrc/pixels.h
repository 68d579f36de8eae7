/* csrc/pixels.h: what is done to each pixel of calibrated images, whose arrays are passed over once. */
#ifndef JC_PIXELS_H
#define JC_PIXELS_H

#include "jwst_cal.h"

#define JC_MAX_ARRAYS 8

/* Where one of the arrays is NaN, or the flags have one of `bits`, set all arrays to NaN and the
 * flags to have all of `bits`. Memory without such pixels is not written to. */
jc_status jc_reconcile(int64_t n, int n_arrays /* at most JC_MAX_ARRAYS */, uint32_t bits, int n_threads,
                       float *const *arrays /* IN OUT n_arrays of [n] */,
                       uint32_t *flags /* IN OUT [n], or NULL */);

/* 1 / variance; 0 where that is not finite, or the flags have one of `bits`. */
jc_status jc_inverse_variance(int64_t n, const float *variance, const uint32_t *flags, uint32_t bits,
                              int n_threads, float *inverse /* OUT [n] */);

/* Multiply each array by its factor, or divide it by that; in float64, rounded once. */
jc_status jc_scale(int64_t n, int n_arrays /* at most JC_MAX_ARRAYS */,
                   const double *factors /* [n_arrays] */, int divide, int n_threads,
                   float *const *arrays /* IN OUT n_arrays of [n] */);

#endif

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

/* Give the flags all of `bits` where chosen, and count where. */
jc_status jc_flag(int64_t n, const uint8_t *chosen /* [n], 0 or 1 */, uint32_t bits, int n_threads,
                  uint32_t *flags /* IN OUT [n] */, int64_t *count /* OUT */);

/* Set to NaN what is where the weight is below a limit; nothing if that is NaN. */
jc_status jc_leave_out(int64_t n, const float *weight, double limit, int n_threads,
                       float *values /* IN OUT [n] */);

/* 1 / variance; 0 where that is not finite, or the flags have one of `bits`. */
jc_status jc_inverse_variance(int64_t n, const float *variance, const uint32_t *flags, uint32_t bits,
                              int n_threads, float *inverse /* OUT [n] */);

/* Multiply each array by its factor, or divide it by that; in float64, rounded once. */
jc_status jc_scale(int64_t n, int n_arrays /* at most JC_MAX_ARRAYS */,
                   const double *factors /* [n_arrays] */, int divide, int n_threads,
                   float *const *arrays /* IN OUT n_arrays of [n] */);

#endif

/* csrc/flat.h: division of images by the response of the detector, with errors; and undoing it. */
#ifndef JC_FLAT_H
#define JC_FLAT_H

#include "jwst_cal.h"

#define JC_FLAT_VARIANCES 4

/* Make a flat safe to divide by: `values` is 1 where it is NaN, 0, or has a flag of `unusable` or of
 * `missing`; there the flags get `unusable`, and where it is NaN or 0 `missing`, too. */
jc_status jc_clean_flat(int64_t n, const float *flat, const uint32_t *flat_dq, uint32_t unusable,
                        uint32_t missing, int n_threads, float *values /* OUT [n] */,
                        uint32_t *flags /* OUT [n] */,
                        int64_t *n_bad /* OUT, pixels that have one of both flags */);

typedef struct {
    int n_images, n_rows, n_cols;
    const float *flat;     /* [row][col], not 0 */
    const float *flat_err; /* [row][col]; NULL: multiply by the flat instead */
    int n_variances;       /* at most JC_FLAT_VARIANCES */
} jc_flat;

/* Divide (multiply) data by the flat, and variances by its square. The error is the root of the sum
 * of these and of the variance that the flat's error causes, data^2 flat_err^2 / flat^2. All steps
 * are in float32. */
jc_status jc_flat_field(const jc_flat *what, int n_threads, float *data /* IN OUT [image][row][col] */,
                        float *const *variances /* IN OUT n_variances of [image][row][col] */,
                        float *var_flat /* OUT [image][row][col]; unused without flat_err */,
                        float *err /* OUT [image][row][col] */);

#endif

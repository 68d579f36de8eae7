/* csrc/linearity.h: linear counts from measured ones, by a polynomial of each pixel, in place.
 *
 * linear = c[0] + c[1] x + c[2] x^2 + ..., by Horner's rule from the highest term down, in
 * float32. A group flagged `saturated` keeps its counts. A pixel has the identity instead of its
 * polynomial, and NO_LIN_CORR (argument no_correction) set in pixeldq, where the reference flags it
 * so, where a coefficient is NaN and where the linear term is 0. The reference's flags are
 * added to pixeldq. A zeroframe value of exactly 0 is missing and stays 0.
 *
 * jc_linearity_reads does the same for groups that are the mean of several reads. A polynomial
 * of the mean is not the mean of the polynomials: the reads of a group are first estimated from
 * the ramp between the first group and the last one that is safe from saturation (the one before
 * the last unsaturated one, at least the second), made non-linear by the inverse polynomial,
 * shifted so that their mean is the group's value, then linearised and averaged, in float64.
 *
 * Source: WFC3 Data Handbook 2.1 (2011), 6.5; read-level form after stcal 1.20.0.
 * The rows are shared among the threads; the coefficients of a row stay in cache over all
 * integrations and groups. */
#ifndef JC_LINEARITY_H
#define JC_LINEARITY_H

#include "jwst_cal.h"

typedef struct {
    int n_ints, n_groups, n_rows, n_cols;
    const uint8_t *groupdq; /* [integration][group][row][col] */
    uint8_t saturated;      /* bit of groupdq */
    int n_terms;            /* at least 2 */
    const uint32_t *coeffs; /* bits of float32 [term][row][col] */
    int swapped;            /* coeffs are in the other byte order */
    const uint32_t *dq;     /* [row][col], of the reference */
    uint32_t no_correction; /* bit of dq and pixeldq */
} jc_linearity_input;

typedef struct {
    int n_terms;            /* at least 2 */
    const uint32_t *coeffs; /* bits of float32 [term][row][col], measured counts from linear ones */
    int swapped;            /* coeffs are in the other byte order */
    int n_reads;            /* in each group */
    const double *reads;    /* [group][read], position of each read in the ramp, in reads */
} jc_inverse_linearity;

jc_status jc_linearity(const jc_linearity_input *input, int n_threads,
                       float *data,      /* IN OUT [integration][group][row][col], DN */
                       uint32_t *pixeldq /* IN OUT [row][col] */,
                       float *zeroframe /* IN OUT [integration][row][col], DN, or NULL */);

/* At least two groups. */
jc_status jc_linearity_reads(const jc_linearity_input *input, const jc_inverse_linearity *inverse,
                             int n_threads,
                             float *data,      /* IN OUT [integration][group][row][col], DN */
                             uint32_t *pixeldq /* IN OUT [row][col] */,
                             float *zeroframe /* IN OUT [integration][row][col], DN, or NULL */);

#endif

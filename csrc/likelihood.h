/* csrc/likelihood.h: count rates of ramps by the likelihood of their group differences.
 *
 * The differences d of neighbouring groups, each over the time between their means, share one
 * rate and a tridiagonal covariance matrix M: photons make the diagonal alpha and, with
 * averaged groups, the off-diagonal beta; read noise makes both, neighbours sharing a group:
 *
 *     alpha = rate/gain alpha_photon + noise^2 alpha_read,   beta likewise
 *
 * The best rate is B/C with B = 1' M^-1 d, C = 1' M^-1 1, its variance 1/C, and chi squared is
 * d' M^-1 d - B^2/C. A difference that touches a flagged group is left out.
 *
 * Jumps: leaving out difference i lowers chi squared by r_i^2 / S_ii, with r = M^-1 (d - B/C)
 * and S = M^-1 - (M^-1 1)(M^-1 1)'/C; leaving out i and i+1 lowers it by the 2x2 form r' S^-1 r.
 * The better of the two, each less its threshold, is left out if it exceeds it, and the search
 * goes on while more than three differences remain. Pairs are tried where the group that they
 * share averages several reads. Of two differences neither is left out, of three only one: two
 * that agree could not be told from two that do not.
 *
 * M takes the median difference as the rate for the search, and for the fit the rate that
 * the search ended with, plus the dark current.
 *
 * Source: Brandt 2024, PASP 136, 045004 (fit) and 045005 (jumps). */
#ifndef JC_LIKELIHOOD_H
#define JC_LIKELIHOOD_H

#include "slope.h"

typedef struct {
    int n_differences;           /* n_groups - 1, or n_groups if a zero frame is split off */
    const double *interval;      /* [difference], s */
    const double *alpha_photon, *alpha_read; /* [difference], 1/s and 1/s^2 */
    const double *beta_photon, *beta_read;   /* [difference - 1] */
    const uint8_t *pair;         /* [difference - 1], whether it and the next may go together */
    int first_frames;            /* > 1: the zero frame is split off a first group of so many */
    double one, two;             /* least drop of chi squared for leaving out one, and two */
    uint32_t do_not_use, saturated, jump; /* bits of groupdq and dq */
} jc_likelihood_options;

/* Fit every ramp; of ramps, first and used are not read. dq gets JUMP where the ramp has jumps,
 * old or new, SATURATED if a group has it, DO_NOT_USE if no difference is usable. */
jc_status jc_likelihood(const jc_slope_ramps *ramps, const jc_likelihood_options *options,
                        int n_threads, const jc_slope_image *rate /* OUT [row][col] */,
                        const jc_slope_image *rateints /* OUT [integration][row][col] */,
                        float *chi_squared /* OUT [row][col], sum of the integrations */);

#endif

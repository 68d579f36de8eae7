/* csrc/irs2_filter.h: NIRSpec IRS2, from the reference samples of a frame to its noise.
 *
 * In time order a frame is one stream of n_lines lines of 712 samples: the one in slot x of line y
 * has number 712 y + x. Three operations make the noise; all samples count from their mean and trend.
 *
 *   1. The reference output has gaps, and reference pixels of its own kind. Its samples elsewhere
 *      are `known`; the others are replaced n_repeats times by what `passband` leaves of the stream.
 *   2. The reference pixels of an output are put in two slots each; its other slots are 0.
 *   3. noise = inverse transform of ( beta * transform of 2 + alpha * transform of 1 ), in the wanted
 *      slots.
 *
 * Method: the transform of the stream is one along the lines, S[x][q] of each slot x, then
 *
 *     X[q + n_lines p] = sum over x of exp(-2 pi i x p / 712) exp(-2 pi i x q / (712 n_lines)) S[x][q]
 *
 * Whether a slot holds a sample, a reference pixel or a gap does not depend on the line, so that all
 * three operations act on each q apart, and 0 <= q <= n_lines / 2 suffice, samples being real. Along
 * the lines: two slots as one complex number, n_lines = 16 m, lanes first. Along the slots: 712 = 8 x 89
 * without twiddle factors, the 89 points by their definition, 44 sums and 44 differences at a time,
 * frequencies q as lanes. All in float32, as the transforms of the reference release.
 *
 * A value that is no number spoils its output, and the first row of the next one if rows are odd in
 * number.
 *
 * Tables lie in blocks of 16 frequencies q, [block][...][16]; the last block is padded with 0. In tables
 * of spectra, place 89 a + b (a < 8, b < 89) has p = (89 a + 624 b) mod 712.
 *
 * Source: Rauscher et al. 2017, PASP 129, 105003; Good 1958; Stockham 1966. */
#ifndef JC_IRS2_FILTER_H
#define JC_IRS2_FILTER_H

#include "jwst_cal.h"

enum { JC_IRS2_SLOTS = 712, JC_IRS2_LANES = 16 };

/* n_lines: a power of two of at least 256 here and below. */
jc_status jc_irs2_turns(int n_lines, int n_threads,
                        float *turn /* OUT [block][slot][re, im][16]: exp(-2 pi i x q / ...) */);

/* The filters of real streams: of a complex one, the part that real samples see, divided by 712.
 * Record 2 n of the table has the real part of frequency n, record 2 n + 1 the imaginary one. */
jc_status jc_irs2_weights(int n_lines, int n_outputs,
                          const uint32_t *table, /* [2 * 712 * n_lines][2][output]: float32 bits */
                          int swapped,           /* their bytes are in the other order */
                          int n_threads,
                          float *weights /* OUT [block][output][alpha, beta][place][re, im][16] */);

typedef struct {
    int n_lines, n_outputs;
    const float *turn;     /* [block][slot][re, im][16] */
    const float *passband; /* [block][place][16], divided by 712 */
    const float *weights;  /* [block][output][alpha, beta][place][re, im][16] */
    int n_repeats;
    const uint8_t *known;  /* [slot] */
    int n_reference;       /* reference pixels of a line and output */
    const int32_t *put;    /* [pixel][2]: their slots */
    int n_wanted;
    const int32_t *wanted; /* [wanted]: slots */
} jc_irs2_tables;

jc_status jc_irs2_noise(const jc_irs2_tables *tables,
                        const float *reference_output, /* [slot][line], DN */
                        const float *reference_pixels, /* [output][pixel][line], DN */
                        int n_threads,
                        float *completed, /* OUT [slot][line], DN: after 1; or NULL */
                        float *noise /* OUT [output][wanted][line], DN */);

#endif

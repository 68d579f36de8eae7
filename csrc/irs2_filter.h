/* csrc/irs2_filter.h: NIRSpec IRS2, from the spectra of the reference pixels to that of their noise.
 *
 * In time order a frame is one stream of n_lines lines of 712 samples: sample (line y, slot x) has
 * number 712 y + x. Its discrete Fourier transform is made in two stages. The first, along the lines,
 * is the caller's: for each slot the spectrum S[x][q] of its n_lines samples, of which q = 0 ..
 * n_lines / 2 suffice, the samples being real. The second, along the slots, is here:
 *
 *     X[q + n_lines p] = sum over x of exp(-2 pi i x p / 712) exp(-2 pi i x q / (712 n_lines)) S[x][q]
 *
 * Whether a slot holds a sample, a reference pixel or a gap does not depend on the line, so that all
 * that happens to the stream happens to each q apart.
 *
 *   1. The reference output has gaps, and reference pixels of its own kind. Its samples elsewhere
 *      are `known`; the others are replaced n_repeats times by what `passband` leaves of the stream.
 *   2. The reference pixels of an output are put in two slots each; the other slots are 0.
 *   3. noise = inverse of ( beta * spectrum of 2 + alpha * spectrum of 1 ), at the wanted slots.
 *
 * Tables lie in blocks of 16 frequencies: [block][...][16 lanes]; the last block is padded. In the
 * tables of spectra, place 89 a + b (a < 8, b < 89) has p = (89 a + 624 b) mod 712.
 *
 * Method: 712 = 8 x 89 without twiddle factors; the 89 points by their definition, 44 sums and 44
 * differences at a time, frequencies as lanes. All in float32, as the reference release's transforms.
 * Source: Rauscher et al. 2017, PASP 129, 105003; Good 1958. */
#ifndef JC_IRS2_FILTER_H
#define JC_IRS2_FILTER_H

#include "jwst_cal.h"

enum { JC_IRS2_SLOTS = 712, JC_IRS2_LANES = 16 };

/* The filters of real streams: of a complex one, the part that real samples see, divided by 712.
 * Record 2 n of the table has the real part of frequency n, record 2 n + 1 the imaginary one. */
jc_status jc_irs2_weights(int n_lines, int n_outputs,
                          const uint32_t *table, /* [2 * 712 * n_lines][2][output]: float32 bits */
                          int swapped,           /* their bytes are in the other order */
                          int n_threads,
                          float *weights /* OUT [block][output][alpha, beta][712][re, im][16] */);

typedef struct {
    int n_lines, n_outputs;
    const float *turn;     /* [block][slot][re, im][16]: exp(-2 pi i x q / (712 n_lines)) */
    const float *passband; /* [block][place][16], divided by 712 */
    const float *weights;
    int n_repeats;
    const uint8_t *known;   /* [slot] */
    int n_reference;        /* pixels of a line and output */
    const int32_t *put;     /* [pixel][2]: their slots */
    int n_wanted;           /* slots of the result */
    const int32_t *wanted;  /* [wanted] */
} jc_irs2_filter_tables;

jc_status jc_irs2_filter(const jc_irs2_filter_tables *tables,
                         const float *reference_output, /* [slot][frequency][re, im] */
                         const float *reference_pixels, /* [output][pixel][frequency][re, im] */
                         int n_threads,
                         float *completed, /* OUT [slot][frequency][re, im]: after 1; or NULL */
                         float *noise /* OUT [output][wanted][frequency][re, im] */);

#endif

/* csrc/counts.h: the raw counts of a FITS file as float32.
 *
 * A FITS image of unsigned 16-bit counts holds big-endian signed integers that are 32768 too small
 * (BZERO). They are read where they lie, for instance in a mapped file. Every count is exact in
 * float32. */
#ifndef JC_COUNTS_H
#define JC_COUNTS_H

#include "jwst_cal.h"

jc_status jc_counts(const unsigned char *stored /* [n][2], as in the file */, size_t n,
                    int n_threads, float *counts /* OUT [n], DN */);

#endif

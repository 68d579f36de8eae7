/* csrc/stored_flags.h: the data-quality flags of a reference file as the pipeline's.
 *
 * A FITS image of unsigned 32-bit flags holds big-endian signed integers that are 2^31 too small
 * (BZERO). The bits of a reference file are its own; its table DQ_DEF tells which flag each one
 * stands for. A bit of no meaning is dropped. */
#ifndef JC_STORED_FLAGS_H
#define JC_STORED_FLAGS_H

#include "jwst_cal.h"

jc_status jc_stored_flags(const unsigned char *stored /* [n][4], as in the file */, size_t n,
                          const uint32_t *meaning /* [32] flags that each bit stands for */,
                          int n_threads, uint32_t *flags /* OUT [n] */);

#endif

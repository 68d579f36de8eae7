/* csrc/decimals.h: numbers as texts: the fewest digits that are read as the same number.
 *
 * Of those with as few digits it is the nearest, as Python's repr() tells it: 0.1, 1e-05, 1e+16, 3.0,
 * -0.0, nan, inf. */
#ifndef JC_DECIMALS_H
#define JC_DECIMALS_H

#include "jwst_cal.h"

/* Characters of the longest, -1.2345678901234567e-308; shorter ones end with zero bytes. */
#define JC_DECIMAL_WIDTH 24

jc_status jc_decimals(int64_t n, const double *value, int n_threads,
                      char *text /* OUT [value][JC_DECIMAL_WIDTH] */);

#endif

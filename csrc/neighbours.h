/* csrc/neighbours.h: the nearest neighbour of each of many places. */
#ifndef JC_NEIGHBOURS_H
#define JC_NEIGHBOURS_H

#include "jwst_cal.h"

/* Of neighbours as far away the first one counts. A place that is not finite has no neighbour, and is
 * none. */
jc_status jc_neighbours(int n, const double *position /* [place][2] */, int n_threads,
                        int32_t *nearest /* OUT [place], -1: none */,
                        double *distance /* OUT [place], NaN: none */);

#endif

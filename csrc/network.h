/* csrc/network.h: sorting networks, 16 columns at a time.
 *
 * A network is a fixed list of compare-exchange operations; run on rows of JC_LANES numbers it
 * sorts each column (lane) at the cost of about one vector instruction pair per operation. Made
 * for one number of values and a range of ranks: operations that do not bear on those ranks are
 * left out, so medians are cheaper than whole sorts.
 *
 * Source: Batcher 1968; Knuth, The Art of Computer Programming 3, 5.2.2 (merge exchange). */
#ifndef JWST_CAL_NETWORK_H
#define JWST_CAL_NETWORK_H

#include "jwst_cal.h"

enum { JC_LANES = 16 };

typedef struct {
    int n_values;
    size_t n_pairs;
    int32_t *pairs; /* [pair][2], offsets of the two rows; NULL: too many values for a network */
} jc_network;

/* Make a network for ranks first..last of n_values. JC_BAD_ARGUMENT: ranks out of range. */
jc_status jc_network_make(jc_network *network, int n_values, int first, int last);

/* Put the wanted ranks of each lane in their rows; other rows are left in some order.
 * Infinity is allowed, NaN is not. */
void jc_network_sort(const jc_network *network, float *lanes /* INOUT [value][JC_LANES] */);

void jc_network_free(jc_network *network);

#endif

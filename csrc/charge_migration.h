/* csrc/charge_migration.h: groups from which on charge spills into neighbouring pixels, flagged.
 *
 * A pixel whose counts exceed `threshold` in a group, and its four neighbours, get `flags` in that
 * group and all later ones of the integration. A group whose flags are exactly `unused` does not
 * start it. Source: Goudfrooij et al. 2024, PASP 136, 014503; stands as in jwst 3.0.0. */
#ifndef JC_CHARGE_MIGRATION_H
#define JC_CHARGE_MIGRATION_H

#include "jwst_cal.h"

typedef struct {
    int n_ints, n_groups, n_rows, n_cols; /* fewer than 65535 groups */
    const float *data;                    /* [integration][group][row][col], DN */
    double threshold;                     /* DN */
    uint8_t unused, flags;                /* values of groupdq */
} jc_charge_migration_input;

jc_status jc_charge_migration(const jc_charge_migration_input *input, int n_threads,
                              uint8_t *groupdq, /* IN OUT [integration][group][row][col] */
                              int64_t *n_found /* OUT, ramps that exceed the threshold */);

#endif

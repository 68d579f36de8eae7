#include "charge_migration.h"

#include "check.h"

static void any_exposure(void)
{
    jc_charge_migration_input in = {pick(1, 3), pick(1, 8), pick(1, 9), pick(1, 70), NULL,
                                    uniform(0, 20000), 1, 129};
    size_t image = (size_t) in.n_rows * in.n_cols, n = image * in.n_ints * in.n_groups;
    in.data = ramps(in.n_ints, in.n_groups, image, 0.1);
    uint8_t *groupdq = flags8(n, 7, 0.1);
    int64_t n_found;
    CHECK(jc_charge_migration(&in, team, groupdq, &n_found) == JC_OK);
    result(groupdq, n);
    result(&n_found, sizeof n_found);
}

/* One bright pixel of three flags itself and its neighbours, from that group on. */
static void test_neighbours(void)
{
    float data[6] = {1, 2, 3, 1, 9, 3};
    uint8_t groupdq[6] = {0};
    int64_t n_found;
    jc_charge_migration_input in = {1, 2, 1, 3, data, 5.0, 1, 128};
    CHECK(jc_charge_migration(&in, 1, groupdq, &n_found) == JC_OK);
    for (int k = 0; k < 6; k++)
        CHECK(groupdq[k] == (k < 3 ? 0 : 128));
    CHECK(n_found == 1);
    REFUSED(jc_charge_migration(&in, 0, groupdq, &n_found));
    in.n_cols = 0;
    REFUSED(jc_charge_migration(&in, 1, groupdq, &n_found));
}

int main(void)
{
    for_each_team("any exposure", any_exposure, 40);
    test_neighbours();
    return finish();
}

#include "traps.h"

#include "check.h"

static void any_exposure(void)
{
    jc_traps_input in = {.n_ints = pick(1, 3), .n_groups = pick(1, 9), .n_rows = pick(1, 9),
                         .n_cols = pick(1, 40), .n_families = pick(1, 4), .saturated = 2,
                         .jump = 4, .group_time = 7.3, .cutoff = 20, .flag = 32};
    size_t image = (size_t) in.n_rows * in.n_cols, n = image * in.n_ints * in.n_groups;
    size_t families = in.n_families, steps = in.n_groups + 1;
    float *data = ramps(in.n_ints, in.n_groups, image, 0.1), *persistence = room(n * sizeof(float));
    in.groupdq = flags8(n, 7, 0.1);
    in.density = floats(image, 0, 2, 0.1);
    in.full = floats(image, 1000, 60000, 0.2);
    in.decay = floats(families, 0, 1, 0);
    in.between = floats(families, 0, 1, 0);
    in.slow = doubles(families, 0, 100);
    in.instant = doubles(families, 0, 30);
    in.ramp = doubles(2 * families * steps, 0, 1e4);
    in.soak = doubles(families * steps, 0, 1);
    in.hit = doubles(families * in.n_groups, 0, 1);
    uint32_t *pixeldq = flags32(image, 33, 0.2);
    float *filled = floats(families * image, 0, 500, 0.05);
    int64_t n_flagged;
    CHECK(jc_traps(&in, team, data, pixeldq, filled, draw() % 2 ? persistence : NULL,
                   &n_flagged) == JC_OK);
    result(data, n * sizeof *data);
    result(pixeldq, image * sizeof *pixeldq);
    result(filled, families * image * sizeof *filled);
    result(persistence, n * sizeof *persistence);
    result(&n_flagged, sizeof n_flagged);
}

/* Half of the traps empty in each group, and what has come out adds up. */
static void test_release(void)
{
    float data[3] = {0, 0, 0}, filled = 80, decay = 0.5f, none = 0, density = 0, full = 100;
    double zero[4] = {0, 0, 0, 0};
    uint8_t groupdq[3] = {0, 0, 0};
    uint32_t pixeldq = 1;
    int64_t n_flagged;
    jc_traps_input in = {1, 3, 1, 1, 1, groupdq, 2, 4, &density, &full, 1.0, 60.0, 32, &decay,
                         &none, zero, zero, (double[8]){0}, zero, zero};
    CHECK(jc_traps(&in, 1, data, &pixeldq, &filled, NULL, &n_flagged) == JC_OK);
    CHECK(data[0] == -40 && data[1] == -60 && data[2] == -70);
    CHECK(filled == 10);
    CHECK(pixeldq == 33 && n_flagged == 1);
    in.group_time = 0;
    REFUSED(jc_traps(&in, 1, data, &pixeldq, &filled, NULL, &n_flagged));
    in.group_time = 1, in.n_families = 0;
    REFUSED(jc_traps(&in, 1, data, &pixeldq, &filled, NULL, &n_flagged));
    in.n_families = 1;
    REFUSED(jc_traps(&in, 0, data, &pixeldq, &filled, NULL, &n_flagged));
}

int main(void)
{
    for_each_team("any exposure", any_exposure, 60);
    test_release();
    return finish();
}

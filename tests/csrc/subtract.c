#include "subtract.h"

#include "check.h"

static void any_exposure(void)
{
    jc_subtraction s = {.n_ints = pick(1, 4), .n_groups = pick(1, 6), .n_rows = pick(1, 9),
                        .n_cols = pick(1, 70), .swapped = pick(0, 1), .zero_is_bad = pick(0, 1)};
    int ramp = pick(0, 1), reference_ints = ramp ? pick(1, 2) : 1;
    s.n_corrected = pick(0, s.n_groups);
    size_t image = (size_t) s.n_rows * s.n_cols, groups = ramp ? s.n_corrected : 1;
    s.group_step = ramp ? (ptrdiff_t) image : 0;
    s.integration_step = (ptrdiff_t) (groups * image);
    float *reference = floats(reference_ints * groups * image + 1, -10, 1000, 0.1);
    uint32_t *bits = room((reference_ints * groups * image + 1) * sizeof *bits);
    memcpy(bits, reference, reference_ints * groups * image * sizeof *bits);
    s.reference = bits;
    int32_t *which = room(s.n_ints * sizeof *which);
    for (int i = 0; i < s.n_ints; i++)
        which[i] = pick(0, reference_ints - 1);
    s.which = which;
    size_t n = image * s.n_ints * s.n_groups;
    float *data = floats(n, 0, 5000, 0.2);
    CHECK(jc_subtract(&s, team, data) == JC_OK);
    result(data, n * sizeof *data);
}

static void test_zero_and_nan(void)
{
    const float values[3] = {1, NAN, 2};
    uint32_t bits[3];
    const int32_t which = 0;
    float data[3] = {5, 6, 0};
    memcpy(bits, values, sizeof bits);
    jc_subtraction s = {1, 1, 1, 3, bits, 0, 0, 0, 1, &which, 1};
    CHECK(jc_subtract(&s, 1, data) == JC_OK);
    CHECK(data[0] == 4 && data[1] == 6 && data[2] == 0);
    s.n_corrected = 2;
    REFUSED(jc_subtract(&s, 1, data));
}

int main(void)
{
    for_each_team("any exposure", any_exposure, 40);
    test_zero_and_nan();
    return finish();
}

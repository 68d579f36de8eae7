#include "saturation.h"

#include "check.h"

static void any_exposure(void)
{
    jc_saturation_input in = {.n_ints = pick(1, 3), .n_groups = pick(1, 8), .n_rows = pick(1, 40),
                              .n_cols = pick(1, 50), .no_check = 1u << 21, .unchecked_limit = 1e5f,
                              .rings = pick(0, 5), .saturated = 2, .low = 65, .do_not_use = 1};
    int gap = pick(0, 2); /* rows of another kind between those of the image */
    in.n_data_rows = in.n_rows * (gap + 1);
    int32_t *rows = room(in.n_rows * sizeof *rows);
    for (int k = 0; k < in.n_rows; k++)
        rows[k] = k * (gap + 1) + gap;
    in.rows = gap ? rows : NULL;
    size_t image = (size_t) in.n_rows * in.n_cols, plane = (size_t) in.n_data_rows * in.n_cols;
    size_t planes = (size_t) in.n_ints * in.n_groups;
    in.data = ramps(in.n_ints, in.n_groups, plane, 0.05);
    in.limit = floats(image, 2000, 60000, 0.05);
    in.limit_swapped = pick(0, 1);
    in.limit_dq = flags32(image, 1u | 1u << 21, 0.05);
    jc_saturation_reads reads = {pick(1, 8), draw() % 2 ? floats(image, 0, 100, 0.02) : NULL,
                                 pick(0, 1), pick(0, 1)};
    uint8_t *groupdq = flags8(planes * plane, 67, draw() % 2 ? 0.02 : 0);
    uint32_t *pixeldq = flags32(plane, 1, 0.1);
    float *zeroframe = floats(in.n_ints * plane, 0, 60000, 0.1);
    jc_saturation_count count;
    CHECK(jc_saturation(&in, draw() % 2 ? &reads : NULL, team, groupdq, pixeldq,
                        draw() % 2 ? zeroframe : NULL, &count) == JC_OK);
    result(groupdq, planes * plane);
    result(pixeldq, plane * sizeof *pixeldq);
    result(zeroframe, in.n_ints * plane * sizeof *zeroframe);
    result(&count, sizeof count);
}

/* The middle pixel of three reaches its limit in the second of three groups. */
static void test_growth(void)
{
    const float data[9] = {1, 1, 1, 1, 9, 1, 1, 1, 1}, limit[3] = {5, 5, 5};
    const uint32_t limit_dq[3] = {0, 0, 0};
    uint8_t groupdq[9] = {0};
    uint32_t pixeldq[3] = {0};
    jc_saturation_count count;
    jc_saturation_input in = {1, 3, 1, 3, 1, NULL, data, limit, limit_dq, 1u << 21, 1e5f, 1, 2,
                              65, 1, 0};
    CHECK(jc_saturation(&in, NULL, 1, groupdq, pixeldq, NULL, &count) == JC_OK);
    for (int k = 0; k < 9; k++)
        CHECK(groupdq[k] == (k < 3 ? 0 : 2));
    in.rings = 0;
    memset(groupdq, 0, sizeof groupdq);
    CHECK(jc_saturation(&in, NULL, 1, groupdq, pixeldq, NULL, &count) == JC_OK);
    CHECK(groupdq[4] == 2 && groupdq[7] == 2 && groupdq[3] == 0 && count.saturated == 1);
    in.n_groups = 0;
    REFUSED(jc_saturation(&in, NULL, 1, groupdq, pixeldq, NULL, &count));
}

int main(void)
{
    for_each_team("any exposure", any_exposure, 40);
    test_growth();
    return finish();
}

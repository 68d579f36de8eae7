#include "showers.h"

#include "check.h"

static void any_search(void)
{
    jc_shower_search s = {.cube = {pick(1, 3), pick(1, 6), pick(1, 30), pick(1, 40)},
                          .per_group = pick(0, 1), .n_taps = pick(1, 30),
                          .threshold = uniform(0.5, 3), .min_area = uniform(0, 10), .jump = 4,
                          .saturated = 2, .do_not_use = 1};
    size_t image = (size_t) s.cube.n_rows * s.cube.n_cols;
    int planes = s.cube.n_integrations * s.cube.n_groups;
    size_t medians = image * (s.per_group && s.cube.n_groups > 1 ? s.cube.n_groups - 1 : 1);
    s.data = ramps(s.cube.n_integrations, s.cube.n_groups, image, 0.02);
    s.gain = floats(image, 1, 4, 0.02);
    s.groupdq = flags8(image * planes, 7, 0.05);
    s.masked = flags8(image, 1, 0.05);
    s.idle = flags8(image, 1, 0.05);
    s.median = floats(medians, 0, 3000, 0.02);
    s.sigma = floats(medians, 10, 300, 0.02);
    int32_t *taps = room(2 * (size_t) s.n_taps * sizeof *taps);
    for (int k = 0; k < 2 * s.n_taps; k++)
        taps[k] = pick(-12, 12);
    s.taps = taps;
    jc_ellipses *found = room(planes * sizeof *found);
    CHECK(jc_showers_find(&s, team, found) == JC_OK);
    for (int k = 0; k < planes; k++) {
        result(&found[k].n, sizeof found[k].n);
        if (found[k].n) result(found[k].items, found[k].n * sizeof *found[k].items);
        jc_ellipses_free(found + k);
    }
    uint8_t *after = flags8(image * planes, 4, 0.2);
    float *limit = floats(image, 0, 300, 0.02);
    CHECK(jc_showers_limit(&s.cube, s.data, s.gain, s.idle, s.groupdq, 7, limit, team, after) ==
          JC_OK);
    result(after, image * planes);
}

/* Half of the flags of a pixel would go too far from the mean of all. */
static void test_limit(void)
{
    const jc_cube cube = {1, 5, 1, 2};
    const float data[10] = {0, 0, 1, 1, 2, 2, 12, 3, 22, 4}, gain[2] = {1, 1}, limit[2] = {1, 1};
    const uint8_t idle[2] = {0, 0}, before[10] = {0};
    uint8_t after[10] = {0, 0, 0, 0, 0, 0, 4, 4, 4, 4};
    CHECK(jc_showers_limit(&cube, data, gain, idle, before, 4, limit, 1, after) == JC_OK);
    CHECK(after[6] == 0 && after[8] == 0); /* 1 against 5.5 */
    CHECK(after[7] == 4 && after[9] == 4); /* 1 against 1 */
    const jc_cube empty = {1, 0, 1, 2};
    REFUSED(jc_showers_limit(&empty, data, gain, idle, before, 4, limit, 1, after));
}

int main(void)
{
    for_each_team("any search", any_search, 60);
    test_limit();
    return finish();
}

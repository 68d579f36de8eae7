#include "jump.h"

#include "check.h"

static jc_jump_ramp any_ramp(void)
{
    jc_jump_ramp ramp = {.n_integrations = pick(1, 6), .n_groups = pick(2, 20),
                         .n_rows = pick(1, 5), .n_cols = pick(1, 40), .n_frames = pick(1, 8)};
    size_t image = (size_t) ramp.n_rows * ramp.n_cols;
    ramp.data = ramps(ramp.n_integrations, ramp.n_groups, image, draw() % 2 ? 0.03 : 0);
    ramp.gain = floats(image, 1, 4, 0.05);
    ramp.read_noise = floats(image, 2, 20, 0.05);
    ramp.gain_swapped = pick(0, 1);
    ramp.noise_swapped = pick(0, 1);
    return ramp;
}

static void any_exposure(void)
{
    jc_jump_ramp ramp = any_ramp();
    jc_jump_rule rule = {.method = (jc_jump_method) pick(0, 3), .threshold = uniform(2, 6),
                         .threshold_three = 6, .threshold_two = 5, .flag_neighbors = pick(0, 1),
                         .min_neighbor = 10, .max_neighbor = 200,
                         .after_electrons = {100, 3000}, .after_groups = {pick(0, 2), pick(0, 3)},
                         .jump = 4, .unusable = 3, .do_not_use = 1};
    size_t n = (size_t) ramp.n_integrations * ramp.n_groups * ramp.n_rows * ramp.n_cols;
    uint8_t *groupdq = flags8(n, 7, draw() % 3 ? 0.05 : 0);
    int64_t n_found;
    CHECK(jc_jump(&ramp, &rule, team, groupdq, &n_found) == JC_OK);
    result(groupdq, n);
    result(&n_found, sizeof n_found);
}

static void any_median(void)
{
    jc_jump_ramp ramp = any_ramp();
    size_t image = (size_t) ramp.n_rows * ramp.n_cols;
    size_t planes = (size_t) ramp.n_integrations * ramp.n_groups;
    uint8_t *groupdq = flags8(planes * image, 7, 0.2), *dead = room(planes);
    float *median = room(image * sizeof *median);
    CHECK(jc_jump_median(&ramp, groupdq, 3, draw() % 2 ? 4 : 0, team, median) == JC_OK);
    CHECK(jc_jump_dead_planes(groupdq, (int) planes, (int64_t) image, 7, dead) == JC_OK);
    result(median, image * sizeof *median);
    result(dead, planes);
}

static void any_typical(void)
{
    size_t n = (size_t) pick(1, 300);
    float *values = floats(n, -3, 40, draw() % 2 ? 0.3 : 0), median;
    CHECK(jc_jump_typical(values, (int64_t) n, &median) == JC_OK);
    result(&median, sizeof median);
}

static void test_typical_of_few(void)
{
    const float values[5] = {7, NAN, -2, 1, 3};
    float median;
    CHECK(jc_jump_typical(values, 5, &median) == JC_OK && median == 2);
    CHECK(jc_jump_typical(values, 4, &median) == JC_OK && median == 1);
    CHECK(jc_jump_typical(values + 1, 1, &median) == JC_OK && isnan(median));
    REFUSED(jc_jump_typical(values, 0, &median));
}

/* Steps of 10 but for one of 1000, in the fourth group. */
static void test_one_jump(void)
{
    const float data[6] = {10, 20, 30, 1030, 1040, 1050}, gain = 1, noise = 5;
    uint8_t groupdq[6] = {0};
    int64_t n_found;
    jc_jump_ramp ramp = {1, 6, 1, 1, data, &gain, &noise, 1, 0, 0};
    jc_jump_rule rule = {.method = JC_JUMP_CLIP, .threshold = 4, .threshold_three = 4,
                         .threshold_two = 4, .jump = 4, .unusable = 3, .do_not_use = 1};
    CHECK(jc_jump(&ramp, &rule, 1, groupdq, &n_found) == JC_OK);
    for (int g = 0; g < 6; g++)
        CHECK(groupdq[g] == (g == 3 ? 4 : 0));
    CHECK(n_found == 1);
    ramp.n_groups = 1;
    REFUSED(jc_jump(&ramp, &rule, 1, groupdq, &n_found));
    ramp.n_groups = 6, ramp.n_frames = 0;
    REFUSED(jc_jump(&ramp, &rule, 1, groupdq, &n_found));
    REFUSED(jc_jump_dead_planes(groupdq, 0, 1, 1, groupdq));
}

int main(void)
{
    for_each_team("any exposure", any_exposure, 60);
    for_each_team("any median", any_median, 40);
    for_each_team("any typical", any_typical, 60);
    test_typical_of_few();
    test_one_jump();
    return finish();
}

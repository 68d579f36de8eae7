#include "ramp_input.h"

static const jc_slope_options OPTIONS = {
    .group_time = 10, .frame_time = 5, .first_time = 7.5, .pedestal_groups = 0.75, .n_frames = 2,
    .do_not_use = 1, .saturated = 2, .jump = 4, .persistence = 32, .charge_loss = 128,
    .no_gain = 1u << 19};

static float *segment_room(const jc_slope_ramps *in, int n)
{
    return room((size_t) in->n_ints * n * in->n_rows * in->n_cols * sizeof(float));
}

static void any_exposure(void)
{
    jc_slope_ramps in = any_ramps(1, draw() % 8 ? 12 : 60);
    jc_slope_options o = OPTIONS;
    in.first = pick(0, in.n_groups - 1);
    in.used = pick(1, in.n_groups - in.first);
    o.suppress_one_group = pick(0, 1), o.clear_first_jump = pick(0, 1);
    size_t image = (size_t) in.n_rows * in.n_cols;
    jc_slope_image rate = image_of(image), rateints = image_of(in.n_ints * image);
    jc_slope_segments s = {0};
    CHECK(jc_slope_extent(&in, &o, team, &s.n_segments, &s.n_jumps) == JC_OK);
    int n = s.n_segments ? s.n_segments : 1, jumps = s.n_jumps;
    float **arrays[] = {&s.slope, &s.sigslope, &s.var_poisson, &s.var_rnoise, &s.yint,
                        &s.sigyint, &s.weights};
    for (int k = 0; k < 7; k++)
        *arrays[k] = segment_room(&in, n);
    s.pedestal = segment_room(&in, 1);
    s.jump_size = jumps ? segment_room(&in, jumps) : NULL;
    s.n_segments = n;
    CHECK(jc_slope(&in, &o, team, &rate, &rateints, image, draw() % 2 ? &s : NULL) == JC_OK);
    image_result(&rate, image);
    image_result(&rateints, in.n_ints * image);
    for (int k = 0; k < 7; k++)
        result(*arrays[k], in.n_ints * n * image * sizeof(float));
    result(s.pedestal, in.n_ints * image * sizeof(float));
    if (jumps) result(s.jump_size, (size_t) in.n_ints * jumps * image * sizeof(float));
}

/* Where the ramps were, in the first five groups. */
static void rates_in_place(void)
{
    jc_slope_ramps in = any_ramps(5, 12);
    const size_t image = (size_t) in.n_rows * in.n_cols, step = in.n_groups * image;
    jc_slope_image rate = image_of(image), rateints = image_of(in.n_ints * image);
    CHECK(jc_slope(&in, &OPTIONS, team, &rate, &rateints, image, NULL) == JC_OK);
    float *at = (float *) (uintptr_t) in.data;
    uint32_t *dq = (uint32_t *) (uintptr_t) (in.data + image);
    const jc_slope_image there = {at, dq, at + 2 * image, at + 3 * image, at + 4 * image};
    CHECK(jc_slope(&in, &OPTIONS, team, &rate, &there, step, NULL) == JC_OK);
    for (size_t i = 0; i < (size_t) in.n_ints; i++) {
        const size_t bytes = image * sizeof(float);
        CHECK(memcmp(there.slope + i * step, rateints.slope + i * image, bytes) == 0);
        CHECK(memcmp(there.dq + i * step, rateints.dq + i * image, bytes) == 0);
        CHECK(memcmp(there.err + i * step, rateints.err + i * image, bytes) == 0);
    }
    image_result(&rate, image);
    image_result(&rateints, in.n_ints * image);
}

/* Three DN a second, with a jump of 500 before the fifth group. */
static void test_two_segments(void)
{
    float data[8];
    uint8_t groupdq[8] = {0};
    const uint32_t pixeldq = 0;
    const float gain = 2, read_noise = 8;
    for (int g = 0; g < 8; g++)
        data[g] = 100 + 30 * (float) g + (g >= 4 ? 500 : 0);
    groupdq[4] = 4;
    jc_slope_ramps in = {1, 8, 1, 1, 0, 8, data, groupdq, &pixeldq, &gain, &read_noise,
                         NULL, NULL, 0, 0};
    float values[8];
    uint32_t dq[2];
    jc_slope_image rate = {values, dq, values + 1, values + 2, values + 3};
    jc_slope_image rateints = {values + 4, dq + 1, values + 5, values + 6, values + 7};
    CHECK(jc_slope(&in, &OPTIONS, 1, &rate, &rateints, 1, NULL) == JC_OK);
    CHECK_NEAR(*rate.slope, 3, 1e-6);
    CHECK(*rate.dq == 4);
    CHECK_NEAR(*rate.var_poisson, 3.0 / (2 * 10 * 6), 1e-6); /* three differences each */
    jc_slope_options o = OPTIONS;
    o.group_time = 0;
    REFUSED(jc_slope(&in, &o, 1, &rate, &rateints, 1, NULL));
    REFUSED(jc_slope(&in, &OPTIONS, 1, &rate, &rateints, 0, NULL));
    in.used = 9;
    REFUSED(jc_slope(&in, &OPTIONS, 1, &rate, &rateints, 1, NULL));
}

int main(void)
{
    for_each_team("any exposure", any_exposure, 60);
    for_each_team("rates in place", rates_in_place, 30);
    test_two_segments();
    return finish();
}

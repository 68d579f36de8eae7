#include "likelihood.h"

#include "ramp_input.h"

/* Groups of one frame, ten seconds apart. */
static jc_likelihood_options options(int n)
{
    jc_likelihood_options o = {.n_differences = n, .one = 20.25, .two = 23.8, .do_not_use = 1,
                               .saturated = 2, .jump = 4};
    o.interval = doubles(n, 10, 10);
    o.alpha_photon = doubles(n, 0.1, 0.1);
    o.alpha_read = doubles(n, 0.02, 0.02);
    o.beta_photon = doubles(n, draw() % 2 ? 0 : 0.02, 0.02);
    o.beta_read = doubles(n, -0.01, -0.01);
    o.pair = flags8(n, 1, 0.5);
    return o;
}

static void any_exposure(void)
{
    jc_slope_ramps in = any_ramps(4, draw() % 8 ? 12 : 60);
    int split = in.zeroframe ? pick(0, 1) : 0;
    jc_likelihood_options o = options(in.n_groups - 1 + split);
    o.first_frames = split ? pick(2, 4) : pick(0, 1);
    size_t image = (size_t) in.n_rows * in.n_cols;
    jc_slope_image rate = image_of(image), rateints = image_of(in.n_ints * image);
    float *chi_squared = room(image * sizeof *chi_squared);
    CHECK(jc_likelihood(&in, &o, team, &rate, &rateints, chi_squared) == JC_OK);
    image_result(&rate, image);
    image_result(&rateints, in.n_ints * image);
    result(chi_squared, image * sizeof *chi_squared);
}

/* Three DN a second, with a jump that nothing has flagged. */
static void test_jump(void)
{
    float data[8], chi_squared;
    uint8_t groupdq[8] = {0};
    const uint32_t pixeldq = 0;
    const float gain = 2, read_noise = 8;
    for (int g = 0; g < 8; g++)
        data[g] = 100 + 30 * (float) g + (g >= 4 ? 500 : 0);
    jc_slope_ramps in = {1, 8, 1, 1, 0, 8, data, groupdq, &pixeldq, &gain, &read_noise,
                         NULL, NULL, 0, 0};
    jc_likelihood_options o = options(7);
    jc_slope_image rate = image_of(1), rateints = image_of(1);
    CHECK(jc_likelihood(&in, &o, 1, &rate, &rateints, &chi_squared) == JC_OK);
    CHECK_NEAR(*rate.slope, 3, 1e-5);
    CHECK(*rate.dq == 4 && *rateints.dq == 4);
    CHECK_NEAR(chi_squared, 0, 1e-6);
    o.n_differences = 6;
    REFUSED(jc_likelihood(&in, &o, 1, &rate, &rateints, &chi_squared));
}

int main(void)
{
    for_each_team("any exposure", any_exposure, 60);
    test_jump();
    return finish();
}

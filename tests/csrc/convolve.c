#include "convolve.h"

#include "check.h"

static void any_image(void)
{
    jc_convolution c = {.n_rows = pick(1, 150), .n_cols = pick(1, 40), .height = 2 * pick(0, 4) + 1,
                        .width = 2 * pick(0, 4) + 1};
    size_t n = (size_t) c.n_rows * c.n_cols;
    c.image = floats(n, -10, 1000, 0.05);
    uint8_t *missing = room(n);
    for (size_t i = 0; i < n; i++)
        missing[i] = pick(0, 9) == 0;
    double *kernel = room((size_t) c.height * c.width * sizeof *kernel);
    for (int k = 0; k < c.height * c.width; k++)
        kernel[k] = pick(1, 100) / 100.0;
    c.missing = pick(0, 2) ? missing : NULL;
    c.kernel = kernel;
    float *out = room(n * sizeof *out);
    CHECK(jc_convolve(&c, team, out) == JC_OK);
    result(out, n * sizeof *out);
}

static void any_peaks(void)
{
    jc_peak_search p = {.n_rows = pick(1, 60), .n_cols = pick(1, 60),
                        .threshold = uniform(-10, 900), .radius = pick(0, 9)};
    size_t n = (size_t) p.n_rows * p.n_cols;
    p.image = floats(n, -10, 1000, 0.05);
    p.unusable = flags8(n, 1, 0.1);
    uint8_t *is_peak = room(n);
    CHECK(jc_peaks(&p, team, is_peak) == JC_OK);
    result(is_peak, n);
}

static void test_a_peak(void)
{
    const float image[6] = {1, 3, 2, 0, NAN, 3};
    const uint8_t unusable[6] = {0};
    uint8_t found[6];
    jc_peak_search p = {1, 6, image, unusable, 0.5, 1};
    CHECK(jc_peaks(&p, 1, found) == JC_OK);
    CHECK(!found[0] && found[1] && !found[2] && !found[3] && !found[4] && found[5]);
    p.radius = JC_MAX_RADIUS + 1;
    REFUSED(jc_peaks(&p, 1, found));
}

static void test_a_hole_is_filled(void)
{
    const float image[3] = {1, NAN, 3};
    const uint8_t missing[3] = {0};
    const double kernel[3] = {0.25, 0.5, 0.25};
    float out[3];
    jc_convolution c = {1, 3, 1, 3, image, missing, kernel};
    CHECK(jc_convolve(&c, 1, out) == JC_OK);
    CHECK_NEAR(out[0], 0.5 / 0.75, 1e-6);
    CHECK_NEAR(out[1], 2, 1e-6);
    CHECK_NEAR(out[2], 1.5 / 0.75, 1e-6);
    c.missing = NULL;
    CHECK(jc_convolve(&c, 1, out) == JC_OK);
    CHECK(out[0] != out[0]);
    c.width = 2;
    REFUSED(jc_convolve(&c, 1, out));
}

int main(void)
{
    for_each_team("any image", any_image, 40);
    for_each_team("any peaks", any_peaks, 40);
    test_a_hole_is_filled();
    test_a_peak();
    return finish();
}

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
    c.missing = missing;
    c.kernel = kernel;
    float *out = room(n * sizeof *out);
    CHECK(jc_convolve(&c, team, out) == JC_OK);
    result(out, n * sizeof *out);
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
    c.width = 2;
    REFUSED(jc_convolve(&c, 1, out));
}

int main(void)
{
    for_each_team("any image", any_image, 40);
    test_a_hole_is_filled();
    return finish();
}

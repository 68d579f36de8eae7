#include "flat.h"

#include "check.h"

static void any_image(void)
{
    const int rows = pick(1, 40), cols = pick(1, 90), images = pick(1, 3);
    const size_t n = (size_t) rows * (size_t) cols, all = n * (size_t) images;
    float *flat = floats(n, -1, 3, 0.05), *width = floats(n, 0, 1, 0.05), *values = room(4 * n);
    uint32_t *dq = flags32(n, 15, 0.1), *flags = room(4 * n);
    int64_t n_bad;
    CHECK(jc_clean_flat((int64_t) n, flat, dq, 1, 8, team, values, flags, &n_bad) == JC_OK);
    result(values, 4 * n);
    result(flags, 4 * n);
    result(&n_bad, sizeof n_bad);
    const jc_flat what = {images, rows, cols, values, pick(0, 1) ? width : NULL,
                          pick(0, JC_FLAT_VARIANCES)};
    float *data = floats(all, -9, 9, 0.02), *variances[JC_FLAT_VARIANCES];
    float *var_flat = what.flat_err ? room(4 * all) : NULL, *err = room(4 * all);
    for (int k = 0; k < what.n_variances; k++)
        variances[k] = floats(all, 0, 9, 0.02);
    CHECK(jc_flat_field(&what, team, data, variances, var_flat, err) == JC_OK);
    result(data, 4 * all);
    for (int k = 0; k < what.n_variances; k++)
        result(variances[k], 4 * all);
    if (var_flat) result(var_flat, 4 * all);
    result(err, 4 * all);
}

static void test_one(void)
{
    const float flat[2] = {2, NAN}, width[2] = {0.5f, 9};
    const uint32_t dq[2] = {4, 0};
    float values[2], data[2] = {8, 1}, variance[2] = {16, 1}, var_flat[2], err[2];
    float *variances[1] = {variance};
    uint32_t flags[2];
    int64_t n_bad;
    CHECK(jc_clean_flat(2, flat, dq, 1, 8, 1, values, flags, &n_bad) == JC_OK);
    CHECK(values[0] == 2 && values[1] == 1 && flags[0] == 4 && flags[1] == 9 && n_bad == 1);
    jc_flat what = {1, 1, 2, values, width, 1};
    CHECK(jc_flat_field(&what, 1, data, variances, var_flat, err) == JC_OK);
    CHECK(data[0] == 4 && variance[0] == 4 && var_flat[0] == 1);
    CHECK_NEAR(err[0] * err[0], 5, 1e-5);
    what.flat_err = NULL;
    CHECK(jc_flat_field(&what, 1, data, variances, NULL, err) == JC_OK);
    CHECK(data[0] == 8 && variance[0] == 16 && err[0] == 4);
    REFUSED(jc_clean_flat(0, flat, dq, 1, 8, 1, values, flags, &n_bad));
    REFUSED(jc_flat_field(&what, 0, data, variances, NULL, err));
    what.n_variances = JC_FLAT_VARIANCES + 1;
    REFUSED(jc_flat_field(&what, 1, data, variances, NULL, err));
}

int main(void)
{
    for_each_team("any image", any_image, 60);
    test_one();
    return finish();
}

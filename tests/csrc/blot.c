#include "blot.h"

#include "check.h"

static void any_image(void)
{
    const int n_rows = pick(1, 40), n_cols = pick(1, 40);
    const size_t n = (size_t) n_rows * (size_t) n_cols;
    const double share = pick(0, 1) ? 0.02 : 0.3;
    const float *data = floats(n, -10, 10, share), *err = floats(n, 0, 2, share);
    const float *expected = floats(n, -10, 10, share);
    const jc_outlier_limits limits = {(float) uniform(-1, 1), {3, 2}, {1, 0.5f}};
    double *x = doubles(n, -3, n_cols + 3), *y = doubles(n, -3, n_rows + 3);
    float *blot = room(n * sizeof *blot);
    uint8_t *outlier = room(n);
    x[0] = NAN;
    x[n - 1] = INFINITY;
    CHECK(jc_blot(n_rows, n_cols, data, (int64_t) n, x, y, team, blot) == JC_OK);
    for (size_t k = 0; k < n; k++)
        if (isnan(blot[k])) blot[k] = -1; /* the sign of NaN does not count */
    result(blot, n * sizeof *blot);
    CHECK(jc_outliers(n_rows, n_cols, data, err, expected, &limits, team, outlier) == JC_OK);
    result(outlier, n);
}

static void test_known(void)
{
    const float image[6] = {1, 2, 3, 5, 6, 7}, err[6] = {1, 1, 1, 1, 1, 1}, flat[6] = {0};
    const float data[6] = {6, 4.5f, 0, 0, 0, 4.5f};
    const double x[4] = {0.25, 2.5, 3, NAN}, y[4] = {0.5, 0.5, 0, 0};
    const jc_outlier_limits limits = {0, {5, 4}, {1, 1}};
    float blot[4];
    uint8_t outlier[6];
    CHECK(jc_blot(2, 3, image, 4, x, y, 1, blot) == JC_OK);
    CHECK(blot[0] == 3.25f && blot[1] == 5 && isnan(blot[2]) && isnan(blot[3]));
    CHECK(jc_outliers(2, 3, data, err, flat, &limits, 1, outlier) == JC_OK);
    CHECK(outlier[0] && outlier[1] && !outlier[2] && !outlier[3] && !outlier[4] && !outlier[5]);
    REFUSED(jc_blot(0, 3, image, 4, x, y, 1, blot));
    REFUSED(jc_blot(2, 3, image, 0, x, y, 1, blot));
    REFUSED(jc_outliers(2, 0, data, err, flat, &limits, 1, outlier));
}

int main(void)
{
    for_each_team("any image", any_image, 100);
    test_known();
    return finish();
}

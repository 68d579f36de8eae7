#include "drizzle.h"

#include "check.h"

static void any_image(void)
{
    const float *variances[3];
    double *sums[4];
    jc_drizzle_input in = {.n_rows = pick(2, 14), .n_cols = pick(2, 17), .n_variances = pick(0, 3),
                           .kernel = (jc_kernel) pick(0, 5), .pixfrac = uniform(0.01, 1),
                           .scale_ratio = uniform(0.3, 3), .first_row = pick(-5, 9),
                           .first_col = pick(-5, 9)};
    const int window_rows = pick(1, 30), window_cols = pick(1, 30);
    const size_t n = (size_t) in.n_rows * in.n_cols, m = (size_t) window_rows * window_cols;
    const double a = uniform(-4, 4), scale = uniform(0.2, 3), x0 = uniform(-9, 25),
                 y0 = uniform(-9, 25);
    double *x = room(n * sizeof *x), *y = room(n * sizeof *y);
    for (int row = 0; row < in.n_rows; row++)
        for (int col = 0; col < in.n_cols; col++) {
            const size_t at = (size_t) row * in.n_cols + col;
            x[at] = x0 + scale * (cos(a) * col - sin(a) * row) + uniform(-0.1, 0.1);
            y[at] = y0 + scale * (sin(a) * col + cos(a) * row) + uniform(-0.1, 0.1);
            if (uniform(0, 1) < 0.02) x[at] = odd_number();
            if (uniform(0, 1) < 0.02) y[at] = 1e300 * uniform(-1, 1);
        }
    in.x = x;
    in.y = y;
    in.weight = floats(n, 0, 10, 0.02);
    in.row_from = pick(0, in.n_rows);
    in.row_to = pick(0, in.n_rows);
    in.values = floats(n, -100, 100, 0.02);
    in.level = (float) uniform(-9, 9);
    in.variances = variances;
    for (int k = 0; k < in.n_variances; k++) variances[k] = floats(n, -1, 100, 0.02);
    for (int k = 0; k <= in.n_variances; k++) sums[k] = room(m * sizeof *sums[k]);
    in.dq = pick(0, 1) ? flags32(n, 7, 0.1) : NULL;
    double *weight = room(m * sizeof *weight);
    uint32_t *dq = in.dq ? room(m * sizeof *dq) : NULL;
    CHECK(jc_drizzle(&in, window_rows, window_cols, team, weight, sums, dq) == JC_OK);
    result(weight, m * sizeof *weight);
    for (int k = 0; k <= in.n_variances; k++) result(sums[k], m * sizeof *sums[k]);
    if (dq) result(dq, m * sizeof *dq);
}

/* A pixel half way between two gives each a half; the row above is not spread. */
static void test_half(void)
{
    const double x[4] = {0.5, 1.5, 0.5, 1.5}, y[4] = {0, 0, 1, 1};
    const float weight[4] = {1, 0, 1, 0}, values[4] = {11, 0, 0, 0}, variance[4] = {4, 0, 0, 0};
    const float *variances[1] = {variance};
    double total[6], sum[6], root[6];
    double *sums[2] = {sum, root};
    jc_drizzle_input in = {2, 2, 0, 1, x, y, weight, values, 3, 1, variances, NULL,
                           JC_SQUARE, 1.0, 1.0, 0, 0};
    CHECK(jc_drizzle(&in, 2, 3, 1, total, sums, NULL) == JC_OK);
    CHECK_NEAR(total[0], 0.5, 1e-12);
    CHECK_NEAR(total[1], 0.5, 1e-12);
    CHECK_NEAR(sum[1], 4.0, 1e-12);
    CHECK_NEAR(root[0], 1.0, 1e-12);
    CHECK(total[2] == 0 && total[3] == 0 && total[4] == 0);
    in.n_variances = JC_MAX_SPREAD + 1;
    REFUSED(jc_drizzle(&in, 2, 3, 1, total, sums, NULL));
    in.n_variances = 1;
    in.row_to = 3;
    REFUSED(jc_drizzle(&in, 2, 3, 1, total, sums, NULL));
    in.row_to = 1;
    in.pixfrac = 0;
    REFUSED(jc_drizzle(&in, 2, 3, 1, total, sums, NULL));
    in.pixfrac = 1;
    in.scale_ratio = NAN;
    REFUSED(jc_drizzle(&in, 2, 3, 1, total, sums, NULL));
    in.scale_ratio = 1;
    in.n_rows = 1;
    REFUSED(jc_drizzle(&in, 2, 3, 1, total, sums, NULL));
}

int main(void)
{
    for_each_team("any image", any_image, 200);
    test_half();
    return finish();
}

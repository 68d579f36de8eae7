#include "combine.h"

#include "check.h"

static void any_variances(void)
{
    const double *sums[JC_MAX_VARIANCES];
    double *totals[JC_MAX_VARIANCES], *weights[JC_MAX_VARIANCES];
    jc_variances v = {.n_rows = pick(1, 20), .n_cols = pick(1, 40),
                      .n_variances = pick(1, JC_MAX_VARIANCES), .image_weight = uniform(-1, 9),
                      .first_col = pick(0, 3)};
    v.total_cols = v.n_cols + v.first_col + pick(0, 3);
    v.weigh_by = pick(-1, v.n_variances - 1);
    const size_t n = (size_t) v.n_rows * v.n_cols, m = (size_t) v.n_rows * v.total_cols;
    double *weight = doubles(n, 0, 3);
    for (size_t i = 0; i < n; i++)
        if (pick(0, 9) == 0) weight[i] = odd_number();
    v.weight = weight;
    v.sums = sums;
    for (int k = 0; k < v.n_variances; k++) {
        double *sum = doubles(n, 0, 100);
        for (size_t i = 0; i < n; i++)
            if (pick(0, 9) == 0) sum[i] = odd_number();
        sums[k] = sum;
        totals[k] = doubles(m, 0, 9);
        weights[k] = doubles(m, 0, 9);
    }
    CHECK(jc_add_variances(&v, team, totals, weights) == JC_OK);
    for (int k = 0; k < v.n_variances; k++) {
        result(totals[k], m * sizeof *totals[k]);
        result(weights[k], m * sizeof *weights[k]);
    }
}

static void test_one(void)
{
    const double weight[1] = {2}, sum[1] = {6};
    const double *sums[1] = {sum};
    double total[2] = {0, 5}, of_total[2] = {0, 5};
    double *totals[1] = {total}, *weights[1] = {of_total};
    jc_variances v = {1, 1, weight, 1, sums, -1, 3, 2, 1};
    CHECK(jc_add_variances(&v, 1, totals, weights) == JC_OK);
    CHECK(total[0] == 0 && total[1] == 5 + 9 * 9 && of_total[0] == 0 && of_total[1] == 8);
    v.first_col = 2;
    REFUSED(jc_add_variances(&v, 1, totals, weights));
    v.first_col = 0;
    v.weigh_by = 1;
    REFUSED(jc_add_variances(&v, 1, totals, weights));
    v.weigh_by = -1;
    v.n_variances = 0;
    REFUSED(jc_add_variances(&v, 1, totals, weights));
}

/* Sums of an image in a window of a mosaic, and what is made of them. */
static void any_sums(void)
{
    const int n_rows = pick(1, 9), n_cols = pick(1, 400), first_col = pick(0, 3);
    const int total_cols = n_cols + first_col + pick(0, 3), n_variances = pick(1, 3);
    const size_t n = (size_t) n_rows * n_cols, m = (size_t) n_rows * total_cols;
    double *weight = doubles(n, 0, 3);
    for (size_t i = 0; i < n; i++)
        if (pick(0, 9) == 0) weight[i] = odd_number();
    double *total_weight = doubles(m, 0, 9), *total = doubles(m, 0, 9);
    uint32_t *context = pick(0, 1) ? flags32(m, 7, 0.1) : NULL;
    CHECK(jc_add_sums(n_rows, n_cols, weight, doubles(n, -9, 9), 8, total_cols, first_col, team,
                      total_weight, total, context) == JC_OK);
    result(total_weight, m * sizeof *total_weight);
    result(total, m * sizeof *total);
    if (context) result(context, m * sizeof *context);
    float *mean = room(m * sizeof *mean), *of_weight = room(m * sizeof *of_weight);
    CHECK(jc_weighted_mean(m, total, total_weight, -1.0f, team, mean, of_weight) == JC_OK);
    result(mean, m * sizeof *mean);
    result(of_weight, m * sizeof *of_weight);
    const double *totals[3], *weights[3];
    float *variances[3];
    for (int k = 0; k < n_variances; k++) {
        totals[k] = pick(0, 3) ? total : NULL;
        weights[k] = total_weight;
        variances[k] = room(m * sizeof *variances[k]);
    }
    CHECK(jc_mean_variances(m, n_variances, totals, weights, 0.5, team, variances, mean) == JC_OK);
    for (int k = 0; k < n_variances; k++) result(variances[k], m * sizeof *variances[k]);
    result(mean, m * sizeof *mean);
}

static void test_sums_of_one(void)
{
    const double weight[1] = {2}, sum[1] = {6};
    double total_weight[2] = {0, 2}, total[2] = {0, 2};
    uint32_t context[2] = {0, 1};
    float mean[2], of_weight[2], variance[2], err[2];
    CHECK(jc_add_sums(1, 1, weight, sum, 2, 2, 1, 1, total_weight, total, context) == JC_OK);
    CHECK(jc_weighted_mean(2, total, total_weight, 7, 1, mean, of_weight) == JC_OK);
    CHECK(mean[0] == 7 && mean[1] == 2 && of_weight[0] == 0 && of_weight[1] == 4);
    CHECK(context[0] == 0 && context[1] == 3);
    const double *totals[2] = {total, NULL}, *weights[2] = {total_weight, NULL};
    float none[2], *variances[2] = {variance, none};
    CHECK(jc_mean_variances(2, 2, totals, weights, 8, 1, variances, err) == JC_OK);
    CHECK(variance[1] == 4 && err[1] == 2 && isnan(err[0]) && isnan(none[1]));
    REFUSED(jc_add_sums(1, 1, weight, sum, 2, 2, 2, 1, total_weight, total, NULL));
    REFUSED(jc_weighted_mean(0, total, total_weight, 7, 1, mean, of_weight));
    REFUSED(jc_mean_variances(2, 0, totals, weights, 8, 1, variances, err));
}

int main(void)
{
    for_each_team("any sums", any_sums, 100);
    test_sums_of_one();
    for_each_team("any variances", any_variances, 100);
    test_one();
    return finish();
}

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

int main(void)
{
    for_each_team("any variances", any_variances, 100);
    test_one();
    return finish();
}

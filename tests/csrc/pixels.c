#include "pixels.h"

#include "check.h"

static void any_image(void)
{
    const int n = pick(1, 3000), n_arrays = pick(1, JC_MAX_ARRAYS), with_flags = pick(0, 1);
    const uint32_t bits = (uint32_t) pick(1, 7);
    const double share = pick(0, 1) * 0.01;
    float *arrays[JC_MAX_ARRAYS], *inverse = room((size_t) n * sizeof *inverse);
    uint32_t *flags = flags32((size_t) n, 15, share);
    for (int k = 0; k < n_arrays; k++)
        arrays[k] = floats((size_t) n, -10, 10, share);
    int64_t count = 0;
    uint8_t *chosen = room((size_t) n);
    for (int i = 0; i < n; i++) chosen[i] = (uint8_t) pick(0, 1);
    CHECK(jc_flag(n, chosen, 8, team, flags, &count) == JC_OK);
    CHECK(count >= 0 && count <= n);
    CHECK(jc_inverse_variance(n, arrays[0], flags, bits, team, inverse) == JC_OK);
    result(inverse, (size_t) n * sizeof *inverse);
    CHECK(jc_leave_out(n, arrays[0], uniform(-1, 1), team, inverse) == JC_OK);
    result(inverse, (size_t) n * sizeof *inverse);
    CHECK(jc_reconcile(n, n_arrays, bits, team, arrays, with_flags ? flags : NULL) == JC_OK);
    for (int k = 0; k < n_arrays; k++)
        result(arrays[k], (size_t) n * sizeof *arrays[k]);
    result(flags, (size_t) n * sizeof *flags);
    double factors[JC_MAX_ARRAYS];
    for (int k = 0; k < n_arrays; k++)
        factors[k] = pick(-9, 9) / 7.0;
    CHECK(jc_scale(n, n_arrays, factors, pick(0, 1), team, arrays) == JC_OK);
    for (int k = 0; k < n_arrays; k++)
        result(arrays[k], (size_t) n * sizeof *arrays[k]);
}

static void test_two(void)
{
    float data[2] = {1, NAN}, err[2] = {3, 4}, inverse[2];
    float *arrays[2] = {data, err};
    uint32_t flags[2] = {2, 0};
    CHECK(jc_reconcile(2, 2, 1, 1, arrays, flags) == JC_OK);
    CHECK(data[0] == 1 && isnan(data[1]) && err[0] == 3 && isnan(err[1]));
    CHECK(flags[0] == 2 && flags[1] == 1);
    CHECK(jc_inverse_variance(2, data, flags, 4, 1, inverse) == JC_OK);
    CHECK(inverse[0] == 1 && inverse[1] == 0);
    const uint8_t second[2] = {0, 1};
    int64_t count;
    CHECK(jc_flag(2, second, 8, 1, flags, &count) == JC_OK);
    CHECK(count == 1 && flags[0] == 2 && flags[1] == 9);
    CHECK(jc_leave_out(2, inverse, 0.5, 1, err) == JC_OK);
    CHECK(err[0] == 3 && isnan(err[1]));
    REFUSED(jc_flag(0, second, 8, 1, flags, &count));
    REFUSED(jc_leave_out(2, inverse, 0.5, 0, err));
    REFUSED(jc_reconcile(0, 2, 1, 1, arrays, flags));
    REFUSED(jc_reconcile(2, JC_MAX_ARRAYS + 1, 1, 1, arrays, flags));
    REFUSED(jc_inverse_variance(2, data, flags, 4, 0, inverse));
    const double factors[2] = {2, 4};
    CHECK(jc_scale(2, 2, factors, 0, 1, arrays) == JC_OK && data[0] == 2 && err[0] == 12);
    CHECK(jc_scale(2, 1, factors + 1, 1, 1, arrays) == JC_OK && data[0] == 0.5 && err[0] == 12);
    REFUSED(jc_scale(2, 0, factors, 0, 1, arrays));
    REFUSED(jc_scale(2, 2, factors, 0, 0, arrays));
}

int main(void)
{
    for_each_team("any image", any_image, 60);
    test_two();
    return finish();
}

#include "sky.h"

#include "check.h"

static void any_values(void)
{
    const int64_t n = pick(0, 1) ? pick(1, 40) : pick(1, 60000);
    const int n_bins = pick(1, 200);
    const float *values = floats((size_t) n, -10, 10, pick(0, 1) ? 0.02 : 0.5);
    const float low = (float) uniform(-12, 12), high = (float) uniform(-12, 12);
    uint32_t *histogram = room((size_t) n_bins * sizeof *histogram);
    jc_sky_moments moments;
    memset(&moments, 0, sizeof moments);
    CHECK(jc_sky_range(n, values, low, high, uniform(-1e4, 1e4), team, &moments) == JC_OK);
    CHECK(moments.count >= 0 && moments.count <= n);
    result(&moments.count, sizeof moments.count);
    result(&moments.mean, sizeof moments.mean);
    result(&moments.std, sizeof moments.std);
    CHECK(jc_sky_histogram(n, values, low, high, (float) uniform(0, 50), n_bins, team,
                           histogram) == JC_OK);
    result(histogram, (size_t) n_bins * sizeof *histogram);
}

static void any_spans(void)
{
    const int n_rows = pick(1, 30), n_cols = pick(1, 70), n_spans = pick(1, 40);
    const size_t n = (size_t) n_rows * n_cols;
    int64_t spans[3 * 40], size = 0;
    for (int k = 0; k < n_spans; k++) {
        spans[3 * k] = pick(0, n_rows - 1);
        spans[3 * k + 1] = pick(0, n_cols - 1);
        spans[3 * k + 2] = pick((int) spans[3 * k + 1] + 1, n_cols);
        size += spans[3 * k + 2] - spans[3 * k + 1];
    }
    float *values = room((size_t) size * sizeof *values);
    CHECK(jc_sky_take(n_spans, spans, n_rows, n_cols, floats(n, -9, 9, 0.1),
                      pick(0, 1) ? flags32(n, 7, 0.1) : NULL, 5, team, values) == JC_OK);
    result(values, (size_t) size * sizeof *values);
}

static void test_two_spans(void)
{
    const float image[6] = {1, INFINITY, 3, 4, 5, 6};
    const uint32_t flags[6] = {0, 0, 2, 1, 0, 3};
    int64_t spans[6] = {1, 0, 3, 0, 1, 3};
    float v[5];
    CHECK(jc_sky_take(2, spans, 2, 3, image, flags, 1, 1, v) == JC_OK);
    CHECK(isnan(v[0]) && v[1] == 5 && isnan(v[2]) && isnan(v[3]) && v[4] == 3);
    for (int k = 0; k < 3; k++) {
        const int64_t wrong[3][3] = {{2, 0, 3}, {0, 1, 1}, {0, 0, 4}};
        memcpy(spans + 3, wrong[k], sizeof wrong[k]);
        REFUSED(jc_sky_take(2, spans, 2, 3, image, flags, 1, 1, v));
    }
}

static void test_known(void)
{
    const float values[6] = {1, 2, NAN, 3, 9, -5};
    uint32_t histogram[3];
    jc_sky_moments m;
    CHECK(jc_sky_range(6, values, 1, 3, 1e6, 1, &m) == JC_OK);
    CHECK(m.count == 3 && m.mean == 2 && m.std == 1 && m.low == 1 && m.high == 3);
    CHECK(jc_sky_range(6, values, 4, 5, 0, 1, &m) == JC_OK);
    CHECK(m.count == 0 && isnan(m.mean) && isnan(m.std) && isnan(m.low) && isnan(m.high));
    CHECK(jc_sky_histogram(6, values, 1, 9, 0.5f, 3, 1, histogram) == JC_OK);
    CHECK(histogram[0] == 2 && histogram[1] == 1 && histogram[2] == 0);
    REFUSED(jc_sky_range(0, values, 1, 3, 0, 1, &m));
    REFUSED(jc_sky_range(6, values, 1, 3, NAN, 1, &m));
    REFUSED(jc_sky_histogram(6, values, 1, 3, 1, 0, 1, histogram));
    REFUSED(jc_sky_histogram(6, values, 1, 3, INFINITY, 3, 1, histogram));
}

int main(void)
{
    for_each_team("any values", any_values, 60);
    for_each_team("any spans", any_spans, 60);
    test_two_spans();
    test_known();
    return finish();
}

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
    test_known();
    return finish();
}

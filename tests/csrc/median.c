#include "median.h"

#include "check.h"

static void any_stack(void)
{
    const int n = pick(1, 3) == 1 ? pick(1, 4) : pick(1, 40), width = pick(1, n);
    const int64_t n_pixels = pick(1, 100);
    const size_t size = (size_t) n * (size_t) n_pixels;
    const float *images = floats(size, -10, 10, pick(0, 1) ? 0.02 : 0.5);
    float *median = room((size_t) n_pixels * sizeof *median), *rolling = room(size * sizeof *rolling);
    CHECK(jc_median(n, n_pixels, images, team, median) == JC_OK);
    result(median, (size_t) n_pixels * sizeof *median);
    CHECK(jc_rolling_median(n, n_pixels, images, width, team, rolling) == JC_OK);
    result(rolling, size * sizeof *rolling);
}

static void test_known(void)
{
    const float images[6] = {1, NAN, 5, NAN, 9, NAN}, series[5] = {5, 1, 9, 3, 2};
    float median[6];
    CHECK(jc_median(3, 2, images, 1, median) == JC_OK);
    CHECK(median[0] == 5 && isnan(median[1]));
    CHECK(jc_median(2, 2, images, 1, median) == JC_OK);
    CHECK(median[0] == 3 && isnan(median[1]));
    CHECK(jc_rolling_median(5, 1, series, 3, 1, median) == JC_OK);
    CHECK(median[0] == 5 && median[1] == 5 && median[2] == 3 && median[3] == 3 && median[4] == 3);
    REFUSED(jc_median(0, 2, images, 1, median));
    REFUSED(jc_median(3, 0, images, 1, median));
    REFUSED(jc_rolling_median(5, 1, series, 6, 1, median));
    REFUSED(jc_rolling_median(5, 1, series, 0, 1, median));
}

int main(void)
{
    for_each_team("any stack", any_stack, 100);
    test_known();
    return finish();
}

#include "clipping.h"

#include "check.h"

static void any_values(void)
{
    int64_t n = pick(1, 3) == 1 ? pick(1, 9) : pick(1, 20000), count = -1;
    float *values = floats((size_t) n, -10, 10, pick(0, 1) ? 0.02 : 0.5);
    uint8_t *chosen = flags8((size_t) n, 1, uniform(0, 1));
    float *sorted = room((size_t) n * sizeof *sorted);
    CHECK(jc_sort_chosen(n, values, pick(0, 3) ? chosen : NULL, team, sorted, &count) == JC_OK);
    CHECK(count >= 0 && count <= n);
    for (int64_t k = 1; k < count; k++)
        CHECK(sorted[k - 1] <= sorted[k]);
    result(sorted, (size_t) count * sizeof *sorted);
    float *exact = room((size_t) count * sizeof *exact); /* so that a look beyond it is seen */
    memcpy(exact, sorted, (size_t) count * sizeof *exact);
    jc_clip_stats stats;
    double centre = uniform(-12, 12);
    CHECK(jc_clip(count, exact, NULL, uniform(0.5, 4), pick(0, 6), team, &stats) == JC_OK);
    result(&stats, sizeof stats);
    CHECK(jc_clip(count, exact, &centre, uniform(0.5, 4), pick(0, 6), team, &stats) == JC_OK);
    result(&stats, sizeof stats);
}

/* In place, without what is not chosen, NaN or infinite. */
static void test_sort(void)
{
    float values[6] = {3, -1, NAN, INFINITY, 7, 2};
    const uint8_t chosen[6] = {1, 1, 1, 1, 0, 1};
    int64_t count;
    CHECK(jc_sort_chosen(6, values, chosen, 1, values, &count) == JC_OK);
    CHECK(count == 3 && values[0] == -1 && values[1] == 2 && values[2] == 3);
    REFUSED(jc_sort_chosen(0, values, NULL, 1, values, &count));
    REFUSED(jc_sort_chosen(6, values, NULL, 0, values, &count));
}

static void test_clip(void)
{
    const float values[9] = {-2, -1, -1, 0, 0, 1, 1, 2, 900};
    jc_clip_stats stats;
    double centre = 0.5;
    CHECK(jc_clip(9, values, NULL, 2, 5, 1, &stats) == JC_OK);
    CHECK(stats.mean == 0 && stats.median == 0 && stats.count == 8);
    CHECK_NEAR(stats.std, sqrt(1.5), 1e-12);
    CHECK(jc_clip(9, values, &centre, 9, 5, 1, &stats) == JC_OK);
    CHECK(stats.median == 0.5);
    CHECK_NEAR(stats.std, sqrt((6.25 + 2 * 2.25 + 2 * 0.25) / 5), 1e-12);
    CHECK(jc_clip(0, values, NULL, 2, 5, 1, &stats) == JC_OK);
    CHECK(isnan(stats.mean) && isnan(stats.median) && isnan(stats.std));
    REFUSED(jc_clip(9, values, NULL, 0, 5, 1, &stats));
    REFUSED(jc_clip(9, values, NULL, 2, -1, 1, &stats));
    REFUSED(jc_clip(-1, values, NULL, 2, 5, 1, &stats));
}

static void any_middle(void)
{
    const int n = pick(1, 500);
    float middle[2], *values = floats((size_t) n, -1, 1, 0.05 * pick(0, 1));
    CHECK(jc_middle(n, values, team, middle) == JC_OK);
    result(middle, sizeof middle);
}

static void test_middle(void)
{
    const float values[4] = {4, -INFINITY, 1, NAN};
    float middle[2];
    CHECK(jc_middle(2, values, 1, middle) == JC_OK);
    CHECK(middle[0] == -INFINITY && middle[1] == 4);
    CHECK(jc_middle(3, values, 2, middle) == JC_OK);
    CHECK(middle[0] == 1 && middle[1] == 1);
    CHECK(jc_middle(4, values, 2, middle) == JC_OK);
    CHECK(isnan(middle[0]) && isnan(middle[1]));
    REFUSED(jc_middle(0, values, 1, middle));
}

int main(void)
{
    for_each_team("any values", any_values, 60);
    for_each_team("any middle", any_middle, 60);
    test_middle();
    test_sort();
    test_clip();
    return finish();
}

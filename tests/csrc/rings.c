#include "rings.h"

#include "check.h"

static void any_rings(void)
{
    jc_rings r = {.n_rows = pick(1, 40), .n_cols = pick(1, 40), .n_sources = pick(0, 30),
                  .inner = uniform(0, 9), .outer = uniform(0, 15), .sigma = uniform(0.5, 5),
                  .max_passes = pick(0, 6)};
    r.image = floats((size_t) r.n_rows * r.n_cols, -10, 1000, 0.05);
    double *position = doubles(2 * (size_t) r.n_sources + 1, -20, 60);
    for (int k = 0; k < 2 * r.n_sources; k++)
        if (pick(0, 19) == 0) position[k] = pick(0, 1) ? odd_number() : 1e300;
    r.position = position;
    size_t n = (size_t) r.n_sources;
    double *median = room(n * sizeof *median + 1), *std = room(n * sizeof *std + 1);
    int32_t *count = room(n * sizeof *count + 1);
    CHECK(jc_ring_medians(&r, team, median, std, count) == JC_OK);
    result(median, n * sizeof *median);
    result(std, n * sizeof *std);
    result(count, n * sizeof *count);
}

static void test_a_ring(void)
{
    const float image[5] = {1, 2, 90, 4, NAN};
    const double position[2] = {2, 0};
    double median, std;
    int32_t count;
    jc_rings r = {1, 5, image, 1, position, 1, 2.5, 3, 5};
    CHECK(jc_ring_medians(&r, 1, &median, &std, &count) == JC_OK);
    CHECK(count == 3);
    CHECK_NEAR(median, 2, 0);
    CHECK_NEAR(std, sqrt(14.0 / 9), 1e-12);
    r.outer = JC_MAX_OUTER;
    REFUSED(jc_ring_medians(&r, 1, &median, &std, &count));
    r.outer = 2.5;
    r.sigma = 0;
    REFUSED(jc_ring_medians(&r, 1, &median, &std, &count));
}

int main(void)
{
    for_each_team("any rings", any_rings, 60);
    test_a_ring();
    return finish();
}

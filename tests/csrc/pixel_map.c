#include "pixel_map.h"

#include "check.h"

static void any_map(void)
{
    const int n_values = pick(1, 3), n_down = pick(1, 9), n_across = pick(1, 9);
    const int n_rows = pick(1, 20), n_cols = pick(1, 70);
    const int from = pick(0, n_rows - 1), to = pick(from + 1, n_rows);
    const double *coefficients = doubles((size_t) n_values * n_down * n_across, -10, 10);
    const size_t n = (size_t) n_values * (to - from) * n_cols;
    double *value = room(n * sizeof *value);
    CHECK(jc_pixel_map(n_values, n_down, n_across, coefficients, n_rows, n_cols, from, to, team,
                       value) == JC_OK);
    result(value, n * sizeof *value);
}

/* 5 + 2 u + 3 v, and what is refused. */
static void test_plane(void)
{
    const double plane[4] = {5, 2, 3, 0};
    double value[6];
    CHECK(jc_pixel_map(1, 2, 2, plane, 2, 3, 0, 2, 1, value) == JC_OK);
    CHECK_NEAR(value[0], 0, 1e-14);
    CHECK_NEAR(value[1], 2, 1e-14);
    CHECK_NEAR(value[5], 10, 1e-14);
    REFUSED(jc_pixel_map(0, 2, 2, plane, 2, 3, 0, 2, 1, value));
    REFUSED(jc_pixel_map(1, 0, 2, plane, 2, 3, 0, 2, 1, value));
    REFUSED(jc_pixel_map(1, 2, 2, plane, 2, 3, 1, 1, 1, value));
    REFUSED(jc_pixel_map(1, 2, 2, plane, 2, 3, 0, 3, 1, value));
}

int main(void)
{
    for_each_team("any map", any_map, 100);
    test_plane();
    return finish();
}

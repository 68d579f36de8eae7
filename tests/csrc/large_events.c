#include "large_events.h"

#include "check.h"

/* Round blots of a bit, some of them on the edge. */
static void blot(uint8_t *plane, int n_rows, int n_cols, uint8_t bit)
{
    double row = uniform(-2, n_rows + 2), col = uniform(-2, n_cols + 2), radius = uniform(0, 6);
    for (int y = 0; y < n_rows; y++)
        for (int x = 0; x < n_cols; x++)
            if (hypot(y - row, x - col) < radius) plane[y * n_cols + x] |= bit;
}

static void any_exposure(void)
{
    jc_cube cube = {pick(1, 4), pick(1, 5), pick(1, 40), pick(1, 50)};
    size_t image = (size_t) cube.n_rows * cube.n_cols;
    int planes = cube.n_integrations * cube.n_groups;
    uint8_t *groupdq = flags8(image * planes, 7, 0.02);
    for (int k = 0; k < planes; k++)
        for (int blots = pick(0, 4); blots; blots--)
            blot(groupdq + k * image, cube.n_rows, cube.n_cols, draw() % 2 ? 4 : 2);
    jc_snowball_rule rule = {.min_jump_area = uniform(0, 20), .min_core_area = uniform(0, 5),
                             .expand_factor = uniform(0.5, 3), .core_required = pick(0, 1),
                             .min_core_diameter = uniform(0, 4), .core_growth = uniform(0, 4),
                             .max_diameter = uniform(1, 60), .edge = pick(0, 10),
                             .next_groups = pick(0, 4), .jump = 4, .saturated = 2};
    int64_t n_found;
    CHECK(jc_snowballs(&cube, &rule, team, groupdq, &n_found) == JC_OK);
    result(groupdq, image * planes);
    result(&n_found, sizeof n_found);

    jc_ellipses list;
    CHECK(jc_find_ellipses(groupdq, cube.n_rows, cube.n_cols, 4, 3, &list) == JC_OK);
    CHECK(jc_flag_ellipses(&cube, list.items, list.n, cube.n_integrations - 1, 0, pick(0, 6), 2.0,
                           30, 4, 2, groupdq) == JC_OK);
    result(groupdq, image * planes);
    jc_ellipses_free(&list);
    jc_ellipses_free(&list); /* again does no harm */
}

/* A disc of radius 5 has full axes near 10 and its centre in the middle. */
static void test_disc(void)
{
    uint8_t plane[21 * 23] = {0};
    for (int y = 0; y < 21; y++)
        for (int x = 0; x < 23; x++)
            plane[y * 23 + x] = hypot(y - 10, x - 12) < 5.5 ? 4 : 0;
    jc_ellipses list;
    CHECK(jc_find_ellipses(plane, 21, 23, 4, 5, &list) == JC_OK);
    CHECK(list.n == 1);
    CHECK_NEAR(list.items[0].x, 12, 1e-9);
    CHECK_NEAR(list.items[0].y, 10, 1e-9);
    CHECK_NEAR(list.items[0].major, 10, 0.5);
    CHECK_NEAR(list.items[0].minor, 10, 0.5);
    jc_ellipses_free(&list);
    CHECK(jc_find_ellipses(plane, 21, 23, 2, 5, &list) == JC_OK);
    CHECK(list.n == 0);
    jc_ellipses_free(&list);
    REFUSED(jc_find_ellipses(plane, 0, 23, 4, 5, &list));
}

int main(void)
{
    for_each_team("any exposure", any_exposure, 60);
    test_disc();
    return finish();
}

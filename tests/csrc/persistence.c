#include "persistence.h"

#include "check.h"

static void any_exposure(void)
{
    jc_persistence_input in = {.n_ints = pick(1, 3), .n_groups = pick(1, 8), .n_rows = pick(1, 9),
                               .n_cols = pick(1, 70), .duration = uniform(1, 60),
                               .threshold = draw() % 2 ? NAN : 5000, .saturated = 2, .flags = 33};
    size_t image = (size_t) in.n_rows * in.n_cols, n = image * in.n_ints * in.n_groups;
    double *time = room((size_t) in.n_ints * in.n_groups * sizeof *time);
    for (int k = 0; k < in.n_ints * in.n_groups; k++)
        time[k] = 1000 + 10 * k;
    in.time = time;
    in.data = ramps(in.n_ints, in.n_groups, image, 0.1);
    uint8_t *groupdq = flags8(n, 7, 0.05);
    double *window = doubles(image, 900, 1100);
    int64_t n_flagged, n_dropped;
    CHECK(jc_persistence(&in, team, groupdq, window, &n_flagged, &n_dropped) == JC_OK);
    result(groupdq, n);
    result(window, image * sizeof *window);
    result(&n_flagged, sizeof n_flagged);
    result(&n_dropped, sizeof n_dropped);
}

/* Saturated at 20 s, the window lasts until 35 s. */
static void test_window(void)
{
    const float data[4] = {0, 0, 0, 0};
    const double time[4] = {10, 20, 30, 40};
    uint8_t groupdq[4] = {0, 2, 2, 2};
    double window = 0;
    int64_t n_flagged, n_dropped;
    jc_persistence_input in = {1, 4, 1, 1, data, time, 15, NAN, 2, 32};
    CHECK(jc_persistence(&in, 1, groupdq, &window, &n_flagged, &n_dropped) == JC_OK);
    CHECK(groupdq[0] == 0 && groupdq[1] == 34 && groupdq[2] == 34 && groupdq[3] == 2);
    CHECK(n_flagged == 2 && n_dropped == 0 && window == 0);
    in.duration = 0;
    REFUSED(jc_persistence(&in, 1, groupdq, &window, &n_flagged, &n_dropped));
}

int main(void)
{
    for_each_team("any exposure", any_exposure, 40);
    test_window();
    return finish();
}

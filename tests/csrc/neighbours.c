#include "neighbours.h"

#include "check.h"

static void any_places(void)
{
    int n = pick(0, 60), coarse = pick(0, 1);
    double *position = doubles(2 * (size_t) n + 1, -20, 60);
    for (int k = 0; k < 2 * n; k++) {
        if (coarse) position[k] = floor(position[k] / 10);
        if (pick(0, 19) == 0) position[k] = odd_number();
    }
    int32_t *nearest = room((size_t) n * sizeof *nearest + 1);
    double *distance = room((size_t) n * sizeof *distance + 1);
    CHECK(jc_neighbours(n, position, team, nearest, distance) == JC_OK);
    for (int k = 0; k < n; k++)
        CHECK(nearest[k] >= -1 && nearest[k] < n && nearest[k] != k);
    result(nearest, (size_t) n * sizeof *nearest);
    result(distance, (size_t) n * sizeof *distance);
}

static void test_three_places(void)
{
    const double position[8] = {0, 0, 3, 4, NAN, 0, 3, -4};
    int32_t nearest[4];
    double distance[4];
    CHECK(jc_neighbours(4, position, 1, nearest, distance) == JC_OK);
    CHECK(nearest[0] == 1 && nearest[1] == 0 && nearest[2] == -1 && nearest[3] == 0);
    CHECK(distance[0] == 5 && distance[3] == 5 && isnan(distance[2]));
    REFUSED(jc_neighbours(-1, position, 1, nearest, distance));
    REFUSED(jc_neighbours(4, position, 0, nearest, distance));
}

int main(void)
{
    for_each_team("any places", any_places, 200);
    test_three_places();
    return finish();
}

#include "magnify.h"

#include "check.h"

static void any_grid(void)
{
    jc_grid g = {.n_rows = pick(1, 40), .n_cols = pick(1, 90), .n_terms = pick(1, 9)};
    size_t n = (size_t) g.n_rows * g.n_cols;
    g.down = doubles((size_t) g.n_rows * g.n_terms, -1, 1);
    g.across = doubles((size_t) g.n_cols * g.n_terms, -9, 9);
    g.least = uniform(-5, 0);
    g.most = uniform(0, 5);
    uint8_t *hidden = room(n);
    for (size_t k = 0; k < n; k++)
        hidden[k] = pick(0, 9) == 0;
    g.hidden = hidden;
    float *value = room(n * sizeof *value);
    CHECK(jc_magnify(&g, team, value) == JC_OK);
    for (size_t k = 0; k < n; k++)
        CHECK(hidden[k] ? value[k] == 0
                        : value[k] >= (float) g.least && value[k] <= (float) g.most);
    result(value, n * sizeof *value);
    float *left = room(n * sizeof *left), *image = floats(n, -9, 9, 0);
    g.image = image;
    CHECK(jc_magnify(&g, team, left) == JC_OK);
    for (size_t k = 0; k < n; k++)
        CHECK(left[k] == image[k] - value[k]);
    result(left, n * sizeof *left);
}

static void test_a_grid(void)
{
    const double down[2] = {1, 0.5}, across[4] = {2, 4, 10, 30};
    const uint8_t hidden[2] = {0};
    float value[2];
    jc_grid g = {1, 2, 2, down, across, 0, 15, hidden, NULL};
    CHECK(jc_magnify(&g, 1, value) == JC_OK);
    CHECK(value[0] == 7 && value[1] == 15);
    g.least = 20;
    REFUSED(jc_magnify(&g, 1, value));
    g.least = NAN;
    REFUSED(jc_magnify(&g, 1, value));
    g.least = 0;
    g.n_terms = 0;
    REFUSED(jc_magnify(&g, 1, value));
}

int main(void)
{
    for_each_team("any grid", any_grid, 60);
    test_a_grid();
    return finish();
}

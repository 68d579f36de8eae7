#include "refpix.h"

#include "check.h"

static jc_refpix_planes any_planes(void)
{
    jc_refpix_planes p = {pick(1, 5), pick(1, 30), pick(1, 40), 0, NULL};
    p.n_single = pick(0, p.n_planes);
    if (draw() % 2) p.base = floats((size_t) p.n_rows * p.n_cols, 0, 1000, 0.01);
    return p;
}

static float *counts(const jc_refpix_planes *p)
{
    return floats((size_t) p->n_planes * p->n_rows * p->n_cols, -50, 50, draw() % 2 ? 0.02 : 0);
}

static int32_t *numbers(size_t n, int low, int high)
{
    int32_t *values = room(n * sizeof *values);
    for (size_t k = 0; k < n; k++)
        values[k] = pick(low, high);
    return values;
}

static void any_means(void)
{
    jc_refpix_planes p = any_planes();
    int n_sets = pick(1, 5);
    int32_t *start = room((n_sets + 1) * sizeof *start);
    for (int k = 0; k < n_sets; k++)
        start[k + 1] = start[k] + (draw() % 4 ? pick(1, 300) : 0);
    int32_t *pixels = numbers(start[n_sets] + 1, 0, p.n_rows * p.n_cols - 1);
    double *mean = room((size_t) p.n_planes * n_sets * sizeof *mean);
    CHECK(jc_refpix_means(&p, counts(&p), n_sets, start, pixels, 3, team, mean) == JC_OK);
    result(mean, (size_t) p.n_planes * n_sets * sizeof *mean);
}

static void any_side(void)
{
    jc_refpix_planes p = any_planes();
    int n_values = pick(0, 4);
    double *values = doubles((size_t) p.n_planes * n_values + 1, -5, 5);
    jc_refpix_sides s = {.n_slow = pick(1, 30), .window = pick(1, 11), .n_pixels = pick(1, 4),
                         .gain = 0.8};
    size_t in_side = (size_t) (s.n_slow + s.window - 1) * s.n_pixels;
    s.pixels = numbers(2 * in_side, -1, p.n_rows * p.n_cols - 1);
    s.value = numbers(2 * in_side, -1, n_values - 1);
    double *signal = room((size_t) p.n_planes * s.n_slow * sizeof *signal);
    CHECK(jc_refpix_side(&p, counts(&p), n_values, values, &s, team, signal) == JC_OK);
    result(signal, (size_t) p.n_planes * s.n_slow * sizeof *signal);
}

static void any_subtraction(void)
{
    jc_refpix_planes p = any_planes();
    jc_refpix_correction c = {.along_rows = pick(0, 1), .n_values = pick(0, 4),
                              .n_channels = pick(1, 4), .keep_zeros = pick(0, 1)};
    c.n_periods = c.along_rows ? 1 : pick(1, p.n_rows < 3 ? p.n_rows : 3);
    size_t along = (size_t) (c.along_rows ? p.n_rows : p.n_cols);
    size_t across = (size_t) (c.along_rows ? p.n_cols : p.n_rows);
    c.values = doubles((size_t) p.n_planes * c.n_values + 1, -5, 5);
    c.which = numbers(c.n_periods * along, -1, c.n_values - 1);
    if (draw() % 2) c.signal = doubles((size_t) p.n_planes * c.n_channels * across, -5, 5);
    if (draw() % 2) c.channel = numbers(along, 0, c.n_channels - 1);
    float *data = counts(&p);
    CHECK(jc_refpix_subtract(&p, &c, team, data) == JC_OK);
    result(data, (size_t) p.n_planes * p.n_rows * p.n_cols * sizeof *data);
}

/* A set with an outlier and a NaN, taken off its columns. */
static void test_mean(void)
{
    float data[24];
    const int32_t start[2] = {0, 24}, which[12] = {0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1};
    int32_t pixels[24];
    double mean;
    for (int k = 0; k < 24; k++)
        pixels[k] = k, data[k] = 7;
    data[3] = 4000, data[5] = NAN;
    jc_refpix_planes p = {1, 2, 12, 0, NULL};
    CHECK(jc_refpix_means(&p, data, 1, start, pixels, 3, 1, &mean) == JC_OK);
    CHECK_NEAR(mean, 7, 1e-12);
    jc_refpix_correction c = {0, 1, 1, &mean, which, 1, NULL, NULL, 0};
    CHECK(jc_refpix_subtract(&p, &c, 1, data) == JC_OK);
    CHECK(data[0] == 0 && data[1] == 7 && data[14] == 0 && data[15] == 7);
    pixels[0] = 24;
    REFUSED(jc_refpix_means(&p, data, 1, start, pixels, 3, 1, &mean));
    c.n_periods = 3;
    REFUSED(jc_refpix_subtract(&p, &c, 1, data));
}

int main(void)
{
    for_each_team("any means", any_means, 50);
    for_each_team("any side", any_side, 50);
    for_each_team("any subtraction", any_subtraction, 50);
    test_mean();
    return finish();
}

#include "circles.h"

#include "check.h"

static const double PI = 3.14159265358979323846;

static void any_circles(void)
{
    double radius[3] = {uniform(1e-3, 0.7), uniform(0.1, 3), uniform(1, 40)};
    jc_circles c = {.n_rows = pick(1, 40), .n_cols = pick(1, 40), .n_sources = pick(0, 30),
                    .n_radii = pick(0, 3), .radius = radius};
    c.image = floats((size_t) c.n_rows * c.n_cols, -10, 1000, 0.05);
    c.error = floats((size_t) c.n_rows * c.n_cols, 0, 10, 0.05);
    double *position = doubles(2 * (size_t) c.n_sources + 1, -20, 60);
    for (int k = 0; k < 2 * c.n_sources; k++)
        if (pick(0, 19) == 0) position[k] = pick(0, 1) ? odd_number() : -1e300;
    c.position = position;
    size_t bytes = (size_t) c.n_sources * c.n_radii * sizeof(double);
    double *total = room(bytes + 1), *width = room(bytes + 1);
    CHECK(jc_circle_sums(&c, team, total, width) == JC_OK);
    result(total, bytes);
    result(width, bytes);
}

static void any_weights(void)
{
    int n_rows = pick(30, 40), n_cols = pick(30, 40);
    double x = uniform(10, n_cols - 11), y = uniform(10, n_rows - 11), radius = uniform(1e-3, 9);
    if (pick(0, 3) == 0) x = floor(2 * x) / 2;
    if (pick(0, 3) == 0) radius = ceil(2 * radius) / 2;
    double *weight = room((size_t) n_rows * n_cols * sizeof *weight), sum = 0;
    CHECK(jc_circle_weights(n_rows, n_cols, x, y, radius, weight) == JC_OK);
    for (int k = 0; k < n_rows * n_cols; k++) {
        CHECK(weight[k] >= 0 && weight[k] <= 1);
        sum += weight[k];
    }
    CHECK_NEAR(sum / (PI * radius * radius), 1, 1e-12);
    result(weight, (size_t) n_rows * n_cols * sizeof *weight);
}

static void test_a_circle(void)
{
    const float image[3] = {1, 2, 4}, error[3] = {3, 4, NAN};
    const double position[2] = {0.5, 0}, inner = 0.5;
    double radius = 0.5, total, width;
    jc_circles c = {1, 3, image, error, 1, position, 1, &radius};
    CHECK(jc_circle_sums(&c, 1, &total, &width) == JC_OK);
    CHECK_NEAR(total, PI / 8 * 3, 1e-15);
    CHECK_NEAR(width, sqrt(PI / 8 * 25), 1e-14);
    radius = 0;
    REFUSED(jc_circle_sums(&c, 1, &total, &width));
    radius = INFINITY;
    REFUSED(jc_circle_sums(&c, 1, &total, &width));
    REFUSED(jc_circle_weights(1, 1, NAN, 0, inner, &total));
    REFUSED(jc_circle_weights(1, 1, 0, 0, -1, &total));
    REFUSED(jc_circle_weights(0, 1, 0, 0, inner, &total));
}

int main(void)
{
    for_each_team("any circles", any_circles, 60);
    for_each_team("any weights", any_weights, 60);
    test_a_circle();
    return finish();
}

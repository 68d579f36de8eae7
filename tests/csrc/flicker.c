#include "flicker.h"

#include "check.h"

static void any_lines(void)
{
    jc_lines in = {.columns = pick(0, 1), .n_parts = pick(1, 4)};
    in.n_rows = pick(1, 9) * (in.columns ? in.n_parts : 1);
    in.n_cols = pick(1, 40) * (in.columns ? 1 : in.n_parts);
    size_t n = (size_t) in.n_rows * in.n_cols;
    float *image = floats(n, -10, 10, 0.1);
    in.image = image;
    in.chosen = flags8(n, 1, uniform(0, 1));
    size_t bytes = (size_t) in.n_parts * (in.columns ? in.n_cols : in.n_rows) * sizeof(float);
    float *median = room(bytes);
    CHECK(jc_line_medians(&in, team, median) == JC_OK);
    result(median, bytes);
}

static void any_boxes(void)
{
    jc_boxes in = {.n_rows = pick(1, 30), .n_cols = pick(1, 40), .box_rows = pick(1, 35),
                   .box_cols = pick(1, 45), .sigma = uniform(0.5, 4), .max_passes = pick(0, 6)};
    size_t n = (size_t) in.n_rows * in.n_cols;
    in.image = floats(n, -10, 10, 0.1);
    in.chosen = flags8(n, 1, uniform(0, 1));
    size_t boxes = (size_t) ((in.n_rows - 1) / in.box_rows + 1) *
                   (size_t) ((in.n_cols - 1) / in.box_cols + 1);
    float *median = room(boxes * sizeof *median), *std = room(boxes * sizeof *std);
    int32_t *count = room(boxes * sizeof *count);
    CHECK(jc_box_medians(&in, team, median, std, count) == JC_OK);
    for (size_t k = 0; k < boxes; k++)
        CHECK(count[k] ? !isnan(median[k]) && std[k] >= 0 : isnan(median[k]) && isnan(std[k]));
    result(median, boxes * sizeof *median);
    result(std, boxes * sizeof *std);
    result(count, boxes * sizeof *count);
}

static void any_systems(void)
{
    jc_hermitian in = {.n_systems = pick(1, 9), .size = pick(1, 12), .tolerance = 1e-12};
    size_t n = (size_t) in.n_systems * in.size;
    double *matrix = doubles(2 * n * in.size, -1, 1), *right = doubles(2 * n, -1, 1);
    for (size_t k = 0; k < n; k++)
        matrix[2 * (k * in.size + k % in.size)] = pick(0, 9) ? 20 : 0;
    if (pick(0, 4) == 0) matrix[pick(0, 2 * (int) n - 1)] = NAN;
    in.matrix = matrix;
    in.right = right;
    double *solution = room(2 * n * sizeof *solution);
    uint8_t *determined = room((size_t) in.n_systems);
    CHECK(jc_hermitian_solve(&in, team, solution, determined) == JC_OK);
    result(solution, 2 * n * sizeof *solution);
    result(determined, (size_t) in.n_systems);
}

static void test_medians(void)
{
    const float image[6] = {5, 1, 3, 8, 2, 4};
    const uint8_t chosen[6] = {1, 1, 1, 0, 1, 1};
    float median[3];
    jc_lines in = {2, 3, 0, 1, image, chosen};
    CHECK(jc_line_medians(&in, 1, median) == JC_OK);
    CHECK(median[0] == 3 && median[1] == 3);
    in.columns = 1;
    CHECK(jc_line_medians(&in, 1, median) == JC_OK);
    CHECK(median[0] == 5 && median[1] == 1.5f && median[2] == 3.5f);
    in.n_parts = 3;
    REFUSED(jc_line_medians(&in, 1, median));
    in.n_parts = 0;
    REFUSED(jc_line_medians(&in, 1, median));
}

static void test_boxes(void)
{
    const float image[6] = {1, 2, 900, 3, 2, 5};
    const uint8_t chosen[6] = {1, 1, 1, 1, 1, 0};
    float median[2], std[2];
    int32_t count[2];
    jc_boxes in = {2, 3, 2, 2, image, chosen, 3, 5};
    CHECK(jc_box_medians(&in, 1, median, std, count) == JC_OK);
    CHECK(median[0] == 2 && count[0] == 4 && median[1] == 900 && count[1] == 1);
    CHECK(std[0] == (float) sqrt(0.5) && std[1] == 0);
    in.box_rows = 0;
    REFUSED(jc_box_medians(&in, 1, median, std, count));
    in.box_rows = 2;
    in.sigma = 0;
    REFUSED(jc_box_medians(&in, 1, median, std, count));
}

/* [[4, -2i], [2i, 3]] (1, i) = (6, 5i); the upper triangle is not read. */
static void test_system(void)
{
    const double matrix[8] = {4, 0, NAN, NAN, 0, 2, 3, 0}, right[4] = {6, 0, 0, 5};
    double x[4];
    uint8_t determined;
    jc_hermitian in = {1, 2, matrix, right, 1e-12};
    CHECK(jc_hermitian_solve(&in, 1, x, &determined) == JC_OK);
    CHECK(determined);
    CHECK_NEAR(x[0], 1, 1e-12);
    CHECK_NEAR(x[1], 0, 1e-12);
    CHECK_NEAR(x[2], 0, 1e-12);
    CHECK_NEAR(x[3], 1, 1e-12);
    in.tolerance = 0.6; /* of the pivots 4 and 2 */
    CHECK(jc_hermitian_solve(&in, 1, x, &determined) == JC_OK);
    CHECK(!determined && x[0] == 0 && x[3] == 0);
    in.size = 0;
    REFUSED(jc_hermitian_solve(&in, 1, x, &determined));
}

int main(void)
{
    for_each_team("any lines", any_lines, 60);
    for_each_team("any boxes", any_boxes, 60);
    for_each_team("any systems", any_systems, 60);
    test_medians();
    test_boxes();
    test_system();
    return finish();
}

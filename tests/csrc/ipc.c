#include "ipc.h"

#include "check.h"

static void any_planes(void)
{
    jc_ipc_input in = {.n_planes = pick(1, 5), .n_rows = pick(1, 12), .n_cols = pick(1, 40),
                       .n_kernel_rows = 1 + 2 * pick(0, 2), .n_kernel_cols = 1 + 2 * pick(0, 2),
                       .of_pixel = pick(0, 1)};
    int gap = pick(0, 2); /* rows of another kind between those of the image */
    in.n_data_rows = in.n_rows * (gap + 1);
    int32_t *rows = room(in.n_rows * sizeof *rows);
    for (int k = 0; k < in.n_rows; k++)
        rows[k] = k * (gap + 1) + gap;
    in.rows = gap ? rows : NULL;
    in.row_from = pick(0, in.n_rows), in.row_to = pick(0, in.n_rows);
    in.col_from = pick(0, in.n_cols), in.col_to = pick(0, in.n_cols);
    size_t taps = (size_t) in.n_kernel_rows * in.n_kernel_cols;
    size_t pixels = in.of_pixel ? (size_t) in.n_rows * in.n_cols : 1;
    in.kernel = floats(taps * pixels, -0.1, 0.1, 0.02);
    size_t n = (size_t) in.n_planes * in.n_data_rows * in.n_cols;
    float *data = floats(n, 0, 1000, 0.02);
    CHECK(jc_ipc(&in, team, data) == JC_OK);
    result(data, n * sizeof *data);
}

/* A point becomes the kernel, turned about its centre. */
static void test_point(void)
{
    const float kernel[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    float data[9] = {0, 0, 0, 0, 1, 0, 0, 0, 0};
    jc_ipc_input in = {1, 3, 3, 3, NULL, 0, 3, 0, 3, 3, 3, 0, kernel};
    CHECK(jc_ipc(&in, 1, data) == JC_OK);
    for (int k = 0; k < 9; k++)
        CHECK(data[k] == kernel[k]);
    in.n_planes = 0;
    REFUSED(jc_ipc(&in, 1, data));
}

int main(void)
{
    for_each_team("any planes", any_planes, 60);
    test_point();
    return finish();
}

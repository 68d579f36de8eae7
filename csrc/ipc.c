#include "ipc.h"
#include "keeper.h"

#include <stdlib.h>
#include <string.h>

JC_CLONES
static void add_scaled(int n, float factor, const float *from, float *sum)
{
    for (int x = 0; x < n; x++)
        sum[x] += factor * from[x];
}

JC_CLONES
static void add_product(int n, const float *factor, const float *from, float *sum)
{
    for (int x = 0; x < n; x++)
        sum[x] += factor[x] * from[x];
}

static float *row_of(const jc_ipc_input *in, float *plane, int row)
{
    return plane + (size_t) (in->rows ? in->rows[row] : row) * in->n_cols;
}

static void add_term(const jc_ipc_input *in, int row, int j, int i, const float *from, float *sum)
{
    size_t at = (size_t) j * in->n_kernel_cols + i;
    int n = in->col_to - in->col_from;
    if (in->of_pixel)
        add_product(n, in->kernel + (at * in->n_rows + row) * in->n_cols + in->col_from, from, sum);
    else
        add_scaled(n, in->kernel[at], from, sum);
}

/* kept: the rows of a window, each with the kernel's margin of zeros, row r in slot r modulo. */
static void keep_row(const jc_ipc_input *in, float *plane, int row, size_t width, float *kept)
{
    float *slot = kept + (size_t) (row % in->n_kernel_rows) * width + in->n_kernel_cols / 2;
    size_t bytes = (size_t) (in->col_to - in->col_from) * sizeof *slot;
    if (row < in->row_to)
        memcpy(slot, row_of(in, plane, row) + in->col_from, bytes);
    else
        memset(slot, 0, bytes);
}

static void convolve_plane(const jc_ipc_input *in, float *plane, float *kept, float *sum)
{
    int n_j = in->n_kernel_rows, n_i = in->n_kernel_cols, n = in->col_to - in->col_from;
    size_t width = (size_t) n + n_i - 1;
    int after = n_j - 1 - n_j / 2;
    memset(kept, 0, (size_t) n_j * width * sizeof *kept);
    for (int row = in->row_from; row < in->row_from + after; row++)
        keep_row(in, plane, row, width, kept);
    for (int row = in->row_from; row < in->row_to; row++) {
        keep_row(in, plane, row + after, width, kept);
        memset(sum, 0, (size_t) n * sizeof *sum);
        for (int k = 0; k <= n_j * n_i; k++) {
            int middle = (n_j / 2) * n_i + n_i / 2;
            int term = k == n_j * n_i ? middle : k;
            if (k == middle)
                continue;
            int j = term / n_i, i = term % n_i;
            /* + n_j: a row below the region lies in a slot that is still zero */
            int slot = (row + n_j - 1 - j - n_j / 2 + n_j) % n_j;
            add_term(in, row, j, i, kept + (size_t) slot * width + (n_i - 1 - i), sum);
        }
        memcpy(row_of(in, plane, row) + in->col_from, sum, (size_t) n * sizeof *sum);
    }
}

static int is_bad(const jc_ipc_input *in, int n_threads)
{
    if (in->n_planes < 1 || in->n_rows < 1 || in->n_cols < 1 || in->n_data_rows < in->n_rows ||
        in->n_kernel_rows < 1 || in->n_kernel_cols < 1 || n_threads < 1 || in->row_from < 0 ||
        in->row_to > in->n_rows || in->col_from < 0 || in->col_to > in->n_cols)
        return 1;
    for (int row = 0; in->rows && row < in->n_rows; row++)
        if (in->rows[row] < 0 || in->rows[row] >= in->n_data_rows)
            return 1;
    return 0;
}

jc_status jc_ipc(const jc_ipc_input *in, int n_threads, float *data)
{
    if (is_bad(in, n_threads))
        return JC_BAD_ARGUMENT;
    if (in->row_from >= in->row_to || in->col_from >= in->col_to)
        return JC_OK; /* reference pixels only */
    size_t plane = (size_t) in->n_data_rows * in->n_cols;
    size_t n = (size_t) (in->col_to - in->col_from);
    size_t kept = (size_t) in->n_kernel_rows * (n + in->n_kernel_cols - 1);
    int failed = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        float *scratch = malloc((kept + n) * sizeof *scratch);
        failed |= scratch == NULL;
#pragma omp for schedule(static)
        for (int k = 0; k < in->n_planes; k++)
            if (scratch) {
                convolve_plane(in, data + k * plane, scratch, scratch + kept);
                jc_settle(in->n_rows);
            }
        free(scratch);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

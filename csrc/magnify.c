#include "magnify.h"

#define LANES 32

JC_INLINE void lanes_of(const jc_grid *in, const double *down, int first, int n,
                        const uint8_t *hidden, const float *image, float *value)
{
    double sum[LANES] = {0};
    for (int term = 0; term < in->n_terms; term++) {
        const double *across = in->across + (size_t) term * in->n_cols + first;
        for (int k = 0; k < n; k++)
            sum[k] += down[term] * across[k];
    }
    for (int k = 0; k < n; k++) {
        double held = sum[k] > in->most ? in->most : sum[k];
        held = held < in->least ? in->least : held;
        value[k] = hidden[k] ? 0 : (float) held;
    }
    if (!image) return;
    for (int k = 0; k < n; k++)
        value[k] = image[k] - value[k];
}

JC_CLONES
static void magnify_row(const jc_grid *in, int row, float *value)
{
    const double *down = in->down + (size_t) row * in->n_terms;
    size_t at = (size_t) row * in->n_cols;
    int whole = in->n_cols - in->n_cols % LANES;
    const float *image = in->image ? in->image + at : NULL;
    for (int col = 0; col < whole; col += LANES)
        lanes_of(in, down, col, LANES, in->hidden + at + col, image ? image + col : NULL,
                 value + at + col);
    lanes_of(in, down, whole, in->n_cols - whole, in->hidden + at + whole,
             image ? image + whole : NULL, value + at + whole);
}

jc_status jc_magnify(const jc_grid *in, int n_threads, float *value)
{
    if (in->n_rows < 1 || in->n_cols < 1 || in->n_terms < 1 || n_threads < 1 ||
        !(in->least <= in->most))
        return JC_BAD_ARGUMENT;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int row = 0; row < in->n_rows; row++)
        magnify_row(in, row, value);
    return JC_OK;
}

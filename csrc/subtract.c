#include "subtract.h"

JC_CLONES
static void subtract_row(int n_cols, const float *reference, float *data)
{
    for (int x = 0; x < n_cols; x++)
        data[x] -= reference[x] == reference[x] ? reference[x] : 0.0f;
}

JC_CLONES
static void subtract_row_but_zero(int n_cols, const float *reference, float *data)
{
    for (int x = 0; x < n_cols; x++) {
        float offset = reference[x] == reference[x] ? reference[x] : 0.0f;
        data[x] = data[x] == 0.0f ? 0.0f : data[x] - offset;
    }
}

jc_status jc_subtract(const jc_subtraction *s, int n_threads, float *data)
{
    if (s->n_ints < 1 || s->n_groups < 1 || s->n_rows < 1 || s->n_cols < 1 || n_threads < 1 ||
        s->n_corrected < 0 || s->n_corrected > s->n_groups)
        return JC_BAD_ARGUMENT;
    size_t plane = (size_t) s->n_rows * s->n_cols;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int row = 0; row < s->n_rows; row++) {
        size_t at = (size_t) row * s->n_cols;
        for (int i = 0; i < s->n_ints; i++)
            for (int g = 0; g < s->n_corrected; g++) {
                const float *reference = s->reference + s->which[i] * s->integration_step +
                                         g * s->group_step + at;
                float *values = data + ((size_t) i * s->n_groups + g) * plane + at;
                if (s->zero_is_bad)
                    subtract_row_but_zero(s->n_cols, reference, values);
                else
                    subtract_row(s->n_cols, reference, values);
            }
    }
    return JC_OK;
}

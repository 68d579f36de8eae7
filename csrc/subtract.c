#include "subtract.h"
#include "keeper.h"

JC_INLINE void subtract_from(int n, const uint32_t *restrict reference, int swapped,
                             int zero_is_bad, float *restrict data)
{
    for (int x = 0; x < n; x++) {
        float offset = jc_float32(reference[x], swapped);
        float value = data[x] - (offset == offset ? offset : 0.0f);
        data[x] = zero_is_bad && data[x] == 0.0f ? 0.0f : value;
    }
}

JC_CLONES
static void subtract_row(int n, const uint32_t *reference, int swapped, int zero_is_bad,
                         float *data)
{
    if (zero_is_bad)
        subtract_from(n, reference, swapped, 1, data);
    else if (swapped)
        subtract_from(n, reference, 1, 0, data);
    else
        subtract_from(n, reference, 0, 0, data);
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
        for (int i = 0; i < s->n_ints; i++) {
            for (int g = 0; g < s->n_corrected; g++) {
                const uint32_t *reference = s->reference + s->which[i] * s->integration_step +
                                         g * s->group_step + at;
                float *values = data + ((size_t) i * s->n_groups + g) * plane + at;
                jc_fetch(values + s->n_cols, s->n_cols * sizeof *values);
                subtract_row(s->n_cols, reference, s->swapped, s->zero_is_bad, values);
            }
            jc_settle(s->n_corrected);
        }
    }
    return JC_OK;
}

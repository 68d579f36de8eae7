#include "dark.h"
#include "keeper.h"

enum { BLOCK = 256 }; /* columns worked on at a time */

JC_INLINE void average(int n, int n_frames, const unsigned char *frames, ptrdiff_t frame_step,
                       int swapped, float *restrict mean)
{
    for (int x = 0; x < n; x++) {
        float sum = 0.0f;
        for (int f = 0; f < n_frames; f++) {
            const void *frame = frames + f * frame_step;
            float value = jc_float32(((const uint32_t *) frame)[x], swapped);
            value = value == value ? value : 0.0f;
            sum = f ? sum + value : value;
        }
        mean[x] = sum / (float) n_frames;
    }
}

/* Mean of the frames of one group, in one row. The numbers of frames that JWST's read patterns
 * average are compiled with that number. */
JC_CLONES
static void mean_of_frames(int n, int n_frames, const unsigned char *frames, ptrdiff_t frame_step,
                           int swapped, float *mean)
{
#define AVERAGE(count)                                                     \
    if (swapped)                                                           \
        average(n, count, frames, frame_step, 1, mean);                    \
    else                                                                   \
        average(n, count, frames, frame_step, 0, mean);                    \
    break
    switch (n_frames) {
    case 1: AVERAGE(1);
    case 2: AVERAGE(2);
    case 4: AVERAGE(4);
    case 5: AVERAGE(5);
    case 8: AVERAGE(8);
    default: AVERAGE(n_frames);
    }
#undef AVERAGE
}

JC_CLONES
static void subtract_mean(int n, const float *restrict mean, float *restrict data)
{
    for (int x = 0; x < n; x++) data[x] -= mean[x];
}

/* The same in float64, with frames past the last in a straight line from the last two. */
static void extrapolated_mean(const jc_dark *d, int n, const unsigned char *frames, int start,
                              double *mean)
{
    const uint32_t *last =
        (const uint32_t *) (const void *) (frames + (d->n_frames - 1) * d->frame_step);
    const uint32_t *before =
        (const uint32_t *) (const void *) (frames + (d->n_frames - 2) * d->frame_step);
    int rounded = d->frames_per_group > 1 || d->group_step > 1;
    for (int x = 0; x < n; x++) {
        double sum = 0.0;
        for (int f = start; f < start + d->frames_per_group; f++) {
            double value;
            if (f < d->n_frames) {
                const void *frame = frames + f * d->frame_step;
                value = jc_float32(((const uint32_t *) frame)[x], d->swapped);
            } else {
                float end = jc_float32(last[x], d->swapped);
                float rate = end - jc_float32(before[x], d->swapped);
                value = (double) (f - d->n_frames + 1) * rate + end;
            }
            sum += value == value ? value : 0.0;
        }
        mean[x] = sum / d->frames_per_group;
        if (rounded) mean[x] = (float) mean[x];
    }
}

/* n columns of a row of one group, from column x on, by integration k of the dark. */
static void subtract_block(const jc_dark *d, int k, int g, int row, int x, int n, float *mean,
                           double *mean64, float *data, float *averaged)
{
    const size_t plane = (size_t) d->n_rows * d->n_cols;
    const size_t at = (size_t) row * d->n_cols + (size_t) x;
    const unsigned char *frames = d->frames + k * d->integration_step + row * d->row_step +
                                  (ptrdiff_t) (x * sizeof(float));
    const int start = g * d->group_step;
    for (int f = start; f < start + d->frames_per_group && f < d->n_frames; f++)
        jc_fetch(frames + f * d->frame_step + n * sizeof(float), n * sizeof(float));
    if (d->extrapolate)
        extrapolated_mean(d, n, frames, start, mean64);
    else
        mean_of_frames(n, d->frames_per_group, frames + start * d->frame_step, d->frame_step,
                       d->swapped, mean);
    for (int i = 0; i < d->n_ints; i++) {
        float *values = data + ((size_t) i * d->n_groups + g) * plane + at;
        if (d->which[i] != k) continue;
        jc_fetch(values + n, n * sizeof *values);
        if (!d->extrapolate)
            subtract_mean(n, mean, values);
        else
            for (int c = 0; c < n; c++) values[c] = (float) (values[c] - mean64[c]);
    }
    if (averaged) {
        float *values = averaged + ((size_t) k * d->n_groups + g) * plane + at;
        for (int c = 0; c < n; c++) values[c] = d->extrapolate ? (float) mean64[c] : mean[c];
    }
    jc_settle(d->n_ints + d->frames_per_group);
}

static int is_used(const jc_dark *d, int k)
{
    for (int i = 0; i < d->n_ints; i++)
        if (d->which[i] == k) return 1;
    return 0;
}

jc_status jc_subtract_dark(const jc_dark *d, int n_threads, float *data, float *averaged)
{
    if (d->n_ints < 1 || d->n_groups < 1 || d->n_rows < 1 || d->n_cols < 1 ||
        d->n_dark_ints < 1 || d->n_frames < 1 + (d->extrapolate != 0) ||
        d->frames_per_group < 1 || d->group_step < 1 || d->row_from < 0 ||
        d->row_to > d->n_rows || d->group_from < 0 || d->group_to > d->n_groups ||
        n_threads < 1)
        return JC_BAD_ARGUMENT;
    long long needed = (long long) (d->n_groups - 1) * d->group_step + d->frames_per_group;
    if (!d->extrapolate && needed > d->n_frames) return JC_BAD_ARGUMENT;
    for (int i = 0; i < d->n_ints; i++)
        if (d->which[i] < 0 || d->which[i] >= d->n_dark_ints) return JC_BAD_ARGUMENT;
#pragma omp parallel num_threads(n_threads)
    {
        float mean[BLOCK];
        double mean64[BLOCK];
        for (int k = 0; k < d->n_dark_ints; k++) {
            if (!averaged && !is_used(d, k)) continue;
            for (int g = d->group_from; g < d->group_to; g++) {
#pragma omp for schedule(static) nowait
                for (int row = d->row_from; row < d->row_to; row++)
                    for (int x = 0; x < d->n_cols; x += BLOCK)
                        subtract_block(d, k, g, row, x,
                                       d->n_cols - x < BLOCK ? d->n_cols - x : BLOCK, mean,
                                       mean64, data, averaged);
            }
        }
    }
    return JC_OK;
}

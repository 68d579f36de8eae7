#include "irs2.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums of n values of two rows; the second time around the mean. */
JC_CLONES
static void add_pair(int n, const float *one, const float *other, double mean, double *sums)
{
    enum { LANES = 8 };
    double difference[LANES] = {0}, value[LANES] = {0}, square[LANES] = {0};
    for (int x = 0; x < n - n % LANES; x += LANES)
        for (int k = 0; k < LANES; k++) {
            double a = one[x + k] - mean, b = other[x + k] - mean;
            difference[k] += fabs((double) (other[x + k] - one[x + k]));
            value[k] += a + b;
            square[k] += a * a + b * b;
        }
    for (int x = n - n % LANES; x < n; x++) {
        double a = one[x] - mean, b = other[x] - mean;
        difference[0] += fabs((double) (other[x] - one[x]));
        value[0] += a + b;
        square[0] += a * a + b * b;
    }
    for (int k = 0; k < LANES; k++) {
        sums[0] += difference[k];
        sums[1] += value[k];
        sums[2] += square[k];
    }
}

jc_status jc_irs2_pairs(int n_groups, int n_rows, int n_cols, const float *data, int n_pairs,
                        const int32_t *first, int n_threads, double *found)
{
    if (n_groups < 1 || n_rows < 2 || n_cols < 1 || n_pairs < 1 || n_threads < 1)
        return JC_BAD_ARGUMENT;
    for (int k = 0; k < n_pairs; k++)
        if (first[k] < 0 || first[k] > n_rows - 2)
            return JC_BAD_ARGUMENT;
    size_t plane = (size_t) n_rows * n_cols;
    double n = (double) n_groups * n_cols;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int k = 0; k < n_pairs; k++) {
        const float *pair = data + (size_t) first[k] * n_cols;
        double mean = 0, sums[3];
        for (int pass = 0; pass < 2; pass++) {
            memset(sums, 0, sizeof sums);
            for (int g = 0; g < n_groups; g++)
                add_pair(n_cols, pair + g * plane, pair + g * plane + n_cols, mean, sums);
            mean += sums[1] / (2 * n);
        }
        found[3 * k] = sums[0] / n;
        found[3 * k + 1] = mean;
        found[3 * k + 2] = sqrt(sums[2] / (2 * n));
    }
    return JC_OK;
}

JC_CLONES
static void add_values(int n, const float *values, double *sum)
{
    for (int x = 0; x < n; x++)
        sum[x] += values[x];
}

JC_CLONES
static void divide(int n, double by, double *sum)
{
    for (int x = 0; x < n; x++)
        sum[x] /= by;
}

jc_status jc_irs2_mean(int n_groups, size_t n_pixels, const float *data, int n_threads,
                       double *mean)
{
    enum { AT_ONCE = 2048 };
    if (n_groups < 1 || n_pixels < 1 || n_threads < 1)
        return JC_BAD_ARGUMENT;
    int64_t n_parts = (int64_t) ((n_pixels + AT_ONCE - 1) / AT_ONCE);
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int64_t part = 0; part < n_parts; part++) {
        size_t at = (size_t) part * AT_ONCE;
        int n = n_pixels - at < AT_ONCE ? (int) (n_pixels - at) : AT_ONCE;
        memset(mean + at, 0, (size_t) n * sizeof *mean);
        for (int g = 0; g < n_groups; g++)
            add_values(n, data + g * n_pixels + at, mean + at);
        divide(n, n_groups, mean + at);
    }
    return JC_OK;
}

/* A row of samples, in the order of the columns. */
typedef struct {
    int n, n_slots, slot, backwards;
    float offset, slope;
} samples;

/* Time from the middle of the stream: exact in float32 for streams of up to 2^23 samples. */
JC_INLINE float time_of(const samples *s, int line, float middle)
{
    return (float) (line * s->n_slots + s->slot) - middle;
}

JC_INLINE float middle_of(const samples *s) { return 0.5f * (float) (s->n * s->n_slots - 1); }

JC_INLINE float sample(const samples *s, float value, double mean, float t)
{
    float x = (float) ((double) value - mean);
    float trend = s->offset + s->slope * t;
    return x == 0 ? x : x - trend;
}

JC_CLONES
static void stream_forwards(samples s, const float *data, const double *mean, float *out)
{
    float middle = middle_of(&s);
    for (int line = 0; line < s.n; line++) {
        float x = sample(&s, data[line], mean[line], time_of(&s, line, middle));
        out[line] = fabsf(x) < INFINITY ? x : 0;
    }
}

JC_CLONES
static void stream_backwards(samples s, const float *data, const double *mean, float *out)
{
    float middle = middle_of(&s);
    for (int col = 0; col < s.n; col++) {
        int line = s.n - 1 - col;
        float x = sample(&s, data[col], mean[col], time_of(&s, line, middle));
        out[line] = fabsf(x) < INFINITY ? x : 0;
    }
}

static samples samples_of(const jc_irs2_pixels *p, int pixel)
{
    samples s = {p->n_lines,   p->n_slots,         p->slot[pixel],
                 p->backwards, p->line[2 * pixel], p->line[2 * pixel + 1]};
    return s;
}

static int is_bad(const jc_irs2_pixels *p, int n_to, int n_threads)
{
    if (p->n_rows < 1 || p->n_lines < 1 || p->n_slots < 1 || p->n_pixels < 1 || n_threads < 1 ||
        (int64_t) p->n_lines * p->n_slots > 1 << 23)
        return 1;
    for (int k = 0; k < p->n_pixels; k++)
        if (p->row[k] < 0 || p->row[k] >= p->n_rows || p->slot[k] < 0 ||
            p->slot[k] >= p->n_slots || p->to[k] < 0 || p->to[k] >= n_to)
            return 1;
    return 0;
}

jc_status jc_irs2_stream(const jc_irs2_pixels *p, const float *plane, const double *mean,
                         int n_threads, int n_to, float *stream)
{
    if (is_bad(p, n_to, n_threads))
        return JC_BAD_ARGUMENT;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int k = 0; k < p->n_pixels; k++) {
        samples s = samples_of(p, k);
        size_t at = (size_t) p->row[k] * p->n_lines;
        float *out = stream + (size_t) p->to[k] * p->n_lines;
        if (p->backwards)
            stream_backwards(s, plane + at, mean + at, out);
        else
            stream_forwards(s, plane + at, mean + at, out);
    }
    return JC_OK;
}

/* Weighted values and weights of the known samples, n lines of one slot; cyclic in time. */
typedef struct {
    int n_slots, n_lines, n_weights;
    const double *weights;
    const float *stream;
} filler;

/* The slot some samples later or earlier; *shift: whole lines passed. */
static int slot_after(const filler *f, int slot, int step, int *shift)
{
    int at = slot + step;
    *shift = at >= 0 ? at / f->n_slots : -((f->n_slots - 1 - at) / f->n_slots);
    return at - *shift * f->n_slots;
}

JC_CLONES
static void add_known(int n, double weight, const float *values, double *sum, double *known)
{
    for (int x = 0; x < n; x++) {
        sum[x] += weight * values[x];
        known[x] += values[x] != 0 ? weight : 0;
    }
}

JC_CLONES
static void put_missing(int n, const double *sum, const double *known, float *filled)
{
    for (int x = 0; x < n; x++) {
        float total = (float) known[x];
        float mean = total != 0 ? (float) sum[x] / total : 0;
        filled[x] = filled[x] == 0 ? mean : filled[x];
    }
}

JC_CLONES
static int count_missing(int n, const float *values)
{
    int missing = 0;
    for (int x = 0; x < n; x++)
        missing += values[x] == 0;
    return missing;
}

/* The whole slot. sum, known: [line]. */
static void fill_slot(const filler *f, int slot, double *sum, double *known, float *filled)
{
    size_t n = (size_t) f->n_lines;
    memset(sum, 0, n * sizeof *sum);
    memset(known, 0, n * sizeof *known);
    for (int k = 0; k < f->n_weights; k++) {
        int shift, x = slot_after(f, slot, k - f->n_weights / 2, &shift);
        double weight = f->weights[f->n_weights - 1 - k];
        const float *values = f->stream + (size_t) x * n;
        /* line y sees line y + shift */
        size_t from = (size_t) (((int64_t) shift % f->n_lines + f->n_lines) % f->n_lines);
        add_known((int) (n - from), weight, values + from, sum, known);
        add_known((int) from, weight, values, sum + n - from, known + n - from);
    }
    put_missing(f->n_lines, sum, known, filled);
}

/* Its few missing samples only. */
static void fill_samples(const filler *f, int slot, float *filled)
{
    for (int line = 0; line < f->n_lines; line++) {
        if (filled[line] != 0)
            continue;
        double sum = 0, known = 0;
        for (int k = 0; k < f->n_weights; k++) {
            int shift, x = slot_after(f, slot, k - f->n_weights / 2, &shift);
            int64_t y = (((int64_t) line + shift) % f->n_lines + f->n_lines) % f->n_lines;
            add_known(1, f->weights[f->n_weights - 1 - k],
                      f->stream + (size_t) x * f->n_lines + y, &sum, &known);
        }
        put_missing(1, &sum, &known, filled + line);
    }
}

jc_status jc_irs2_fill(int n_slots, int n_lines, const float *stream, int n_weights,
                       const double *weights, int n_threads, float *filled)
{
    if (n_slots < 1 || n_lines < 1 || n_weights < 1 || n_weights % 2 == 0 || n_threads < 1)
        return JC_BAD_ARGUMENT;
    filler f = {n_slots, n_lines, n_weights, weights, stream};
    int failed = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        double *scratch = malloc(2 * (size_t) n_lines * sizeof *scratch);
        failed |= scratch == NULL;
#pragma omp for schedule(static)
        for (int slot = 0; slot < n_slots; slot++) {
            if (!scratch)
                continue;
            const float *values = stream + (size_t) slot * n_lines;
            float *out = filled + (size_t) slot * n_lines;
            int missing = count_missing(n_lines, values);
            memcpy(out, values, (size_t) n_lines * sizeof *out);
            if (missing > n_lines / 8)
                fill_slot(&f, slot, scratch, scratch + n_lines, out);
            else if (missing)
                fill_samples(&f, slot, out);
        }
        free(scratch);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

JC_CLONES
static void subtract_forwards(samples s, const float *data, const double *mean,
                              int with_mean, float *noise)
{
    float middle = middle_of(&s);
    for (int line = 0; line < s.n; line++) {
        float x = sample(&s, data[line], mean[line], time_of(&s, line, middle)) - noise[line];
        noise[line] = with_mean ? (float) ((double) x + mean[line]) : x;
    }
}

/* The noise of line y is that of column n - 1 - y. */
JC_CLONES
static void subtract_backwards(samples s, const float *data, const double *mean,
                               int with_mean, const float *noise, float *out)
{
    float middle = middle_of(&s);
    for (int col = 0; col < s.n; col++) {
        int line = s.n - 1 - col;
        float x = sample(&s, data[col], mean[col], time_of(&s, line, middle)) - noise[line];
        out[col] = with_mean ? (float) ((double) x + mean[col]) : x;
    }
}

jc_status jc_irs2_subtract(const jc_irs2_pixels *p, const float *plane, const double *mean,
                           const uint8_t *with_mean, int n_threads, float *noise, int n_to,
                           float *out)
{
    if (is_bad(p, n_to, n_threads))
        return JC_BAD_ARGUMENT;
    size_t n = (size_t) p->n_lines;
    int failed = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        float *row = malloc(n * sizeof *row);
        failed |= row == NULL;
#pragma omp for schedule(static)
        for (int k = 0; k < p->n_pixels; k++) {
            samples s = samples_of(p, k);
            size_t at = (size_t) p->row[k] * n;
            float *values = noise + (size_t) k * n;
            if (!p->backwards)
                subtract_forwards(s, plane + at, mean + at, with_mean[k], values);
            else if (row) {
                subtract_backwards(s, plane + at, mean + at, with_mean[k], values, row);
                memcpy(values, row, n * sizeof *row);
            }
        }
#pragma omp for schedule(static)
        for (int k = 0; k < p->n_pixels; k++)
            memcpy(out + (size_t) p->to[k] * n, noise + (size_t) k * n, n * sizeof *out);
        free(row);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

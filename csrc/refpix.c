#include "refpix.h"
#include "keeper.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In float32 mode every result is rounded; double rounding of + - * / sqrt changes nothing. */
JC_INLINE double rounded(double x, int single) { return single ? (double) (float) x : x; }

/* Sum by halves, in eight running sums below 128 values: numpy's order. */
static double sum_of(const double *v, int n, int single)
{
    if (n < 8) {
        double sum = 0;
        for (int k = 0; k < n; k++)
            sum = rounded(sum + v[k], single);
        return sum;
    }
    if (n > 128) {
        int half = n / 2;
        half -= half % 8;
        return rounded(sum_of(v, half, single) + sum_of(v + half, n - half, single), single);
    }
    double r[8];
    int k;
    memcpy(r, v, sizeof r);
    for (k = 8; k < n - n % 8; k += 8)
        for (int lane = 0; lane < 8; lane++)
            r[lane] = rounded(r[lane] + v[k + lane], single);
    double left = rounded(rounded(r[0] + r[1], single) + rounded(r[2] + r[3], single), single);
    double right = rounded(rounded(r[4] + r[5], single) + rounded(r[6] + r[7], single), single);
    double sum = rounded(left + right, single);
    for (; k < n; k++)
        sum = rounded(sum + v[k], single);
    return sum;
}

static int all_equal(const double *v, int n)
{
    for (int k = 1; k < n; k++)
        if (v[k] != v[0])
            return 0;
    return 1;
}

/* Mean of the values left after clipping; `v` is used up, `square` is scratch. */
static double clipped_mean(double *v, int n, double limit, int single, double *square)
{
    limit = rounded(limit, single);
    while (n > 0) {
        if (all_equal(v, n))
            return v[0];
        double mean = rounded(sum_of(v, n, single) / n, single);
        for (int k = 0; k < n; k++) {
            double off = rounded(v[k] - mean, single);
            square[k] = rounded(off * off, single);
        }
        double sigma = rounded(sqrt(rounded(sum_of(square, n, single) / n, single)), single);
        double range = rounded(sigma * limit, single);
        double low = rounded(mean - range, single), high = rounded(mean + range, single);
        int left = 0;
        for (int k = 0; k < n; k++)
            if (v[k] >= low && v[k] <= high)
                v[left++] = v[k];
        if (left == n)
            return mean;
        n = left;
    }
    return NAN;
}

static int bad_planes(const jc_refpix_planes *p, int n_threads)
{
    return p->n_planes < 1 || p->n_rows < 1 || p->n_cols < 1 || p->n_single < 0 || n_threads < 1;
}

static int bad_numbers(const int32_t *numbers, size_t n, int from, int64_t to)
{
    int bad = 0;
    for (size_t k = 0; k < n; k++)
        bad |= numbers[k] < from || numbers[k] >= to;
    return bad;
}

static size_t plane_size(const jc_refpix_planes *p) { return (size_t) p->n_rows * p->n_cols; }

static void means_of_plane(const jc_refpix_planes *p, const float *data, int plane, int n_sets,
                           const int32_t *start, const int32_t *pixels, double limit, double *value,
                           double *square, double *mean)
{
    int single = plane < p->n_single;
    const float *counts = data + (size_t) plane * plane_size(p);
    for (int set = 0; set < n_sets; set++) {
        int n = 0;
        for (int k = start[set]; k < start[set + 1]; k++) {
            double v = counts[pixels[k]];
            if (p->base)
                v = (float) (v - p->base[pixels[k]]);
            if (v == v)
                value[n++] = v;
        }
        mean[(size_t) plane * n_sets + set] = clipped_mean(value, n, limit, single, square);
    }
}

jc_status jc_refpix_means(const jc_refpix_planes *p, const float *data, int n_sets,
                          const int32_t *start, const int32_t *pixels, double limit, int n_threads,
                          double *mean)
{
    if (bad_planes(p, n_threads) || n_sets < 1 || !(limit > 0) || start[0] < 0)
        return JC_BAD_ARGUMENT;
    size_t most = 1;
    for (int set = 0; set < n_sets; set++) {
        if (start[set + 1] < start[set])
            return JC_BAD_ARGUMENT;
        if ((size_t) (start[set + 1] - start[set]) > most)
            most = (size_t) (start[set + 1] - start[set]);
    }
    if (bad_numbers(pixels, (size_t) start[n_sets], 0, (int64_t) plane_size(p)))
        return JC_BAD_ARGUMENT;
    int failed = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        double *scratch = malloc(2 * most * sizeof *scratch);
        failed |= scratch == NULL;
#pragma omp for schedule(static)
        for (int plane = 0; plane < p->n_planes; plane++)
            if (scratch)
                means_of_plane(p, data, plane, n_sets, start, pixels, limit, scratch,
                               scratch + most, mean);
        free(scratch);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

/* Place of the first value not below v in a sorted list. */
static int place_of(const double *sorted, int n, double v)
{
    int low = 0, high = n;
    while (low < high) {
        int middle = (low + high) / 2;
        if (sorted[middle] < v)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A row of side pixels enters (or leaves) the sorted window. Returns the new length. */
static int change_window(const double *row, int n_pixels, int enters, double *sorted, int n)
{
    for (int k = 0; k < n_pixels; k++) {
        if (row[k] != row[k])
            continue;
        int at = place_of(sorted, n, row[k]);
        if (enters)
            memmove(sorted + at + 1, sorted + at, (size_t) (n - at) * sizeof *sorted);
        else
            memmove(sorted + at, sorted + at + 1, (size_t) (n - at - 1) * sizeof *sorted);
        if (enters)
            sorted[at] = row[k];
        n += enters ? 1 : -1;
    }
    return n;
}

static double median_of(const double *sorted, int n, int single)
{
    if (n == 0)
        return NAN;
    if (n % 2)
        return sorted[n / 2];
    return rounded(rounded(sorted[n / 2 - 1] + sorted[n / 2], single) / 2, single);
}

/* Counts of one side pixel with its value taken off; NaN if it is not usable. */
static double side_value(const jc_refpix_sides *s, const float *counts, const double *values,
                         size_t at, int single)
{
    if (s->pixels[at] < 0)
        return NAN;
    double value = s->value[at] < 0 ? 0 : values[s->value[at]];
    return rounded(counts[s->pixels[at]] - value, single);
}

/* `median` [side][n_slow]; scratch: `row` the pixels of a side, `sorted` those of a window. */
static void side_of_plane(const jc_refpix_planes *p, const float *data, int n_values,
                          const double *values, const jc_refpix_sides *s, int plane, double *median,
                          double *row, double *sorted, double *signal)
{
    int n_rows = s->n_slow + s->window - 1, single = plane < p->n_single;
    const float *counts = data + (size_t) plane * plane_size(p);
    for (int side = 0; side < 2; side++) {
        size_t at = (size_t) side * n_rows * s->n_pixels;
        for (int k = 0; k < n_rows * s->n_pixels; k++)
            row[k] = side_value(s, counts, values + (size_t) plane * n_values, at + k, single);
        int n = 0;
        for (int r = 0; r < n_rows; r++) {
            n = change_window(row + (size_t) r * s->n_pixels, s->n_pixels, 1, sorted, n);
            int i = r - s->window + 1;
            if (i < 0)
                continue;
            median[side * s->n_slow + i] = median_of(sorted, n, single);
            n = change_window(row + (size_t) i * s->n_pixels, s->n_pixels, 0, sorted, n);
        }
    }
    for (int i = 0; i < s->n_slow; i++) {
        double left = median[i], right = median[s->n_slow + i];
        double both = isnan(right) ? left : isnan(left) ? right : 0.5 * (left + right);
        signal[(size_t) plane * s->n_slow + i] = s->gain * (isnan(both) ? 0 : both);
    }
}

jc_status jc_refpix_side(const jc_refpix_planes *p, const float *data, int n_values,
                         const double *values, const jc_refpix_sides *s, int n_threads,
                         double *signal)
{
    if (bad_planes(p, n_threads) || n_values < 0 || s->n_slow < 1 || s->window < 1 ||
        s->n_pixels < 1)
        return JC_BAD_ARGUMENT;
    size_t in_side = (size_t) (s->n_slow + s->window - 1) * s->n_pixels;
    size_t in_window = (size_t) s->window * s->n_pixels;
    if (bad_numbers(s->pixels, 2 * in_side, -1, (int64_t) plane_size(p)) ||
        bad_numbers(s->value, 2 * in_side, -1, n_values))
        return JC_BAD_ARGUMENT;
    int failed = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        double *scratch = malloc((2 * (size_t) s->n_slow + in_side + in_window) * sizeof *scratch);
        failed |= scratch == NULL;
#pragma omp for schedule(static)
        for (int plane = 0; plane < p->n_planes; plane++)
            if (scratch) {
                side_of_plane(p, data, n_values, values, s, plane, scratch,
                              scratch + 2 * s->n_slow, scratch + 2 * s->n_slow + in_side, signal);
                jc_settle(2 * s->n_slow);
            }
        free(scratch);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

JC_CLONES
static void take_off(int n, const double *value, const double *signal, float *data)
{
    for (int x = 0; x < n; x++)
        data[x] = (float) (((double) data[x] - value[x]) - signal[x]);
}

JC_CLONES
static void take_off_single(int n, const double *value, const double *signal, float *data)
{
    for (int x = 0; x < n; x++) {
        float once = (float) ((double) data[x] - value[x]);
        data[x] = (float) ((double) once - signal[x]);
    }
}

JC_CLONES
static void take_off_above(int n, const float *base, const double *value, const double *signal,
                           float *data)
{
    for (int x = 0; x < n; x++) {
        float above = data[x] - base[x];
        float once = (float) ((double) above - value[x]);
        data[x] = (float) ((double) once - signal[x]) + base[x];
    }
}

JC_CLONES
static void fill(int n, double value, double *row)
{
    for (int x = 0; x < n; x++)
        row[x] = value;
}

/* The values of a row, as a row: from its period, or one for all columns. */
static void values_of_row(const jc_refpix_planes *p, const jc_refpix_correction *c, int plane,
                          int row, double *value)
{
    const double *values = c->values + (size_t) plane * c->n_values;
    const int32_t *which = c->along_rows ? c->which + row : c->which + (size_t) row * p->n_cols;
    if (c->along_rows)
        fill(p->n_cols, *which < 0 ? 0 : values[*which], value);
    for (int x = 0; !c->along_rows && x < p->n_cols; x++)
        value[x] = which[x] < 0 ? 0 : values[which[x]];
}

static void signal_of_row(const jc_refpix_planes *p, const jc_refpix_correction *c, int plane,
                          int row, double *signal)
{
    size_t across = (size_t) (c->along_rows ? p->n_cols : p->n_rows);
    const double *of_plane = c->signal + (size_t) plane * c->n_channels * across;
    if (c->along_rows)
        memcpy(signal, of_plane + (c->channel ? c->channel[row] : 0) * across,
               across * sizeof *signal);
    else if (!c->channel)
        fill(p->n_cols, of_plane[row], signal);
    else
        for (int x = 0; x < p->n_cols; x++)
            signal[x] = of_plane[c->channel[x] * across + row];
}

static void subtract_row(const jc_refpix_planes *p, int plane, int row, const double *value,
                         const double *signal, int keep_zeros, uint8_t *zero, float *data)
{
    size_t at = (size_t) row * p->n_cols;
    float *counts = data + plane * plane_size(p) + at;
    jc_fetch(counts + p->n_cols, p->n_cols * sizeof *counts);
    for (int x = 0; keep_zeros && x < p->n_cols; x++)
        zero[x] = counts[x] == 0;
    if (p->base)
        take_off_above(p->n_cols, p->base + at, value, signal, counts);
    else if (plane < p->n_single)
        take_off_single(p->n_cols, value, signal, counts);
    else
        take_off(p->n_cols, value, signal, counts);
    for (int x = 0; keep_zeros && x < p->n_cols; x++)
        if (zero[x])
            counts[x] = 0;
}

jc_status jc_refpix_subtract(const jc_refpix_planes *p, const jc_refpix_correction *c, int n_threads,
                             float *data)
{
    if (bad_planes(p, n_threads) || c->n_values < 0 || c->n_periods < 1 ||
        c->n_periods > p->n_rows || (c->along_rows && c->n_periods != 1) ||
        (c->signal && c->n_channels < 1))
        return JC_BAD_ARGUMENT;
    size_t along = (size_t) (c->along_rows ? p->n_rows : p->n_cols);
    if (bad_numbers(c->which, c->n_periods * along, -1, c->n_values) ||
        (c->channel && bad_numbers(c->channel, along, 0, c->n_channels)))
        return JC_BAD_ARGUMENT;
    size_t cols = (size_t) p->n_cols;
    int failed = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        double *scratch = calloc((c->n_periods + 1) * cols, sizeof *scratch);
        uint8_t *zero = malloc(cols);
        failed |= !scratch || !zero;
        double *signal = failed ? NULL : scratch + c->n_periods * cols;
        for (int plane = 0; plane < p->n_planes; plane++) {
            for (int k = 0; !failed && !c->along_rows && k < c->n_periods; k++)
                values_of_row(p, c, plane, k, scratch + k * cols);
#pragma omp for schedule(static) nowait
            for (int row = 0; row < p->n_rows; row++) {
                if (failed)
                    continue;
                double *value = scratch + (row % c->n_periods) * cols;
                if (c->along_rows)
                    values_of_row(p, c, plane, row, value);
                if (c->signal)
                    signal_of_row(p, c, plane, row, signal);
                subtract_row(p, plane, row, value, signal, c->keep_zeros, zero, data);
                jc_settle(1);
            }
        }
        free(scratch);
        free(zero);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

#include "flicker.h"

#include <math.h>
#include <stdlib.h>

#include "clipping.h"

#define BLOCK 16 /* columns gathered together */

/* Floats as integers of the same order. */
JC_INLINE int32_t key_of(float value)
{
    int32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    return bits ^ (bits >> 31 & 0x7fffffff);
}

JC_INLINE float value_of(int32_t key)
{
    float value;
    key ^= key >> 31 & 0x7fffffff;
    __builtin_memcpy(&value, &key, sizeof value);
    return value;
}

JC_CLONES
static int count_up_to(int n, const int32_t *key, int32_t limit)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        count += key[i] <= limit;
    return count;
}

JC_CLONES
static int32_t least_above(int n, const int32_t *key, int32_t limit)
{
    int32_t least = INT32_MAX;
    for (int i = 0; i < n; i++) {
        int32_t candidate = key[i] > limit ? key[i] : INT32_MAX;
        least = candidate < least ? candidate : least;
    }
    return least;
}

JC_CLONES
static void range_of(int n, const int32_t *key, int32_t *least, int32_t *most)
{
    int32_t low = key[0], high = key[0];
    for (int i = 0; i < n; i++) {
        low = key[i] < low ? key[i] : low;
        high = key[i] > high ? key[i] : high;
    }
    *least = low;
    *most = high;
}

typedef struct {
    float lower, upper; /* the two in the middle, or twice the one */
} middle;

/* By bisection: each step counts what lies below, which has no branches. */
static middle middle_of(int n, const int32_t *key)
{
    int32_t low, high;
    int rank = (n - 1) / 2; /* the lower of two */
    range_of(n, key, &low, &high);
    while (low < high) {
        int32_t between = (int32_t) (((int64_t) low + high) >> 1);
        if (count_up_to(n, key, between) > rank)
            high = between;
        else
            low = between + 1;
    }
    middle m = {value_of(low), value_of(low)};
    if (n % 2 == 0 && count_up_to(n, key, low) <= rank + 1)
        m.upper = value_of(least_above(n, key, low));
    return m;
}

static float median_of(int n, const int32_t *key)
{
    if (n == 0) return 0;
    middle m = middle_of(n, key);
    return m.lower == m.upper ? m.lower : (m.lower + m.upper) / 2;
}

static void row_medians(const jc_lines *in, int row, int32_t *key, float *median)
{
    const float *image = in->image + (size_t) row * in->n_cols;
    const uint8_t *chosen = in->chosen + (size_t) row * in->n_cols;
    int length = in->n_cols / in->n_parts;
    for (int part = 0; part < in->n_parts; part++) {
        int n = 0;
        for (int x = part * length; x < (part + 1) * length; x++) {
            key[n] = key_of(image[x]);
            n += chosen[x] != 0;
        }
        median[(size_t) part * in->n_rows + row] = median_of(n, key);
    }
}

/* Medians of up to BLOCK columns from `first`; keys are gathered in runs of `length` + 1. */
static void column_medians(const jc_lines *in, int first, int32_t *key, float *median)
{
    int length = in->n_rows / in->n_parts, run = length + 1;
    int width = first + BLOCK < in->n_cols ? BLOCK : in->n_cols - first;
    for (int part = 0; part < in->n_parts; part++) {
        int n[BLOCK] = {0};
        for (int row = part * length; row < (part + 1) * length; row++) {
            size_t at = (size_t) row * in->n_cols + first;
            for (int x = 0; x < width; x++) {
                key[x * run + n[x]] = key_of(in->image[at + x]);
                n[x] += in->chosen[at + x] != 0;
            }
        }
        for (int x = 0; x < width; x++)
            median[(size_t) part * in->n_cols + first + x] = median_of(n[x], key + x * run);
    }
}

jc_status jc_line_medians(const jc_lines *in, int n_threads, float *median)
{
    int failed = 0;
    if (in->n_rows < 1 || in->n_cols < 1 || in->n_parts < 1 || n_threads < 1)
        return JC_BAD_ARGUMENT;
    if ((in->columns ? in->n_rows : in->n_cols) % in->n_parts) return JC_BAD_ARGUMENT;
    int n_tasks = in->columns ? (in->n_cols + BLOCK - 1) / BLOCK : in->n_rows;
    size_t n_keys = in->columns ? ((size_t) in->n_rows + 1) * BLOCK : (size_t) in->n_cols + 1;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        int32_t *key = malloc(n_keys * sizeof *key);
        failed |= key == NULL;
#pragma omp for schedule(static)
        for (int task = 0; task < n_tasks; task++) {
            if (key && in->columns) column_medians(in, task * BLOCK, key, median);
            if (key && !in->columns) row_medians(in, task, key, median);
        }
        free(key);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

/* Boxes: sorted, clipped. */

static jc_status box_median(const jc_boxes *in, int y, int x, float *value, float *median,
                            float *std, int32_t *count)
{
    int row = y * in->box_rows, col = x * in->box_cols;
    int rows = row + in->box_rows < in->n_rows ? row + in->box_rows : in->n_rows;
    int cols = col + in->box_cols < in->n_cols ? col + in->box_cols : in->n_cols;
    int64_t n = 0;
    jc_clip_stats stats = {NAN, NAN, NAN, 0};
    for (; row < rows; row++) {
        size_t at = (size_t) row * in->n_cols;
        for (int i = col; i < cols; i++) {
            value[n] = in->image[at + i];
            n += in->chosen[at + i] && isfinite(in->image[at + i]);
        }
    }
    jc_status status = n ? jc_sort_chosen(n, value, NULL, 1, value, &n) : JC_OK;
    if (status == JC_OK)
        status = jc_clip(n, value, NULL, in->sigma, in->max_passes, 1, &stats);
    *median = (float) stats.median;
    *std = (float) stats.std;
    *count = (int32_t) stats.count;
    return status;
}

jc_status jc_box_medians(const jc_boxes *in, int n_threads, float *median, float *std,
                         int32_t *count)
{
    int failed = 0;
    if (in->n_rows < 1 || in->n_cols < 1 || in->box_rows < 1 || in->box_cols < 1 ||
        in->max_passes < 0 || !(in->sigma > 0) || n_threads < 1)
        return JC_BAD_ARGUMENT;
    int n_y = (in->n_rows - 1) / in->box_rows + 1, n_x = (in->n_cols - 1) / in->box_cols + 1;
    size_t room = (size_t) (in->box_rows < in->n_rows ? in->box_rows : in->n_rows) *
                  (size_t) (in->box_cols < in->n_cols ? in->box_cols : in->n_cols) + 1;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        float *value = malloc(room * sizeof *value);
        failed |= value == NULL;
        /* few and of unequal size: whoever is free takes the next */
#pragma omp for collapse(2) schedule(dynamic)
        for (int y = 0; y < n_y; y++)
            for (int x = 0; x < n_x; x++) {
                size_t at = (size_t) y * n_x + x;
                if (value)
                    failed |= box_median(in, y, x, value, median + at, std + at, count + at) !=
                              JC_OK;
            }
        free(value);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

/* Hermitian systems, by L D L*. Real and imaginary parts in planes of their own. */
typedef struct {
    int size;
    double *re, *im;         /* [row][col], below and on the diagonal */
    double *col_re, *col_im; /* the column in work */
    double *x_re, *x_im;
} equations;

/* row of the remainder -= factor times the conjugate of the column */
JC_CLONES
static void subtract_multiple(int n, double f_re, double f_im, const double *restrict c_re,
                              const double *restrict c_im, double *restrict re,
                              double *restrict im)
{
    for (int j = 0; j < n; j++) {
        re[j] -= f_re * c_re[j] + f_im * c_im[j];
        im[j] -= f_im * c_re[j] - f_re * c_im[j];
    }
}

static double largest_diagonal(const equations *s)
{
    double largest = 0;
    for (int i = 0; i < s->size; i++) {
        double value = s->re[(size_t) i * s->size + i];
        largest = value > largest ? value : largest;
    }
    return largest;
}

static int decompose(const equations *s, double tolerance)
{
    int n = s->size;
    double least = tolerance * largest_diagonal(s);
    for (int k = 0; k < n; k++) {
        double pivot = s->re[(size_t) k * n + k];
        if (!(pivot > least)) return 0;
        for (int i = k + 1; i < n; i++) {
            s->col_re[i] = s->re[(size_t) i * n + k];
            s->col_im[i] = s->im[(size_t) i * n + k];
        }
        for (int i = k + 1; i < n; i++) {
            size_t row = (size_t) i * n;
            double f_re = s->col_re[i] / pivot, f_im = s->col_im[i] / pivot;
            subtract_multiple(i - k, f_re, f_im, s->col_re + k + 1, s->col_im + k + 1,
                              s->re + row + k + 1, s->im + row + k + 1);
            s->re[row + k] = f_re;
            s->im[row + k] = f_im;
        }
    }
    return 1;
}

static void substitute(const equations *s)
{
    int n = s->size;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) {
            double re = s->re[(size_t) i * n + j], im = s->im[(size_t) i * n + j];
            s->x_re[i] -= re * s->x_re[j] - im * s->x_im[j];
            s->x_im[i] -= re * s->x_im[j] + im * s->x_re[j];
        }
    for (int i = 0; i < n; i++) {
        s->x_re[i] /= s->re[(size_t) i * n + i];
        s->x_im[i] /= s->re[(size_t) i * n + i];
    }
    for (int i = n - 1; i >= 0; i--)
        for (int j = i + 1; j < n; j++) {
            double re = s->re[(size_t) j * n + i], im = -s->im[(size_t) j * n + i];
            s->x_re[i] -= re * s->x_re[j] - im * s->x_im[j];
            s->x_im[i] -= re * s->x_im[j] + im * s->x_re[j];
        }
}

static uint8_t solve(const jc_hermitian *in, int which, const equations *s, double *solution)
{
    int n = s->size;
    size_t first = (size_t) which * n;
    for (size_t i = 0; i < (size_t) n * n; i++) {
        s->re[i] = in->matrix[(first * n + i) * 2];
        s->im[i] = in->matrix[(first * n + i) * 2 + 1];
    }
    for (int i = 0; i < n; i++) {
        s->x_re[i] = in->right[(first + i) * 2];
        s->x_im[i] = in->right[(first + i) * 2 + 1];
    }
    int determined = decompose(s, in->tolerance);
    if (determined) substitute(s);
    for (int i = 0; i < n; i++) {
        solution[(first + i) * 2] = determined ? s->x_re[i] : 0;
        solution[(first + i) * 2 + 1] = determined ? s->x_im[i] : 0;
    }
    return (uint8_t) determined;
}

jc_status jc_hermitian_solve(const jc_hermitian *in, int n_threads, double *solution,
                             uint8_t *determined)
{
    int failed = 0;
    if (in->n_systems < 1 || in->size < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
    size_t n = (size_t) in->size;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        double *scratch = malloc((2 * n * n + 4 * n) * sizeof *scratch);
        failed |= scratch == NULL;
#pragma omp for schedule(static)
        for (int which = 0; which < in->n_systems; which++) {
            if (!scratch) continue;
            double *rest = scratch + 2 * n * n;
            equations s = {in->size, scratch, scratch + n * n, rest, rest + n, rest + 2 * n,
                         rest + 3 * n};
            determined[which] = solve(in, which, &s, solution);
        }
        free(scratch);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

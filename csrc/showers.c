/* csrc/showers.c: see showers.h. */
#include "showers.h"
#include "keeper.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Scratch of one thread: a plane with a margin as wide as the ring, outside of which is 0. */
typedef struct {
    int margin, stride;
    float *ratio;  /* [margin + rows + margin][stride]; 0 where it takes no part */
    uint8_t *part; /* the same shape; 1 in the margin */
    uint8_t *mask; /* [row][col] */
    double *sum;   /* [col] */
    uint16_t *count;
} scratch;

static size_t plane_size(const jc_cube *c)
{
    return (size_t) c->n_rows * c->n_cols;
}

static int reach_of(const jc_shower_search *s)
{
    int reach = 0;
    for (int k = 0; k < 2 * s->n_taps; k++)
        reach = abs(s->taps[k]) > reach ? abs(s->taps[k]) : reach;
    return reach;
}

static int prepare(scratch *w, const jc_shower_search *s)
{
    const int margin = reach_of(s), stride = s->cube.n_cols + 2 * margin;
    const size_t size = (size_t) (s->cube.n_rows + 2 * margin) * stride;
    *w = (scratch){.margin = margin, .stride = stride};
    w->ratio = calloc(size, sizeof *w->ratio);
    w->part = malloc(size);
    w->mask = malloc(plane_size(&s->cube));
    w->sum = malloc(s->cube.n_cols * sizeof *w->sum);
    w->count = malloc(s->cube.n_cols * sizeof *w->count);
    if (!w->ratio || !w->part || !w->mask || !w->sum || !w->count) return 0;
    memset(w->part, 1, size);
    return 1;
}

static void clear(scratch *w)
{
    free(w->ratio);
    free(w->part);
    free(w->mask);
    free(w->sum);
    free(w->count);
}

JC_CLONES static void ratio_of_row(const jc_shower_search *s, size_t now, size_t before,
                                   size_t pixel, size_t set, float *restrict ratio,
                                   uint8_t *restrict part)
{
    const uint8_t unusable = s->saturated | s->do_not_use, jump = s->jump;
    const uint8_t flagged = unusable | jump;
    const float *restrict y1 = s->data + now, *restrict y0 = s->data + before;
    const uint8_t *restrict q1 = s->groupdq + now, *restrict q0 = s->groupdq + before;
    const uint8_t *restrict masked = s->masked + pixel;
    const float *restrict gain = s->gain + pixel;
    const float *restrict median = s->median + set, *restrict sigma = s->sigma + set;
    for (int c = 0; c < s->cube.n_cols; c++) {
        float d = y1[c] * gain[c] - y0[c] * gain[c];
        float r = fabsf(d - median[c]) / sigma[c];
        int use = ((q0[c] & unusable) == 0) & (q0[c] != jump) & ((q1[c] & flagged) == 0);
        use &= (masked[c] == 0) & (r <= 3.4028235e38f);
        part[c] = (uint8_t) use;
        ratio[c] = use ? r : 0.0f;
    }
}

JC_CLONES static void add_tap(const float *restrict ratio, const uint8_t *restrict part,
                              double *restrict sum, uint16_t *restrict count, int n)
{
    for (int c = 0; c < n; c++) {
        sum[c] += ratio[c];
        count[c] += part[c];
    }
}

JC_CLONES static int mark_row(const double *restrict sum, const uint16_t *restrict count,
                              const uint8_t *restrict part, double threshold,
                              uint8_t *restrict mask, int n)
{
    int any = 0;
    for (int c = 0; c < n; c++) {
        int high = (sum[c] / count[c] > threshold) & (part[c] != 0);
        mask[c] = (uint8_t) high;
        any |= high;
    }
    return any;
}

static jc_status search_plane(scratch *w, const jc_shower_search *s, int integration, int group,
                              jc_ellipses *found)
{
    const jc_cube *cube = &s->cube;
    const size_t size = plane_size(cube), here = (size_t) w->margin * w->stride + w->margin;
    const size_t now = ((size_t) integration * cube->n_groups + group) * size;
    const size_t set = s->per_group ? (group - 1) * size : 0;
    int any = 0;
    for (int row = 0; row < cube->n_rows; row++) {
        size_t pixel = (size_t) row * cube->n_cols, at = here + (size_t) row * w->stride;
        ratio_of_row(s, now + pixel, now - size + pixel, pixel, set + pixel, w->ratio + at,
                     w->part + at);
    }
    for (int row = 0; row < cube->n_rows; row++) {
        const size_t at = here + (size_t) row * w->stride;
        memset(w->sum, 0, cube->n_cols * sizeof *w->sum);
        memset(w->count, 0, cube->n_cols * sizeof *w->count);
        for (int k = 0; k < s->n_taps; k++) {
            ptrdiff_t tap = (ptrdiff_t) s->taps[2 * k] * w->stride + s->taps[2 * k + 1];
            add_tap(w->ratio + at + tap, w->part + at + tap, w->sum, w->count, cube->n_cols);
        }
        any |= mark_row(w->sum, w->count, w->part + at, s->threshold,
                        w->mask + (size_t) row * cube->n_cols, cube->n_cols);
    }
    if (!any) return JC_OK;
    return jc_find_ellipses(w->mask, cube->n_rows, cube->n_cols, 1, s->min_area, found);
}

/* The first group in which some pixel may be used; 0 when there is none. */
static int first_usable_group(const jc_shower_search *s, int integration)
{
    const size_t size = plane_size(&s->cube);
    for (int g = 0; g < s->cube.n_groups; g++) {
        const uint8_t *q = s->groupdq + ((size_t) integration * s->cube.n_groups + g) * size;
        for (size_t k = 0; k < size; k++)
            if (!(q[k] & s->do_not_use) && !s->idle[k]) return g;
    }
    return 0;
}

jc_status jc_showers_find(const jc_shower_search *s, int n_threads, jc_ellipses *found)
{
    const jc_cube *cube = &s->cube;
    int failed = 0;
    if (cube->n_integrations < 1 || cube->n_groups < 1 || cube->n_rows < 1 || cube->n_cols < 1 ||
        s->n_taps < 1 || s->n_taps > UINT16_MAX || n_threads < 1)
        return JC_BAD_ARGUMENT;
    const int n_planes = cube->n_integrations * cube->n_groups;
    memset(found, 0, n_planes * sizeof *found);
    int *first = malloc(cube->n_integrations * sizeof *first);
    if (!first) return JC_NO_MEMORY;
    for (int i = 0; i < cube->n_integrations; i++)
        first[i] = first_usable_group(s, i);
    if (n_threads > n_planes) n_threads = n_planes;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        scratch w;
        int ready = prepare(&w, s);
        failed |= !ready;
#pragma omp for schedule(dynamic)
        for (int k = 0; k < n_planes; k++) {
            int i = k / cube->n_groups, g = k % cube->n_groups;
            if (ready && g > first[i]) failed |= search_plane(&w, s, i, g, found + k) != JC_OK;
            jc_settle(3 * cube->n_rows);
        }
        clear(&w);
    }
    free(first);
    return failed ? JC_NO_MEMORY : JC_OK;
}

/* ---------------------------------------------------------------- limit -------------------- */

/* Mean difference of a row of one integration, float32 throughout as the reference takes it. */
JC_CLONES static void mean_of_row(const float *restrict data, const uint8_t *restrict q,
                                  const float *restrict gain, uint8_t bits, int n_groups,
                                  size_t step, int n, float *restrict last, float *restrict sum,
                                  int32_t *restrict count)
{
    for (int c = 0; c < n; c++) {
        sum[c] = 0;
        count[c] = 0;
        last[c] = NAN;
    }
    for (int g = 0; g < n_groups; g++, data += step, q += step)
        for (int c = 0; c < n; c++) {
            float e = q[c] & bits ? NAN : data[c] * gain[c], d = e - last[c];
            int use = d == d;
            last[c] = e;
            sum[c] += use ? d : 0.0f;
            count[c] += use;
        }
    for (int c = 0; c < n; c++)
        sum[c] = (float) ((double) sum[c] / count[c]);
}

static int rows_differ(const uint8_t *a, const uint8_t *b, int n_groups, size_t step, int n)
{
    for (int g = 0; g < n_groups; g++)
        if (memcmp(a + g * step, b + g * step, n)) return 1;
    return 0;
}

jc_status jc_showers_limit(const jc_cube *cube, const float *data, const float *gain,
                           const uint8_t *idle, const uint8_t *before, uint8_t bits,
                           const float *limit, int n_threads, uint8_t *after)
{
    const int n = cube->n_cols, n_groups = cube->n_groups;
    const size_t size = plane_size(cube);
    int failed = 0;
    if (cube->n_integrations < 1 || n_groups < 1 || cube->n_rows < 1 || n < 1 || n_threads < 1)
        return JC_BAD_ARGUMENT;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        float *mean = malloc(3 * (size_t) n * sizeof *mean);
        int32_t *count = malloc(n * sizeof *count);
        int ready = mean && count;
        failed |= !ready;
#pragma omp for schedule(static)
        for (int row = 0; row < cube->n_rows; row++)
            for (int i = 0; i < cube->n_integrations && ready; i++) {
                const size_t pixel = (size_t) row * n, at = i * n_groups * size + pixel;
                jc_settle(3 * n_groups);
                if (!rows_differ(before + at, after + at, n_groups, size, n)) continue;
                mean_of_row(data + at, before + at, gain + pixel, bits, n_groups, size, n,
                            mean + 2 * n, mean, count);
                mean_of_row(data + at, after + at, gain + pixel, bits, n_groups, size, n,
                            mean + 2 * n, mean + n, count);
                for (int c = 0; c < n; c++) {
                    float change = fabsf(mean[c] - mean[n + c]);
                    if (isfinite(change) && !(change > limit[pixel + c]) && !idle[pixel + c])
                        continue;
                    for (int g = 0; g < n_groups; g++)
                        after[at + g * size + c] = before[at + g * size + c];
                }
            }
        free(mean);
        free(count);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

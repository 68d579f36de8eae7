/* csrc/jump.c: see jump.h. Rows are dealt to threads in blocks; within a row the work goes tile by
 * tile of columns, so that all differences of a tile stay in cache. */
#include "jump.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

enum { TILE_BYTES = 1 << 18, MAX_TILE = 256, MIN_TILE = 16, CLIP_ROUNDS = 5 };

/* A flagged sample that flags its neighbours. */
typedef struct {
    int plane, col;
} source;

typedef struct {
    source *items;
    size_t n, room;
} sources;

/* What one thread needs: allocated once, used for every row. */
typedef struct {
    const jc_jump_ramp *ramp;
    const jc_jump_rule *rule;
    uint8_t *dq;
    int n_diffs; /* of a pixel, over all integrations */
    int tile;
    float *diff;    /* [diff][tile], electrons; NaN where unusable */
    float *last;    /* [tile], the previous group */
    float *noise;   /* [tile], (read noise x gain)^2 */
    uint8_t *hit;   /* [tile], jump bit set in some group after the first */
    float *values;  /* [diff], of one pixel */
    int64_t *lost;  /* [plane], samples with jump or do-not-use; sigma clipping only */
    int64_t n_found;
    sources row, above, top; /* of the present row, the one before, the first of the block */
    int first_row, n_rows;
    int failed;
} worker;

/* ---------------------------------------------------------------- one pixel ---------------- */

static int sort_values(float *v, int n)
{
    static const int gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t k = 0; k < sizeof gaps / sizeof *gaps; k++)
        for (int i = gaps[k]; i < n; i++) {
            float x = v[i];
            int j = i;
            for (; j >= gaps[k] && v[j - gaps[k]] > x; j -= gaps[k])
                v[j] = v[j - gaps[k]];
            v[j] = x;
        }
    return n;
}

JC_INLINE double middle(const float *sorted, int n)
{
    return 0.5 * ((double) sorted[(n - 1) / 2] + (double) sorted[n / 2]);
}

/* The differences of one column of the tile that are not NaN; their number. */
static int gather(const worker *w, int col, int absolute)
{
    int n = 0;
    for (int k = 0; k < w->n_diffs; k++) {
        float d = w->diff[(size_t) k * w->tile + col];
        if (d == d) w->values[n++] = absolute ? fabsf(d) : d;
    }
    return n;
}

JC_INLINE double noise_of(const worker *w, int col, double median)
{
    double sigma = sqrt(fabs(median) + (double) w->noise[col] / w->ramp->n_frames);
    return sigma == 0.0 ? NAN : sigma; /* without noise nothing stands out */
}

/* The range of absolute differences that survives iterative clipping; sorted in, n >= 0. */
static void clip(const worker *w, int col, const float *v, int n, float *least, float *most)
{
    const jc_jump_rule *r = w->rule;
    int lo = 0, hi = n;
    for (int again = 0; hi - lo >= 2; again = 1) {
        int left = hi - lo, below = hi;
        double threshold = left >= 4   ? r->threshold
                           : left == 3 ? r->threshold_three
                                       : r->threshold_two;
        double median;
        if (left >= 4)
            while (below > lo && v[below - 1] == v[hi - 1])
                below--;
        if (below == lo) break; /* all equal */
        median = left == 2 ? v[lo] : middle(v + lo, below - lo);
        if (again) median = (float) median; /* as the reference stores it from the second round */
        double sigma = noise_of(w, col, median);
        if (!isfinite(sigma)) break;
        float under = (float) fabs(v[lo] - median), over = (float) fabs(v[hi - 1] - median);
        float worst = under > over ? under : over;
        if (!((double) worst / sigma > threshold)) break;
        while (hi > lo && (float) fabs(v[hi - 1] - median) == worst)
            hi--;
        while (lo < hi && (float) fabs(v[lo] - median) == worst)
            lo++;
    }
    *least = lo < hi ? v[lo] : INFINITY;
    *most = lo < hi ? v[hi - 1] : -INFINITY;
}

/* The bounds of sigma clipping about the median; sorted finite values in. */
static void sigma_bounds(const float *v, int n, double n_sigma, double *low, double *high)
{
    int lo = 0, hi = n;
    *low = -INFINITY;
    *high = INFINITY;
    for (int round = 0; round < CLIP_ROUNDS && hi > lo; round++) {
        int count = hi - lo, start = lo, end = hi;
        double sum = 0.0, scatter = 0.0, median = middle(v + lo, count);
        for (int k = lo; k < hi; k++)
            sum += v[k];
        sum /= count;
        for (int k = lo; k < hi; k++)
            scatter += (v[k] - sum) * (v[k] - sum);
        scatter = sqrt(scatter / count);
        *low = median - n_sigma * scatter;
        *high = median + n_sigma * scatter;
        while (start < end && v[start] < *low)
            start++;
        while (end > start && v[end - 1] > *high)
            end--;
        if (end - start == count) break;
        lo = start;
        hi = end;
    }
}

/* ---------------------------------------------------------------- one tile ----------------- */

JC_INLINE size_t plane_size(const jc_jump_ramp *p)
{
    return (size_t) p->n_rows * p->n_cols;
}

/* The plane that ends difference k, and the other way round. */
JC_INLINE int plane_of(const jc_jump_ramp *p, int k)
{
    return k + k / (p->n_groups - 1) + 1;
}

JC_INLINE void set_jump(worker *w, int k, size_t pixel, int col)
{
    uint8_t *q = w->dq + plane_of(w->ramp, k) * plane_size(w->ramp) + pixel + col;
    w->n_found += !(*q & w->rule->jump);
    *q |= w->rule->jump;
    w->hit[col] = 1;
}

/* Differences of a tile; jump bits on unusable samples are removed, the others counted. */
JC_CLONES static void take_differences(worker *w, size_t pixel, int width)
{
    const jc_jump_ramp *p = w->ramp;
    const uint8_t unusable = w->rule->unusable, jump = w->rule->jump;
    const uint8_t losing = jump | w->rule->do_not_use;
    const int n_planes = p->n_integrations * p->n_groups;
    const float *gain = p->gain + pixel;
    float *last = w->last;
    for (int c = 0; c < width; c++) {
        float electrons = p->read_noise[pixel + c] * gain[c];
        w->noise[c] = electrons * electrons;
    }
    memset(w->hit, 0, width);
    for (int plane = 0, k = 0; plane < n_planes; plane++) {
        const float *y = p->data + plane * plane_size(p) + pixel;
        uint8_t *q = w->dq + plane * plane_size(p) + pixel;
        const int first = plane % p->n_groups == 0;
        uint8_t seen = 0;
        for (int c = 0; c < width; c++)
            seen |= q[c] & losing;
        if (seen && w->lost)
            for (int c = 0; c < width; c++)
                w->lost[plane] += (q[c] & losing) != 0;
        if (seen & jump)
            for (int c = 0; c < width; c++) {
                int flagged = (q[c] & jump) != 0;
                w->n_found += flagged;
                if (flagged && q[c] & unusable)
                    q[c] &= (uint8_t) ~jump;
                else if (flagged && !first)
                    w->hit[c] = 1;
            }
        float *d = w->diff + (size_t) k * w->tile;
        for (int c = 0; c < width; c++) {
            float e = y[c] * gain[c];
            e = q[c] & unusable ? NAN : e;
            if (!first) d[c] = e - last[c];
            last[c] = e;
        }
        k += !first;
    }
}

static void find_by_clipping(worker *w, size_t pixel, int width)
{
    for (int c = 0; c < width; c++) {
        float least, most;
        int n = sort_values(w->values, gather(w, c, 1));
        clip(w, c, w->values, n, &least, &most);
        for (int k = 0; k < w->n_diffs; k++) {
            float a = fabsf(w->diff[(size_t) k * w->tile + c]);
            if (a < least || a > most) set_jump(w, k, pixel, c);
        }
    }
}

static void find_in_one_pass(worker *w, size_t pixel, int width)
{
    for (int c = 0; c < width; c++) {
        int n = sort_values(w->values, gather(w, c, 0));
        if (n == 0) continue;
        double median = middle(w->values, n), sigma = noise_of(w, c, median);
        for (int k = 0; k < w->n_diffs; k++) {
            float d = w->diff[(size_t) k * w->tile + c];
            if (isfinite(d) && fabs(d - median) / sigma > w->rule->threshold)
                set_jump(w, k, pixel, c);
        }
    }
}

/* Differences k = start, start + stride, ... are clipped together. */
static void find_by_sigma(worker *w, size_t pixel, int width, int start, int stride)
{
    for (int c = 0; c < width; c++) {
        double low, high;
        int n = 0;
        for (int k = start; k < w->n_diffs; k += stride) {
            float d = w->diff[(size_t) k * w->tile + c];
            if (isfinite(d)) w->values[n++] = d;
        }
        sigma_bounds(w->values, sort_values(w->values, n), w->rule->threshold, &low, &high);
        for (int k = start; k < w->n_diffs; k += stride) {
            float d = w->diff[(size_t) k * w->tile + c];
            if (isfinite(d) && (d < low || d > high)) {
                int plane = plane_of(w->ramp, k);
                uint8_t before = w->dq[plane * plane_size(w->ramp) + pixel + c];
                if (!(before & (w->rule->jump | w->rule->do_not_use))) w->lost[plane]++;
                set_jump(w, k, pixel, c);
            }
        }
    }
}

static int add_source(sources *list, int plane, int col)
{
    if (list->n == list->room) {
        size_t room = list->room ? 2 * list->room : 1024;
        source *items = realloc(list->items, room * sizeof *items);
        if (!items) return 0;
        list->items = items;
        list->room = room;
    }
    list->items[list->n++] = (source){plane, col};
    return 1;
}

/* The flagged samples of column c that flag their neighbours. */
static void list_sources(worker *w, size_t pixel, int c, int first_col, sources *list)
{
    const jc_jump_rule *r = w->rule;
    int n = sort_values(w->values, gather(w, c, 0));
    if (n == 0) return;
    double median = middle(w->values, n), sigma = noise_of(w, c, median);
    for (int k = 0; k < w->n_diffs; k++) {
        int plane = plane_of(w->ramp, k);
        if (!(w->dq[plane * plane_size(w->ramp) + pixel + c] & r->jump)) continue;
        double ratio = fabs(w->diff[(size_t) k * w->tile + c] - median) / sigma;
        if (ratio < r->max_neighbor && ratio > r->min_neighbor)
            w->failed |= !add_source(list, plane, first_col + c);
    }
}

/* ---------------------------------------------------------------- rows --------------------- */

static void flag_usable(const worker *w, int plane, int row, int col)
{
    const jc_jump_ramp *p = w->ramp;
    if (row < 0 || row >= p->n_rows || col < 0 || col >= p->n_cols) return;
    uint8_t *q = w->dq + plane * plane_size(p) + (size_t) row * p->n_cols + col;
    if (!(*q & w->rule->unusable)) *q |= w->rule->jump;
}

static void grow_to_row(const worker *w, const sources *list, int row)
{
    for (size_t k = 0; k < list->n; k++)
        flag_usable(w, list->items[k].plane, row, list->items[k].col);
}

static void grow_sideways(const worker *w, const sources *list, int row)
{
    for (size_t k = 0; k < list->n; k++) {
        flag_usable(w, list->items[k].plane, row, list->items[k].col - 1);
        flag_usable(w, list->items[k].plane, row, list->items[k].col + 1);
    }
}

static void find_in_row(worker *w, int row)
{
    const jc_jump_ramp *p = w->ramp;
    for (int col = 0; col < p->n_cols; col += w->tile) {
        int width = p->n_cols - col < w->tile ? p->n_cols - col : w->tile;
        size_t pixel = (size_t) row * p->n_cols + col;
        take_differences(w, pixel, width);
        switch (w->rule->method) {
        case JC_JUMP_CLIP: find_by_clipping(w, pixel, width); break;
        case JC_JUMP_SINGLE_PASS: find_in_one_pass(w, pixel, width); break;
        case JC_JUMP_SIGMA_INTS:
            for (int g = 0; g < p->n_groups - 1; g++)
                find_by_sigma(w, pixel, width, g, p->n_groups - 1);
            break;
        case JC_JUMP_SIGMA_ALL: find_by_sigma(w, pixel, width, 0, 1); break;
        }
        if (w->rule->flag_neighbors)
            for (int c = 0; c < width; c++)
                if (w->hit[c]) list_sources(w, pixel, c, col, &w->row);
    }
}

/* All rows of one block, each with its neighbours as far as they lie in rows already searched:
 * a row must be searched before a neighbour's flag enters it. */
static void find_in_block(worker *w)
{
    for (int row = w->first_row; row < w->first_row + w->n_rows && !w->failed; row++) {
        sources spare = w->above;
        w->above = w->row;
        w->row = spare;
        w->row.n = 0;
        find_in_row(w, row);
        grow_sideways(w, &w->row, row);
        if (row == w->first_row) {
            for (size_t k = 0; k < w->row.n && !w->failed; k++)
                w->failed |= !add_source(&w->top, w->row.items[k].plane, w->row.items[k].col);
        } else {
            grow_to_row(w, &w->row, row - 1);
            grow_to_row(w, &w->above, row);
        }
    }
}

/* Give back the jumps of planes that sigma clipping flagged in every pixel. Neighbours changed
 * nothing in such a plane; those of the flags that stay are added now. */
static void restore_lost_planes(worker *w)
{
    const jc_jump_ramp *p = w->ramp;
    const int64_t n_pixels = (int64_t) plane_size(p), n_found = w->n_found;
    int64_t restored = 0;
    int64_t *lost = w->lost;
    w->lost = NULL;
    for (int plane = 0; plane < p->n_integrations * p->n_groups; plane++) {
        uint8_t *q = w->dq + plane * plane_size(p);
        if (lost[plane] < n_pixels) continue;
        sources found = {0}, mine = {0};
        for (int64_t k = 0; k < n_pixels; k++)
            if (q[k] == w->rule->jump) {
                q[k] = 0;
                restored++;
            }
        for (int64_t k = 0; k < n_pixels && w->rule->flag_neighbors && !w->failed; k++)
            if (q[k] & w->rule->jump && plane % p->n_groups) {
                take_differences(w, k, 1);
                found.n = 0;
                list_sources(w, k, 0, (int) (k % p->n_cols), &found);
                for (size_t j = 0; j < found.n; j++)
                    if (found.items[j].plane == plane)
                        w->failed |= !add_source(&mine, (int) (k / p->n_cols),
                                                 (int) (k % p->n_cols));
            }
        for (size_t k = 0; k < mine.n; k++) {
            int row = mine.items[k].plane, col = mine.items[k].col;
            flag_usable(w, plane, row, col - 1);
            flag_usable(w, plane, row, col + 1);
            flag_usable(w, plane, row - 1, col);
            flag_usable(w, plane, row + 1, col);
        }
        free(found.items);
        free(mine.items);
    }
    w->lost = lost;
    w->n_found = n_found - restored;
}

static void flag_after_jumps(worker *w, int row)
{
    const jc_jump_ramp *p = w->ramp;
    const jc_jump_rule *r = w->rule;
    const int n_diffs = p->n_groups - 1;
    for (int col = 0; col < p->n_cols; col += w->tile) {
        int width = p->n_cols - col < w->tile ? p->n_cols - col : w->tile;
        size_t pixel = (size_t) row * p->n_cols + col;
        take_differences(w, pixel, width);
        for (int c = 0; c < width; c++) {
            int n = w->hit[c] ? sort_values(w->values, gather(w, c, 0)) : 0;
            if (n == 0) continue;
            double median = middle(w->values, n);
            for (int k = 0, until = -1; k < w->n_diffs; k++) {
                int group = k % n_diffs + 1;
                uint8_t *q = w->dq + plane_of(p, k) * plane_size(p) + pixel + c;
                double excess = w->diff[(size_t) k * w->tile + c] - median;
                if (group == 1) until = -1;
                if (*q & r->jump)
                    for (int j = 0; j < 2; j++)
                        if (excess >= r->after_electrons[j] && group + r->after_groups[j] > until)
                            until = group + r->after_groups[j];
                if (group <= until && !(*q & r->unusable)) *q |= r->jump;
            }
        }
    }
}

/* ---------------------------------------------------------------- the exposure ------------- */

static int hire(worker *w, const jc_jump_ramp *ramp, const jc_jump_rule *rule, uint8_t *dq)
{
    const int clips = rule->method == JC_JUMP_SIGMA_INTS || rule->method == JC_JUMP_SIGMA_ALL;
    const size_t n_planes = (size_t) ramp->n_integrations * ramp->n_groups;
    const size_t n_diffs = n_planes - ramp->n_integrations;
    size_t tile = TILE_BYTES / (sizeof(float) * n_diffs);
    tile = tile > MAX_TILE ? MAX_TILE : tile < MIN_TILE ? MIN_TILE : tile / MIN_TILE * MIN_TILE;
    *w = (worker){.ramp = ramp, .rule = rule, .dq = dq};
    w->n_diffs = (int) n_diffs;
    w->tile = (int) tile;
    w->diff = malloc(n_diffs * tile * sizeof *w->diff);
    w->last = malloc(tile * sizeof *w->last);
    w->noise = malloc(tile * sizeof *w->noise);
    w->hit = malloc(tile);
    w->values = malloc(n_diffs * sizeof *w->values);
    w->lost = clips ? calloc(n_planes, sizeof *w->lost) : NULL;
    return w->diff && w->last && w->noise && w->hit && w->values && (!clips || w->lost);
}

static void dismiss(worker *w)
{
    free(w->diff);
    free(w->last);
    free(w->noise);
    free(w->hit);
    free(w->values);
    free(w->lost);
    free(w->row.items);
    free(w->above.items);
    free(w->top.items);
}

/* What only one thread can do: rows at the seams of blocks, sums, planes lost as a whole. */
static void join_blocks(worker *team, int n_workers)
{
    worker *first = team;
    for (int t = 0; t < n_workers; t++) {
        worker *w = team + t;
        if (w->n_rows == 0) continue;
        grow_to_row(w, &w->top, w->first_row - 1);
        grow_to_row(w, &w->row, w->first_row + w->n_rows);
        if (t == 0) continue;
        first->n_found += w->n_found;
        first->failed |= w->failed;
        for (int k = 0; first->lost && w->lost && k < w->ramp->n_integrations * w->ramp->n_groups; k++)
            first->lost[k] += w->lost[k];
    }
    if (first->lost && !first->failed) restore_lost_planes(first);
}

jc_status jc_jump(const jc_jump_ramp *ramp, const jc_jump_rule *rule, int n_threads,
                  uint8_t *groupdq, int64_t *n_found)
{
    const int after = rule->after_groups[0] > 0 || rule->after_groups[1] > 0;
    int failed = 0, n_workers = 1;
    if (ramp->n_integrations < 1 || ramp->n_groups < 2 || ramp->n_rows < 1 || ramp->n_cols < 1 ||
        !(ramp->n_frames > 0) || n_threads < 1 || ramp->n_integrations > INT32_MAX / ramp->n_groups)
        return JC_BAD_ARGUMENT;
    if (n_threads > ramp->n_rows) n_threads = ramp->n_rows;
    worker *team = calloc(n_threads, sizeof *team);
    if (!team) return JC_NO_MEMORY;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        int me = 0, size = 1;
#ifdef _OPENMP
        me = omp_get_thread_num();
        size = omp_get_num_threads();
#endif
        worker *w = team + me;
        int ready = hire(w, ramp, rule, groupdq);
        w->failed = !ready;
        w->first_row = (int) ((int64_t) ramp->n_rows * me / size);
        w->n_rows = (int) ((int64_t) ramp->n_rows * (me + 1) / size) - w->first_row;
        if (ready) find_in_block(w);
#pragma omp barrier
#pragma omp single
        {
            n_workers = size;
            join_blocks(team, size);
            *n_found = team->n_found;
        }
        if (after && !w->failed)
            for (int row = w->first_row; row < w->first_row + w->n_rows; row++)
                flag_after_jumps(w, row);
        failed |= w->failed;
    }
    for (int t = 0; t < n_workers; t++)
        dismiss(team + t);
    free(team);
    return failed ? JC_NO_MEMORY : JC_OK;
}

jc_status jc_jump_dead_planes(const uint8_t *groupdq, int n_planes, int64_t n_pixels, uint8_t bits,
                              uint8_t *dead)
{
    if (n_planes < 1 || n_pixels < 1) return JC_BAD_ARGUMENT;
    for (int plane = 0; plane < n_planes; plane++) {
        const uint8_t *q = groupdq + plane * n_pixels;
        int64_t k = 0;
        while (k < n_pixels && q[k] & bits)
            k++;
        dead[plane] = k == n_pixels;
    }
    return JC_OK;
}

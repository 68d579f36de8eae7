/* csrc/jump.c: see jump.h.
 *
 * Rows are dealt to threads in blocks. Within a row the work goes tile by tile of columns, whose
 * differences stay in cache, and within a tile by 16 columns (lanes) at a time: their values are
 * sorted by a network, and a test that errs on the safe side tells the lanes that may hold a jump.
 * Only those are looked at one by one, by the exact rule. Jumps are listed as they are flagged, so
 * that neighbours cost nothing where there are none. */
#include "jump.h"
#include "keeper.h"
#include "network.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

/* KEPT_TILE: where pages come in anew for each tile, fewer of them are cheaper. */
enum { KEPT_TILE = 64 };
enum { TILE_BYTES = 1 << 18, MAX_TILE = 256, MOST_IN_REGISTERS = 11, CLIP_ROUNDS = 5, NO_FLAGS = 0 };

/* Differences that are compared with each other: all of a pixel, or one group's over the
 * integrations. Those with a group that no pixel can use are left out. */
typedef struct {
    int n;
    int32_t *which; /* [n], differences */
    jc_network network;
} group_set;

typedef struct {
    int n_sets;
    group_set *sets;
    int32_t *which; /* the sets' members, one after the other */
} plan;

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
    const plan *plan;
    uint8_t *dq;
    uint8_t lone;     /* a sample with exactly these flags is unusable, too; NO_FLAGS for none */
    int n_diffs;      /* of a pixel, over all integrations */
    int tile;         /* columns, a multiple of JC_LANES */
    float *diff;      /* [diff][tile], electrons; NaN where unusable and beyond the last column */
    float *last;      /* [tile], the previous group */
    float *gain;      /* [tile]; of the columns picked, one after the other */
    float *noise;     /* [tile], (read noise x gain)^2 */
    double *median;   /* [tile], plain median where known */
    uint8_t *known;   /* [tile] */
    float *lanes;     /* [diff][JC_LANES] */
    float *picked;    /* [diff][JC_LANES], of columns that are looked at by the exact rule */
    float *values;    /* [diff], of one pixel */
    uint32_t *jumps;  /* offsets in diff of the samples with a jump bit */
    size_t n_jumps;
    int64_t *lost;    /* [plane], samples with jump or do-not-use; sigma clipping only */
    int64_t n_found;
    sources row, above, top; /* of the present row, the one before, the first of the block */
    int first_row, n_rows;
    int failed;
} worker;

/* What is known of 16 lanes. A difference outside [low, high] (its absolute value, when clipping)
 * may be a jump. */
typedef struct {
    int32_t count[JC_LANES]; /* usable values */
    float low[JC_LANES], high[JC_LANES];
    double median[JC_LANES], sigma[JC_LANES];     /* single pass */
    double least[JC_LANES], most[JC_LANES];       /* sigma clipping */
} lane_facts;

/* ---------------------------------------------------------------- one pixel ---------------- */

/* The value of rank k; the array is reordered so that no smaller one follows it. */
static float value_of_rank(float *v, int n, int k)
{
    int lo = 0, hi = n - 1;
    while (lo < hi) {
        float pivot = v[k];
        int i = lo, j = hi;
        do {
            while (v[i] < pivot)
                i++;
            while (pivot < v[j])
                j--;
            if (i <= j) {
                float x = v[i];
                v[i++] = v[j];
                v[j--] = x;
            }
        } while (i <= j);
        if (j < k) lo = i;
        if (k < i) hi = j;
    }
    return v[k];
}

static double median_of(float *v, int n)
{
    if (n == 0) return NAN;
    float below, above = value_of_rank(v, n, n / 2);
    if (n % 2) return above;
    below = v[0];
    for (int k = 1; k < n / 2; k++)
        below = v[k] > below ? v[k] : below;
    return 0.5 * ((double) below + (double) above);
}

JC_INLINE double middle(const float *sorted, int n)
{
    return 0.5 * ((double) sorted[(n - 1) / 2] + (double) sorted[n / 2]);
}

JC_INLINE double sigma_about(double median, float noise, double n_frames)
{
    double sigma = sqrt(fabs(median) + (double) noise / n_frames);
    return sigma == 0.0 ? NAN : sigma; /* without noise nothing stands out */
}

/* Whether a deviation is more than threshold times sigma. Where squares tell, no root is taken. */
JC_INLINE int stands_out(float worst, double median, float noise, double n_frames, double threshold)
{
    const double variance = fabs(median) + (double) noise / n_frames;
    const double square = (double) worst * (double) worst, limit = threshold * threshold * variance;
    if (variance > 1e-60 && variance < 1e60 && square > 1.000001 * limit) return 1;
    if (variance > 1e-60 && variance < 1e60 && square < 0.999999 * limit) return 0;
    const double sigma = sigma_about(median, noise, n_frames);
    return isfinite(sigma) && (double) worst / sigma > threshold;
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
        float under = (float) fabs(v[lo] - median), over = (float) fabs(v[hi - 1] - median);
        float worst = under > over ? under : over;
        if (!stands_out(worst, median, w->noise[col], w->ramp->n_frames, threshold)) break;
        while (hi > lo && (float) fabs(v[hi - 1] - median) == worst)
            hi--;
        while (lo < hi && (float) fabs(v[lo] - median) == worst)
            lo++;
    }
    *least = lo < hi ? v[lo] : INFINITY;
    *most = lo < hi ? v[hi - 1] : -INFINITY;
}

/* ---------------------------------------------------------------- one tile ----------------- */

JC_INLINE size_t plane_size(const jc_jump_ramp *p)
{
    return (size_t) p->n_rows * p->n_cols;
}

/* The plane that ends difference k. */
JC_INLINE int plane_of(const jc_jump_ramp *p, int k)
{
    return k + k / (p->n_groups - 1) + 1;
}

/* Count, list and clean the jump bits that a group of the tile had on input. */
static void take_old_jumps(worker *w, uint8_t *q, int plane, int width)
{
    const uint8_t jump = w->rule->jump, losing = jump | w->rule->do_not_use;
    const int n_groups = w->ramp->n_groups, k = plane - plane / n_groups - 1;
    for (int c = 0; c < width; c++) {
        if (w->lost) w->lost[plane] += (q[c] & losing) != 0;
        if (!(q[c] & jump)) continue;
        w->n_found++;
        if (q[c] & w->rule->unusable)
            q[c] &= (uint8_t) ~jump;
        else if (plane % n_groups)
            w->jumps[w->n_jumps++] = (uint32_t) k * w->tile + c;
    }
}

JC_CLONES static uint8_t bits_in(const uint8_t *q, int width)
{
    uint8_t seen = 0;
    for (int c = 0; c < width; c++)
        seen |= q[c];
    return seen;
}

JC_CLONES static void subtract_group(const float *restrict y, const float *restrict gain,
                                     float *restrict last, float *restrict d, int width)
{
    for (int c = 0; c < width; c++) {
        float e = y[c] * gain[c];
        d[c] = e - last[c];
        last[c] = e;
    }
}

JC_CLONES static void subtract_flagged_group(const float *restrict y, const float *restrict gain,
                                             const uint8_t *restrict q, uint8_t unusable,
                                             uint8_t lone, float *restrict last,
                                             float *restrict d, int width)
{
    for (int c = 0; c < width; c++) {
        int bad = ((q[c] & unusable) != 0) | ((lone != NO_FLAGS) & (q[c] == lone));
        float e = bad ? NAN : y[c] * gain[c];
        d[c] = e - last[c];
        last[c] = e;
    }
}

/* The gain of a tile, and the square of its noise in electrons. */
JC_CLONES static void load_pixels(const jc_jump_ramp *p, size_t pixel, int width,
                                  float *restrict gain, float *restrict noise)
{
    jc_copy_plane(p->gain, pixel, p->gain_swapped, gain, width);
    jc_copy_plane(p->read_noise, pixel, p->noise_swapped, noise, width);
    for (int c = 0; c < width; c++) {
        float electrons = noise[c] * gain[c];
        noise[c] = electrons * electrons;
    }
}

/* Differences of a tile; jump bits on unusable samples are removed, the others listed. */
static void take_differences(worker *w, size_t pixel, int width)
{
    const jc_jump_ramp *p = w->ramp;
    const uint8_t unusable = w->rule->unusable;
    const uint8_t old = w->rule->jump | (w->lost ? w->rule->do_not_use : 0);
    const int n_planes = p->n_integrations * p->n_groups;
    const float *gain = w->gain;
    const int padded = (width + JC_LANES - 1) / JC_LANES * JC_LANES;
    w->n_jumps = 0;
    memset(w->known, 0, width);
    jc_fetch((const float *) p->gain + pixel + w->tile, w->tile * sizeof *gain);
    jc_fetch((const float *) p->read_noise + pixel + w->tile, w->tile * sizeof *gain);
    load_pixels(p, pixel, width, w->gain, w->noise);
    for (int c = width; c < padded; c++)
        w->noise[c] = 0;
    for (int plane = 0, k = 0; plane < n_planes; plane++) {
        const float *y = p->data + plane * plane_size(p) + pixel;
        uint8_t *q = w->dq + plane * plane_size(p) + pixel;
        const int first = plane % p->n_groups == 0;
        jc_fetch(y + w->tile, w->tile * sizeof *y);
        jc_fetch(q + w->tile, w->tile);
        float *d = w->diff + (size_t) k * w->tile;
        uint8_t seen = bits_in(q, width);
        if (seen & old) take_old_jumps(w, q, plane, width);
        if (seen & (unusable | w->lone))
            subtract_flagged_group(y, gain, q, unusable, w->lone, w->last, d, width);
        else
            subtract_group(y, gain, w->last, d, width);
        if (first) {
            jc_settle(2 * p->n_groups);
            continue; /* the next group overwrites it */
        }
        for (int c = width; c < padded; c++)
            d[c] = NAN;
        k++;
    }
}

static void set_jump(worker *w, int k, size_t pixel, int col)
{
    const int plane = plane_of(w->ramp, k);
    uint8_t *q = w->dq + plane * plane_size(w->ramp) + pixel + col;
    if (*q & w->rule->jump) return; /* listed already */
    if (w->lost && !(*q & w->rule->do_not_use)) w->lost[plane]++;
    *q |= w->rule->jump;
    w->n_found++;
    w->jumps[w->n_jumps++] = (uint32_t) k * w->tile + col;
}

/* Copy differences, those in `which` or the first ones if it is NULL; infinity for those that are not
 * within the limit; count them. */
JC_CLONES static void load_lanes(const float *restrict diff, int tile, const int32_t *which,
                                 int n_diffs, int absolute, float limit, float *restrict lanes,
                                 int32_t *restrict count)
{
    int32_t n[JC_LANES] = {0};
    for (int k = 0; k < n_diffs; k++) {
        const float *restrict d = diff + (size_t) (which ? which[k] : k) * tile;
        float *restrict v = lanes + (size_t) k * JC_LANES;
#pragma omp simd
        for (int c = 0; c < JC_LANES; c++) {
            float size = fabsf(d[c]), x = absolute ? size : d[c];
            v[c] = size <= limit ? x : INFINITY;
            n[c] += size <= limit;
        }
    }
    for (int c = 0; c < JC_LANES; c++)
        count[c] = n[c];
}

JC_INLINE int is_jump(const worker *w, const lane_facts *f, int c, float d)
{
    switch (w->rule->method) {
    case JC_JUMP_SINGLE_PASS:
        return isfinite(d) && fabs(d - f->median[c]) / f->sigma[c] > w->rule->threshold;
    default: return isfinite(d) && (d < f->least[c] || d > f->most[c]);
    }
}

/* The lanes with a value outside their range, for one difference. */
JC_CLONES static int outside(const float *restrict d, const float *restrict low,
                             const float *restrict high)
{
    int any = 0;
#pragma omp simd reduction(| : any)
    for (int c = 0; c < JC_LANES; c++)
        any |= (d[c] < low[c]) | (d[c] > high[c]);
    return any;
}

static void flag_outside(worker *w, const group_set *set, const lane_facts *f, size_t pixel,
                         int col)
{
    for (int k = 0; k < set->n; k++) {
        const float *d = w->diff + (size_t) set->which[k] * w->tile + col;
        if (!outside(d, f->low, f->high)) continue;
        for (int c = 0; c < JC_LANES; c++)
            if ((d[c] < f->low[c] || d[c] > f->high[c]) && is_jump(w, f, c, d[c]))
                set_jump(w, set->which[k], pixel, col + c);
    }
}

/* ---------------------------------------------------------------- clipping ----------------- */

/* Whether a lane may hold a jump, exact where the answer is no; of n absolute differences the
 * least, the two largest, and the two in the middle of those that the median is taken of. */
JC_INLINE int may_be_clipped(int n, int count, float least, float next, float most, float a, float b,
                             float noise_per_frame, float limit)
{
    float median = 0.5f * (a + b);
    float over = most - median, under = median - least;
    float worst = over > under ? over : under;
    int part = count != n, tied = (n >= 4) & (most == next);
    int high = worst * worst > limit * (median + noise_per_frame);
    /* where squares overflow or vanish, do not trust them */
    int odd = 1 - ((worst < 1e18f) & ((worst <= 0) | (worst >= 1e-15f)));
    return (count >= 2) & (part | tied | high | odd);
}

/* Of n differences, how many make the median. */
JC_INLINE int n_in_median(int n)
{
    return n >= 4 ? n - 1 : n == 2 ? 1 : n;
}

#define UNROLL _Pragma("GCC unroll 16")

/* The lanes of a tile that may hold a jump, of n differences, n a constant: sorted in registers,
 * the largest first, as far as the middle. */
JC_INLINE void may_clip_few(const int n, const float *diff, int tile, const group_set *set,
                            const float *restrict noise, float n_frames, float limit,
                            int32_t *restrict may)
{
    const int rest = n_in_median(n);
    const float per_frame = 1 / n_frames;
    const float *rows[MOST_IN_REGISTERS];
    for (int k = 0; k < n; k++)
        rows[k] = diff + (size_t) set->which[k] * tile;
#pragma omp simd
    for (int c = 0; c < tile; c++) {
        float v[MOST_IN_REGISTERS], least = INFINITY;
        int32_t count = 0;
        UNROLL for (int k = 0; k < n; k++) {
            v[k] = fabsf(rows[k][c]);
            count += v[k] == v[k];
            least = v[k] < least ? v[k] : least;
        }
        UNROLL for (int done = 0; done < n - (rest - 1) / 2; done++)
            UNROLL for (int k = 0; k < n - 1 - done; k++) {
                const float low = v[k], high = v[k + 1];
                v[k] = low < high ? low : high;
                v[k + 1] = low < high ? high : low;
            }
        may[c] = may_be_clipped(n, count, least, v[n - 2], v[n - 1], v[(rest - 1) / 2], v[rest / 2],
                                noise[c] * per_frame, limit);
    }
}

JC_CLONES static void may_clip_tile(const float *diff, int tile, const group_set *set,
                                    const float *noise, float n_frames, float limit, int32_t *may)
{
    switch (set->n) {
    case 2: may_clip_few(2, diff, tile, set, noise, n_frames, limit, may); break;
    case 3: may_clip_few(3, diff, tile, set, noise, n_frames, limit, may); break;
    case 4: may_clip_few(4, diff, tile, set, noise, n_frames, limit, may); break;
    case 5: may_clip_few(5, diff, tile, set, noise, n_frames, limit, may); break;
    case 6: may_clip_few(6, diff, tile, set, noise, n_frames, limit, may); break;
    case 7: may_clip_few(7, diff, tile, set, noise, n_frames, limit, may); break;
    case 8: may_clip_few(8, diff, tile, set, noise, n_frames, limit, may); break;
    case 9: may_clip_few(9, diff, tile, set, noise, n_frames, limit, may); break;
    case 10: may_clip_few(10, diff, tile, set, noise, n_frames, limit, may); break;
    default: may_clip_few(11, diff, tile, set, noise, n_frames, limit, may);
    }
}

/* The same for more differences, 16 lanes at a time; sorted absolute values in. */
JC_CLONES static void may_clip_lanes(const float *restrict lanes, int n,
                                     const int32_t *restrict count, const float *restrict noise,
                                     float n_frames, float limit, int32_t *restrict may)
{
    const int rest = n_in_median(n);
    const float *restrict least = lanes, *restrict most = lanes + (size_t) (n - 1) * JC_LANES;
    const float *restrict next = most - JC_LANES;
    const float *restrict a = lanes + (size_t) ((rest - 1) / 2) * JC_LANES;
    const float *restrict b = lanes + (size_t) (rest / 2) * JC_LANES;
    const float per_frame = 1 / n_frames;
#pragma omp simd
    for (int c = 0; c < JC_LANES; c++)
        may[c] = may_be_clipped(n, count[c], least[c], next[c], most[c], a[c], b[c],
                                noise[c] * per_frame, limit);
}

JC_CLONES static int any_of(const int32_t *flags)
{
    int32_t any = 0;
    for (int c = 0; c < JC_LANES; c++)
        any |= flags[c];
    return any;
}

/* Flag the jumps of one pixel, n of whose absolute differences are usable: in w->values, sorted.
 * Returns whether there are any. */
static int clip_pixel(worker *w, const group_set *set, size_t pixel, int col, int n)
{
    float least, most;
    clip(w, col, w->values, n, &least, &most);
    if (!(w->values[0] < least || w->values[n - 1] > most)) return 0;
    for (int k = 0; k < set->n; k++) {
        float d = fabsf(w->diff[(size_t) set->which[k] * w->tile + col]);
        if (d < least || d > most) set_jump(w, set->which[k], pixel, col);
    }
    return 1;
}

/* Gather the differences of JC_LANES columns. */
static void gather_columns(const worker *w, const group_set *set, const int *cols)
{
    for (int k = 0; k < set->n; k++) {
        const float *d = w->diff + (size_t) set->which[k] * w->tile;
        float *to = w->picked + (size_t) k * JC_LANES;
        for (int c = 0; c < JC_LANES; c++)
            to[c] = d[cols[c]];
    }
}

/* Plain medians of gathered columns, of which all differences are in the set. */
static void know_medians(worker *w, const group_set *set, const int *cols, int n_cols)
{
    int32_t count[JC_LANES];
    load_lanes(w->picked, JC_LANES, NULL, set->n, 0, INFINITY, w->lanes, count);
    jc_network_sort(&set->network, w->lanes);
    for (int c = 0; c < n_cols; c++) {
        const int n = count[c];
        w->median[cols[c]] =
            n ? 0.5 * ((double) w->lanes[(size_t) ((n - 1) / 2) * JC_LANES + c] +
                       (double) w->lanes[(size_t) (n / 2) * JC_LANES + c])
              : NAN;
        w->known[cols[c]] = 1;
    }
}

/* Look at some columns by the exact rule, as many as there are lanes. */
static void clip_columns(worker *w, const group_set *set, size_t pixel, int *cols, int n_cols)
{
    int32_t count[JC_LANES];
    int any = 0;
    for (int c = n_cols; c < JC_LANES; c++)
        cols[c] = cols[0];
    gather_columns(w, set, cols);
    load_lanes(w->picked, JC_LANES, NULL, set->n, 1, INFINITY, w->lanes, count);
    jc_network_sort(&set->network, w->lanes);
    for (int c = 0; c < n_cols; c++) {
        for (int k = 0; k < count[c]; k++)
            w->values[k] = w->lanes[(size_t) k * JC_LANES + c];
        any |= clip_pixel(w, set, pixel, cols[c], count[c]);
    }
    if (any && w->rule->flag_neighbors) know_medians(w, set, cols, n_cols);
}

static void find_by_clipping(worker *w, const group_set *set, size_t pixel, int width)
{
    const jc_jump_rule *r = w->rule;
    const int n = set->n;
    const float threshold = (float) (n >= 4   ? r->threshold
                                     : n == 3 ? r->threshold_three
                                              : r->threshold_two);
    const float n_frames = (float) w->ramp->n_frames, limit = threshold * threshold * (1 - 1e-5f);
    int32_t may[MAX_TILE], count[JC_LANES];
    int cols[JC_LANES], n_cols = 0;
    if (n < 2) return;
    if (n <= MOST_IN_REGISTERS)
        may_clip_tile(w->diff, w->tile, set, w->noise, n_frames, limit, may);
    for (int col = 0; col < width; col += JC_LANES) {
        if (n > MOST_IN_REGISTERS) {
            load_lanes(w->diff + col, w->tile, set->which, n, 1, INFINITY, w->lanes, count);
            jc_network_sort(&set->network, w->lanes);
            may_clip_lanes(w->lanes, n, count, w->noise + col, n_frames, limit, may + col);
        }
        if (!any_of(may + col)) continue;
        for (int c = 0; c < JC_LANES; c++) {
            if (!may[col + c]) continue;
            cols[n_cols++] = col + c;
            if (n_cols < JC_LANES) continue;
            clip_columns(w, set, pixel, cols, n_cols);
            n_cols = 0;
        }
    }
    if (n_cols) clip_columns(w, set, pixel, cols, n_cols);
}

/* ---------------------------------------------------------------- single pass -------------- */

/* The range of each lane, a little narrower than the threshold allows; whether any leaves it. */
JC_CLONES static int single_pass_range(const float *restrict diff, int tile, const group_set *set,
                                       const float *restrict noise, double n_frames,
                                       double threshold, lane_facts *restrict f)
{
    float least[JC_LANES], most[JC_LANES];
    int any = 0;
    for (int c = 0; c < JC_LANES; c++) {
        least[c] = INFINITY;
        most[c] = -INFINITY;
    }
    for (int k = 0; k < set->n; k++) {
        const float *restrict d = diff + (size_t) set->which[k] * tile;
#pragma omp simd
        for (int c = 0; c < JC_LANES; c++) {
            least[c] = d[c] < least[c] ? d[c] : least[c];
            most[c] = d[c] > most[c] ? d[c] : most[c];
        }
    }
#pragma omp simd reduction(| : any)
    for (int c = 0; c < JC_LANES; c++) {
        double median = f->median[c];
        double sigma = sqrt(fabs(median) + (double) noise[c] / n_frames);
        double reach = threshold * sigma * (1 - 1e-6), slack = 1e-6 * fabs(median);
        int never = !(sigma > 0) | !(sigma <= DBL_MAX);
        float low = (float) (median - reach + slack), high = (float) (median + reach - slack);
        f->sigma[c] = sigma;
        f->low[c] = low = never ? -INFINITY : low;
        f->high[c] = high = never ? INFINITY : high;
        any |= (least[c] < low) | (most[c] > high);
    }
    return any;
}

/* The values of a network that finds medians: an even number. */
JC_INLINE int even(int n)
{
    return n + n % 2;
}

/* 16 lanes, each filled up to an even number of values. The unusable ones go in turn above and
 * below all others, so that the middle ones stay in the middle. */
JC_CLONES static void load_around_middle(const float *restrict diff, int tile,
                                         const group_set *set, float *restrict lanes,
                                         int32_t *restrict count)
{
    int32_t n[JC_LANES] = {0};
    float end[JC_LANES];
    for (int c = 0; c < JC_LANES; c++)
        end[c] = INFINITY;
    for (int k = 0; k < set->n; k++) {
        const float *restrict d = diff + (size_t) set->which[k] * tile;
        float *restrict v = lanes + (size_t) k * JC_LANES;
#pragma omp simd
        for (int c = 0; c < JC_LANES; c++) {
            int usable = d[c] == d[c];
            v[c] = usable ? d[c] : end[c];
            end[c] = usable ? end[c] : -end[c];
            n[c] += usable;
        }
    }
    if (set->n % 2) memcpy(lanes + (size_t) set->n * JC_LANES, end, sizeof end);
    for (int c = 0; c < JC_LANES; c++)
        count[c] = n[c];
}

/* Plain medians of 16 lanes. */
static void find_medians(worker *w, const group_set *set, int col, lane_facts *f)
{
    const float *below = w->lanes + (size_t) (even(set->n) / 2 - 1) * JC_LANES;
    load_around_middle(w->diff + col, w->tile, set, w->lanes, f->count);
    jc_network_sort(&set->network, w->lanes);
    for (int c = 0; c < JC_LANES; c++) {
        const float *above = f->count[c] % 2 ? below : below + JC_LANES;
        f->median[c] = f->count[c] ? 0.5 * ((double) below[c] + (double) above[c]) : NAN;
    }
}

static void find_in_one_pass(worker *w, const group_set *set, size_t pixel, int width)
{
    lane_facts f;
    if (set->n < 1) return;
    for (int col = 0; col < width; col += JC_LANES) {
        find_medians(w, set, col, &f);
        for (int c = 0; c < JC_LANES; c++) {
            w->median[col + c] = f.median[c];
            w->known[col + c] = 1;
        }
        if (single_pass_range(w->diff + col, w->tile, set, w->noise + col, w->ramp->n_frames,
                              w->rule->threshold, &f))
            flag_outside(w, set, &f, pixel, col);
    }
}

/* ---------------------------------------------------------------- sigma clipping ----------- */

/* Bounds of each lane from its sorted values; whether any value leaves them. */
JC_CLONES static int sigma_range(const float *restrict lanes, int n, double n_sigma,
                                 lane_facts *restrict f)
{
    int32_t left[JC_LANES], start[JC_LANES] = {0};
    double *restrict least = f->least, *restrict most = f->most;
    int any = 0;
    for (int c = 0; c < JC_LANES; c++) {
        left[c] = f->count[c];
        least[c] = -FLT_MAX;
        most[c] = FLT_MAX; /* infinity fills the unusable */
    }
    for (int round = 0; round < CLIP_ROUNDS; round++) {
        double mean[JC_LANES] = {0}, scatter[JC_LANES] = {0}, median[JC_LANES];
        int32_t below[JC_LANES] = {0}, inside[JC_LANES] = {0};
        int changed = 0;
        for (int k = 0; k < n; k++) {
            const float *restrict v = lanes + (size_t) k * JC_LANES;
#pragma omp simd
            for (int c = 0; c < JC_LANES; c++) {
                double x = v[c];
                mean[c] += (x >= least[c]) & (x <= most[c]) ? x : 0.0;
            }
        }
        for (int c = 0; c < JC_LANES; c++) {
            mean[c] /= left[c];
            median[c] = NAN;
            if (left[c])
                median[c] = 0.5 * ((double) lanes[(start[c] + (left[c] - 1) / 2) * JC_LANES + c] +
                                   (double) lanes[(start[c] + left[c] / 2) * JC_LANES + c]);
        }
        for (int k = 0; k < n; k++) {
            const float *restrict v = lanes + (size_t) k * JC_LANES;
#pragma omp simd
            for (int c = 0; c < JC_LANES; c++) {
                double x = v[c], far = x - mean[c];
                scatter[c] += (x >= least[c]) & (x <= most[c]) ? far * far : 0.0;
            }
        }
        for (int c = 0; c < JC_LANES; c++) {
            double reach = n_sigma * sqrt(scatter[c] / left[c]);
            if (left[c] == 0) continue; /* nothing left: the last bounds stand */
            least[c] = median[c] - reach;
            most[c] = median[c] + reach;
        }
        for (int k = 0; k < n; k++) {
            const float *restrict v = lanes + (size_t) k * JC_LANES;
#pragma omp simd
            for (int c = 0; c < JC_LANES; c++) {
                double x = v[c];
                below[c] += x < least[c];
                inside[c] += (x >= least[c]) & (x <= most[c]);
            }
        }
        for (int c = 0; c < JC_LANES; c++) {
            changed |= inside[c] != left[c];
            start[c] = below[c];
            left[c] = inside[c];
        }
        if (!changed) break;
    }
    for (int c = 0; c < JC_LANES; c++) {
        f->low[c] = nextafterf((float) least[c], INFINITY);
        f->high[c] = nextafterf((float) most[c], -INFINITY);
        any |= left[c] != f->count[c];
    }
    return any;
}

static void find_by_sigma(worker *w, const group_set *set, size_t pixel, int width)
{
    lane_facts f;
    if (set->n < 1) return;
    for (int col = 0; col < width; col += JC_LANES) {
        load_lanes(w->diff + col, w->tile, set->which, set->n, 0, FLT_MAX, w->lanes, f.count);
        jc_network_sort(&set->network, w->lanes);
        if (sigma_range(w->lanes, set->n, w->rule->threshold, &f))
            flag_outside(w, set, &f, pixel, col);
    }
}

/* ---------------------------------------------------------------- rows --------------------- */

static double plain_median(worker *w, int col)
{
    if (!w->known[col]) {
        int n = 0;
        for (int k = 0; k < w->n_diffs; k++) {
            float d = w->diff[(size_t) k * w->tile + col];
            if (d == d) w->values[n++] = d;
        }
        w->median[col] = median_of(w->values, n);
        w->known[col] = 1;
    }
    return w->median[col];
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

/* The jumps of the tile that flag their neighbours. */
static void list_sources(worker *w, int first_col, sources *list)
{
    const jc_jump_rule *r = w->rule;
    for (size_t j = 0; j < w->n_jumps; j++) {
        int k = (int) (w->jumps[j] / w->tile), c = (int) (w->jumps[j] % w->tile);
        double median = plain_median(w, c);
        double sigma = sigma_about(median, w->noise[c], w->ramp->n_frames);
        double ratio = fabs(w->diff[w->jumps[j]] - median) / sigma;
        if (ratio < r->max_neighbor && ratio > r->min_neighbor)
            w->failed |= !add_source(list, plane_of(w->ramp, k), first_col + c);
    }
}

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

static void find_in_tile(worker *w, size_t pixel, int width)
{
    for (int k = 0; k < w->plan->n_sets; k++) {
        const group_set *set = w->plan->sets + k;
        switch (w->rule->method) {
        case JC_JUMP_CLIP: find_by_clipping(w, set, pixel, width); break;
        case JC_JUMP_SINGLE_PASS: find_in_one_pass(w, set, pixel, width); break;
        default: find_by_sigma(w, set, pixel, width); break;
        }
    }
}

static void find_in_row(worker *w, int row)
{
    const jc_jump_ramp *p = w->ramp;
    for (int col = 0; col < p->n_cols; col += w->tile) {
        int width = p->n_cols - col < w->tile ? p->n_cols - col : w->tile;
        size_t pixel = (size_t) row * p->n_cols + col;
        take_differences(w, pixel, width);
        find_in_tile(w, pixel, width);
        if (w->rule->flag_neighbors) list_sources(w, col, &w->row);
    }
}

/* Differences of some pixels of a tile, one after the other in w->diff. */
static void pick_differences(worker *w, size_t pixel, const int *cols, int n)
{
    const jc_jump_ramp *p = w->ramp;
    float *d = w->diff;
    for (int j = 0; j < n; j++)
        w->gain[j] = jc_float32(((const uint32_t *) p->gain)[pixel + (size_t) cols[j]],
                                p->gain_swapped);
    for (int plane = 0; plane < p->n_integrations * p->n_groups; plane++) {
        const float *y = p->data + plane * plane_size(p) + pixel;
        const uint8_t *q = w->dq + plane * plane_size(p) + pixel;
        for (int j = 0; j < n; j++) {
            float e = q[cols[j]] & w->rule->unusable ? NAN : y[cols[j]] * w->gain[j];
            d[j] = e - w->last[j];
            w->last[j] = e;
        }
        if (plane % p->n_groups)
            d += w->tile; /* the first group's is overwritten */
        else
            jc_settle(2 * p->n_groups);
    }
}

/* Flag the groups after the large jumps of a pixel, the jth of those picked. */
static void flag_after_pixel(worker *w, size_t pixel, int j)
{
    const jc_jump_ramp *p = w->ramp;
    const jc_jump_rule *r = w->rule;
    float *v = w->values, least = INFINITY;
    double median = NAN;
    int n = 0;
    for (int k = 0; k < w->n_diffs; k++) {
        const float d = w->diff[(size_t) k * w->tile + j];
        least = d < least ? d : least;
        if (d == d) v[n++] = d;
    }
    for (int k = 0, until = -1; k < w->n_diffs; k++) {
        const float d = w->diff[(size_t) k * w->tile + j];
        const int group = k % (p->n_groups - 1) + 1;
        uint8_t *q = w->dq + plane_of(p, k) * plane_size(p) + pixel;
        if (group == 1) until = -1;
        for (int kind = 0; kind < 2 && *q & r->jump; kind++) {
            const int end = group + r->after_groups[kind];
            if (!((double) d - least >= r->after_electrons[kind])) continue; /* least <= median */
            if (isnan(median)) median = median_of(v, n);
            if (d - median >= r->after_electrons[kind] && end > until) until = end;
        }
        if (group <= until && !(*q & r->unusable)) *q |= r->jump;
    }
}

JC_CLONES static void add_bits(const uint8_t *restrict q, uint8_t bits, uint8_t *restrict seen,
                               int width)
{
    for (int c = 0; c < width; c++)
        seen[c] |= q[c] & bits;
}

/* A row is complete once the rows beside it have been searched. */
static void flag_after_row(worker *w, int row)
{
    const jc_jump_ramp *p = w->ramp;
    uint8_t seen[MAX_TILE];
    int cols[MAX_TILE];
    for (int col = 0; col < p->n_cols; col += w->tile) {
        const int width = p->n_cols - col < w->tile ? p->n_cols - col : w->tile;
        const size_t pixel = (size_t) row * p->n_cols + col;
        int n = 0;
        memset(seen, 0, sizeof seen);
        for (int plane = 0; plane < p->n_integrations * p->n_groups; plane++)
            add_bits(w->dq + plane * plane_size(p) + pixel, w->rule->jump, seen, width);
        for (int c = 0; c < width; c++)
            if (seen[c]) cols[n++] = c;
        pick_differences(w, pixel, cols, n);
        for (int j = 0; j < n; j++)
            flag_after_pixel(w, pixel + cols[j], j);
    }
}

static int flags_after(const jc_jump_rule *r)
{
    return r->after_groups[0] > 0 || r->after_groups[1] > 0;
}

/* All rows of one block, each with its neighbours as far as they lie in rows already searched:
 * a row must be searched before a neighbour's flag enters it. */
static void find_in_block(worker *w)
{
    const int follow = flags_after(w->rule) && !w->lost; /* while the row is in the cache */
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
            if (follow && row - 1 > w->first_row) flag_after_row(w, row - 1);
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
                list_sources(w, (int) (k % p->n_cols), &found);
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

/* ---------------------------------------------------------------- the exposure ------------- */

static void forget_plan(plan *p)
{
    for (int k = 0; p->sets && k < p->n_sets; k++)
        jc_network_free(&p->sets[k].network);
    free(p->sets);
    free(p->which);
    *p = (plan){0};
}

/* Which differences are compared with each other; those that no pixel can use are left out. */
static jc_status make_plan(const jc_jump_ramp *ramp, const jc_jump_rule *rule, const uint8_t *dq,
                           plan *out)
{
    const int n_planes = ramp->n_integrations * ramp->n_groups, per_int = ramp->n_groups - 1;
    const int by_group = rule->method == JC_JUMP_SIGMA_INTS;
    const size_t n_diffs = (size_t) ramp->n_integrations * per_int;
    jc_status status = JC_NO_MEMORY;
    uint8_t *dead = malloc(n_planes);
    *out = (plan){.n_sets = by_group ? per_int : 1};
    out->sets = calloc(out->n_sets, sizeof *out->sets);
    out->which = malloc(n_diffs * sizeof *out->which);
    if (dead && out->sets && out->which)
        status = jc_jump_dead_planes(dq, n_planes, (int64_t) plane_size(ramp), rule->unusable,
                                     dead);
    int32_t *next = out->which;
    for (int s = 0; s < out->n_sets && status == JC_OK; s++) {
        group_set *set = out->sets + s;
        set->which = next;
        for (int k = by_group ? s : 0; k < (int) n_diffs; k += by_group ? per_int : 1) {
            int plane = plane_of(ramp, k);
            if (!dead[plane] && !dead[plane - 1]) *next++ = k;
        }
        set->n = (int) (next - set->which);
        if (set->n == 0) continue;
        int single = rule->method == JC_JUMP_SINGLE_PASS;
        const int n = single ? even(set->n) : set->n;
        status = jc_network_make(&set->network, n, single ? n / 2 - 1 : 0, single ? n / 2 : n - 1);
    }
    free(dead);
    return status;
}

static int hire(worker *w, const jc_jump_ramp *ramp, const jc_jump_rule *rule, const plan *plan,
                uint8_t *dq)
{
    const int clips = rule->method == JC_JUMP_SIGMA_INTS || rule->method == JC_JUMP_SIGMA_ALL;
    const size_t n_planes = (size_t) ramp->n_integrations * ramp->n_groups;
    const size_t n_diffs = n_planes - ramp->n_integrations;
    size_t tile = TILE_BYTES / (sizeof(float) * n_diffs) / JC_LANES * JC_LANES;
    const size_t least = jc_is_kept() ? KEPT_TILE : JC_LANES;
    tile = tile > MAX_TILE ? MAX_TILE : tile < least ? least : tile;
    *w = (worker){.ramp = ramp, .rule = rule, .plan = plan, .dq = dq};
    w->n_diffs = (int) n_diffs;
    w->tile = (int) tile;
    w->diff = jc_room((n_diffs + 1) * tile, sizeof *w->diff); /* a first group has a row, too */
    w->last = jc_room(tile, sizeof *w->last);
    w->gain = jc_room(tile, sizeof *w->gain);
    w->noise = jc_room(tile, sizeof *w->noise);
    w->median = jc_room(tile, sizeof *w->median);
    w->known = malloc(tile);
    w->lanes = jc_room((n_diffs + 1) * JC_LANES, sizeof *w->lanes);
    w->picked = jc_room(n_diffs * JC_LANES, sizeof *w->picked);
    w->values = malloc(n_diffs * sizeof *w->values);
    w->jumps = malloc(n_diffs * tile * sizeof *w->jumps);
    w->lost = clips ? calloc(n_planes, sizeof *w->lost) : NULL;
    return w->diff && w->last && w->gain && w->noise && w->median && w->known && w->lanes &&
           w->picked && w->values && w->jumps && (!clips || w->lost);
}

static void dismiss(worker *w)
{
    free(w->diff);
    free(w->last);
    free(w->gain);
    free(w->noise);
    free(w->median);
    free(w->known);
    free(w->lanes);
    free(w->picked);
    free(w->values);
    free(w->jumps);
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

static int sizes_are_wrong(const jc_jump_ramp *p)
{
    return p->n_integrations < 1 || p->n_groups < 2 || p->n_rows < 1 || p->n_cols < 1 ||
           !(p->n_frames > 0) || p->n_integrations > INT32_MAX / p->n_groups;
}

jc_status jc_jump(const jc_jump_ramp *ramp, const jc_jump_rule *rule, int n_threads,
                  uint8_t *groupdq, int64_t *n_found)
{
    int failed = 0, n_workers = 1;
    if (sizes_are_wrong(ramp) || n_threads < 1) return JC_BAD_ARGUMENT;
    if (n_threads > ramp->n_rows) n_threads = ramp->n_rows;
    plan plan;
    jc_status status = make_plan(ramp, rule, groupdq, &plan);
    worker *team = calloc(n_threads, sizeof *team);
    if (status != JC_OK || !team) {
        forget_plan(&plan);
        free(team);
        return status != JC_OK ? status : JC_NO_MEMORY;
    }
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        int me = 0, size = 1;
#ifdef _OPENMP
        me = omp_get_thread_num();
        size = omp_get_num_threads();
#endif
        worker *w = team + me;
        int ready = hire(w, ramp, rule, &plan, groupdq);
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
        const int last = w->first_row + w->n_rows - 1;
        for (int row = w->first_row; row <= last && flags_after(rule) && !w->failed; row++)
            if (w->lost || row == w->first_row || row == last) flag_after_row(w, row);
        failed |= w->failed;
    }
    for (int t = 0; t < n_workers; t++)
        dismiss(team + t);
    forget_plan(&plan);
    free(team);
    return failed ? JC_NO_MEMORY : JC_OK;
}

static void medians_of_row(worker *w, int row, float *median)
{
    const jc_jump_ramp *p = w->ramp;
    const group_set *set = w->plan->sets;
    for (int col = 0; col < p->n_cols; col += w->tile) {
        int width = p->n_cols - col < w->tile ? p->n_cols - col : w->tile;
        size_t pixel = (size_t) row * p->n_cols + col;
        take_differences(w, pixel, width);
        for (int c = 0; c < width; c += JC_LANES) {
            lane_facts f;
            if (set->n > 0) find_medians(w, set, c, &f);
            for (int k = 0; k < JC_LANES && c + k < width; k++)
                median[pixel + c + k] = set->n > 0 ? (float) f.median[k] : NAN;
        }
    }
}

jc_status jc_jump_median(const jc_jump_ramp *ramp, const uint8_t *groupdq, uint8_t unusable,
                         uint8_t lone, int n_threads, float *median)
{
    const jc_jump_rule rule = {.method = JC_JUMP_SINGLE_PASS, .unusable = unusable};
    int failed = 0;
    plan plan;
    if (sizes_are_wrong(ramp) || n_threads < 1) return JC_BAD_ARGUMENT;
    jc_status status = make_plan(ramp, &rule, groupdq, &plan);
    if (status == JC_OK) {
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
        {
            worker w; /* without a jump bit in the rule it changes no flags */
            int ready = hire(&w, ramp, &rule, &plan, (uint8_t *) groupdq);
            failed |= !ready;
            w.lone = lone;
#pragma omp for schedule(static)
            for (int row = 0; row < ramp->n_rows; row++)
                if (ready) medians_of_row(&w, row, median);
            dismiss(&w);
        }
    }
    forget_plan(&plan);
    return failed ? JC_NO_MEMORY : status;
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

/* Bits of a float, in the order of the numbers. */
JC_INLINE uint32_t ordered(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

/* Selected among the numbers that share their first 16 bits with the middle ones. */
jc_status jc_jump_typical(const float *values, int64_t n, float *median)
{
    if (n < 1) return JC_BAD_ARGUMENT;
    int64_t *count = calloc(1 << 16, sizeof *count), usable = 0, below = 0, inside = 0;
    if (!count) return JC_NO_MEMORY;
    for (int64_t k = 0; k < n; k++)
        if (values[k] == values[k]) {
            count[ordered(values[k]) >> 16]++;
            usable++;
        }
    *median = NAN;
    uint32_t first = 0, last = 0;
    while (usable && below + count[first] <= (usable - 1) / 2)
        below += count[first++];
    for (last = first; usable && below + inside + count[last] <= usable / 2; last++)
        inside += count[last];
    inside += count[last];
    free(count);
    if (!usable) return JC_OK;
    float *found = malloc(inside * sizeof *found);
    if (!found) return JC_NO_MEMORY;
    int64_t m = 0;
    for (int64_t k = 0; k < n; k++) {
        const uint32_t at = ordered(values[k]) >> 16;
        if (values[k] == values[k] && at >= first && at <= last) found[m++] = values[k];
    }
    const float low = value_of_rank(found, (int) m, (int) ((usable - 1) / 2 - below));
    const float high = value_of_rank(found, (int) m, (int) (usable / 2 - below));
    free(found);
    *median = usable % 2 ? low : (low + high) / 2;
    return JC_OK;
}

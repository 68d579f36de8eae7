#include "saturation.h"
#include "keeper.h"

#include <math.h>
#include <stdlib.h>

#define NEVER 65535

enum { BLOCK = 256 }; /* columns whose groups are looked at one after the other */

/* What the threads share: per pixel the first saturated group, and the group in which its
 * neighbours get a flag, and whether its first read is saturated (0); per row whether there is any. */
typedef struct {
    uint16_t *first, *spread, *zero;
    uint8_t *any_first, *any_spread, *any_zero;
} maps;

/* Rows of one thread. */
typedef struct {
    float *limit;
    int32_t *group, *zero;
    uint16_t *padded, *grown;
    uint8_t *low;
} scratch;

typedef struct {
    const jc_saturation_input *in;
    const jc_saturation_reads *reads;
    size_t plane;
    uint8_t *groupdq;
    maps map;
} job;

static int min_int(int a, int b) { return a < b ? a : b; }
static int max_int(int a, int b) { return a > b ? a : b; }

static size_t data_row(const jc_saturation_input *in, int row)
{
    return (size_t) (in->rows ? in->rows[row] : row) * in->n_cols;
}

/* The float32 of a plane in either byte order. */
JC_INLINE float at_pixel(const void *plane, size_t pixel, int swapped)
{
    return jc_float32(((const uint32_t *) plane)[pixel], swapped);
}

JC_INLINE void limits_of(int n, const uint32_t *restrict given, const uint32_t *restrict dq,
                         int swapped, uint32_t no_check, float unchecked, float *restrict limit)
{
    for (int x = 0; x < n; x++) {
        const float own = jc_float32(given[x], swapped);
        const float checked = (dq[x] & no_check) == 0 ? own : unchecked;
        limit[x] = own == own ? checked : unchecked;
    }
}

/* The limits of n pixels of a row, from column x on. */
JC_CLONES
static void limit_of_block(const jc_saturation_input *in, int row, int x, int n, float *limit)
{
    const size_t at = (size_t) row * in->n_cols + (size_t) x;
    const uint32_t *given = (const uint32_t *) in->limit + at, *dq = in->limit_dq + at;
    jc_fetch(given + n, n * sizeof *given);
    jc_fetch(dq + n, n * sizeof *dq);
    if (in->limit_swapped)
        limits_of(n, given, dq, 1, in->no_check, in->unchecked_limit, limit);
    else
        limits_of(n, given, dq, 0, in->no_check, in->unchecked_limit, limit);
}

static void limit_of_row(const jc_saturation_input *in, int row, float *limit)
{
    limit_of_block(in, row, 0, in->n_cols, limit);
}

static int is_unchecked(const jc_saturation_input *in, size_t pixel)
{
    return (in->limit_dq[pixel] & in->no_check) != 0 ||
           isnan(at_pixel(in->limit, pixel, in->limit_swapped));
}

static float limit_of(const jc_saturation_input *in, size_t pixel)
{
    return is_unchecked(in, pixel) ? in->unchecked_limit
                                   : at_pixel(in->limit, pixel, in->limit_swapped);
}

JC_INLINE void add_flags(int n, const uint32_t *restrict given, const uint32_t *restrict dq,
                         int swapped, uint32_t no_check, uint32_t *restrict pixeldq)
{
    for (int x = 0; x < n; x++) {
        const float own = jc_float32(given[x], swapped);
        pixeldq[x] |= dq[x] | (own != own ? no_check : 0);
    }
}

JC_CLONES
static void add_flags_of_block(const jc_saturation_input *in, int row, int x, int n,
                               uint32_t *pixeldq)
{
    const size_t at = (size_t) row * in->n_cols + (size_t) x;
    const uint32_t *given = (const uint32_t *) in->limit + at, *dq = in->limit_dq + at;
    jc_fetch(pixeldq + n, n * sizeof *pixeldq);
    if (in->limit_swapped)
        add_flags(n, given, dq, 1, in->no_check, pixeldq);
    else
        add_flags(n, given, dq, 0, in->no_check, pixeldq);
}

JC_CLONES
static void clear_row(int n, int32_t *group, uint8_t *low)
{
    for (int x = 0; x < n; x++)
        group[x] = NEVER;
    for (int x = 0; x < n; x++)
        low[x] = 0;
}

/* Returns whether any counts of the row are low. */
JC_CLONES
static int note_saturated(int n, const float *data, const float *limit, int group, int32_t *first)
{
    int32_t any_low = 0;
    for (int x = 0; x < n; x++) {
        int32_t at = data[x] >= limit[x] ? group : NEVER;
        first[x] = at < first[x] ? at : first[x];
        any_low |= data[x] <= 0;
    }
    return any_low;
}

JC_CLONES
static void flag_low(int n, const float *data, uint8_t low, uint8_t *groupdq, uint8_t *any_low)
{
    for (int x = 0; x < n; x++) {
        uint8_t now = data[x] <= 0 ? low : 0;
        groupdq[x] |= now;
        any_low[x] |= now;
    }
}

JC_CLONES
static uint8_t union_of(int n, const uint8_t *flags)
{
    uint8_t seen = 0;
    for (int x = 0; x < n; x++)
        seen |= flags[x];
    return seen;
}

JC_CLONES
static int store_first(int n, const int32_t *group, uint16_t *first)
{
    int32_t least = NEVER;
    for (int x = 0; x < n; x++) {
        first[x] = (uint16_t) group[x];
        least = group[x] < least ? group[x] : least;
    }
    return least != NEVER;
}

JC_CLONES
static int64_t count_reached(int n, const uint16_t *first)
{
    int64_t found = 0;
    for (int x = 0; x < n; x++)
        found += first[x] != NEVER;
    return found;
}

JC_CLONES
static int64_t count_nonzero(int n, const uint8_t *flags)
{
    int64_t found = 0;
    for (int x = 0; x < n; x++)
        found += flags[x] != 0;
    return found;
}

/* The first saturated group of each pixel of a row, its neighbours not yet counted, and the same of
 * the zeroframe; flags low counts on the way, and adds the flags of the limit to pixeldq unless that
 * is NULL. Returns the union of the flags that the row has. */
static uint8_t measure_row(const job *j, int integration, int row, scratch *s, uint32_t *pixeldq,
                           const float *zeroframe, int64_t *n_low)
{
    const jc_saturation_input *in = j->in;
    uint8_t seen = 0;
    int any_low = 0;
    clear_row(in->n_cols, s->group, s->low);
    for (int x = 0; zeroframe && x < in->n_cols; x++)
        s->zero[x] = NEVER;
    for (int x = 0; x < in->n_cols; x += BLOCK) {
        const int n = min_int(in->n_cols - x, BLOCK);
        limit_of_block(in, row, x, n, s->limit + x);
        if (pixeldq) add_flags_of_block(in, row, x, n, pixeldq + data_row(in, row) + x);
        if (zeroframe) {
            const float *first = zeroframe + data_row(in, row) + x;
            jc_fetch(first + n, n * sizeof *first);
            note_saturated(n, first, s->limit + x, 0, s->zero + x);
        }
        for (int g = 0; g < in->n_groups; g++) {
            size_t at = ((size_t) integration * in->n_groups + g) * j->plane + data_row(in, row) +
                        (size_t) x;
            jc_fetch(in->data + at + n, n * sizeof *in->data);
            jc_fetch(j->groupdq + at + n, (size_t) n);
            seen |= union_of(n, j->groupdq + at);
            if (note_saturated(n, in->data + at, s->limit + x, g, s->group + x)) {
                flag_low(n, in->data + at, in->low, j->groupdq + at, s->low + x);
                any_low = 1;
            }
        }
        jc_settle(2 * in->n_groups);
    }
    j->map.any_first[row] =
        (uint8_t) store_first(in->n_cols, s->group, j->map.first + (size_t) row * in->n_cols);
    if (zeroframe)
        j->map.any_zero[row] =
            (uint8_t) store_first(in->n_cols, s->zero, j->map.zero + (size_t) row * in->n_cols);
    if (any_low)
        *n_low += count_nonzero(in->n_cols, s->low);
    return seen;
}

JC_CLONES
static void least_of_two(int n, const uint16_t *other, uint16_t *least)
{
    for (int x = 0; x < n; x++)
        least[x] = other[x] < least[x] ? other[x] : least[x];
}

/* The least of the map in the box around each pixel of a row. Returns 0 if there is nothing. */
static int grow_row(const job *j, const uint16_t *map, const uint8_t *any, int row, scratch *s)
{
    const jc_saturation_input *in = j->in;
    int rings = in->rings, n = in->n_cols, found = 0;
    int from = max_int(row - rings, 0), to = min_int(row + rings, in->n_rows - 1);
    for (int r = from; r <= to; r++)
        found |= any[r];
    if (!found)
        return 0;
    for (int x = 0; x < n + 2 * rings; x++)
        s->padded[x] = NEVER;
    for (int r = from; r <= to; r++)
        if (any[r])
            least_of_two(n, map + (size_t) r * n, s->padded + rings);
    for (int x = 0; x < n; x++)
        s->grown[x] = NEVER;
    for (int k = 0; k <= 2 * rings; k++)
        least_of_two(n, s->padded + k, s->grown);
    return 1;
}

JC_CLONES
static void flag_from(int n, const uint16_t *first, int group, uint8_t flag, uint8_t *groupdq)
{
    for (int x = 0; x < n; x++)
        groupdq[x] |= first[x] <= group ? flag : 0;
}

JC_CLONES
static int least_of(int n, const uint16_t *first)
{
    uint16_t least = NEVER;
    for (int x = 0; x < n; x++)
        least = first[x] < least ? first[x] : least;
    return least;
}

/* Whether the second group hides a saturation at its end. */
static int second_is_late(const job *j, int integration, int row, int x, float limit)
{
    const jc_saturation_input *in = j->in;
    const float *d = in->data + (size_t) integration * in->n_groups * j->plane +
                     data_row(in, row) + x;
    float first = d[0], second = d[j->plane], reads = (float) j->reads->n_reads;
    const size_t pixel = (size_t) row * in->n_cols + (size_t) x;
    float bias = j->reads->bias ? at_pixel(j->reads->bias, pixel, j->reads->bias_swapped) : 0.0f;
    double mean_read = (j->reads->n_reads + 1) / 2.0, last_read = 3.0 * j->reads->n_reads;
    float signal = first - bias, rise = second - first;
    double expected = (double) signal / mean_read * last_read + bias;
    return expected < limit && rise > (limit - first) / reads;
}

/* Mean time of the reads of a group over the time of its last. */
static double dilution(const job *j, int group)
{
    int n = j->reads->n_reads;
    return ((double) group * n + (n + 1) / 2.0) / ((group + 1.0) * n);
}

/* Whether a group without flags reaches the limit of a group that saturates at its end. */
static int is_late(const job *j, size_t at, int group, float limit, int unchecked)
{
    uint8_t flagged = j->in->saturated | j->in->do_not_use;
    double part = unchecked ? 1.0 : dilution(j, group);
    return (j->groupdq[at] & flagged) == 0 && j->in->data[at] >= limit * part;
}

/* Notes that a pixel and its neighbours get a flag in a group. */
static void mark(const job *j, int row, int x, int group)
{
    uint16_t *spread = j->map.spread + (size_t) row * j->in->n_cols;
    for (int k = 0; !j->map.any_spread[row] && k < j->in->n_cols; k++)
        spread[k] = NEVER;
    j->map.any_spread[row] = 1;
    spread[x] = (uint16_t) group;
}

/* The next column whose entry in a map is not NEVER, or n. */
static int next_reached(const uint16_t *map, int x, int n)
{
    static const uint16_t never[8] = {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER};
    while (x + 8 <= n && memcmp(map + x, never, sizeof never) == 0) x += 8;
    while (x < n && map[x] == NEVER) x++;
    return x;
}

/* The tests of groups of several reads, from the first saturated group of each pixel. */
static void test_late_row(const job *j, int integration, int row, scratch *s)
{
    const jc_saturation_input *in = j->in;
    const uint16_t *first = j->map.first + (size_t) row * in->n_cols;
    const int n = in->n_cols;
    for (int x = next_reached(s->grown, 0, n); x < n; x = next_reached(s->grown, x + 1, n)) {
        const size_t pixel = (size_t) row * in->n_cols + (size_t) x;
        const float limit = limit_of(in, pixel);
        int group = s->grown[x];
        if (j->reads->second_only && first[x] == 2 &&
            second_is_late(j, integration, row, x, limit))
            mark(j, row, x, 1);
        if (group == 0 || j->reads->second_only)
            continue;
        size_t at = ((size_t) integration * in->n_groups + group - 1) * j->plane +
                    data_row(in, row) + x;
        if (is_late(j, at, group - 1, limit, is_unchecked(in, pixel)))
            mark(j, row, x, group - 1);
        if (group == 2 && second_is_late(j, integration, row, x, limit))
            j->groupdq[at] |= in->do_not_use;
    }
}

/* Flags a row: saturated from the first group on that it or a neighbour has reached the limit. */
static int64_t flag_row(const job *j, int integration, int row, scratch *s)
{
    const jc_saturation_input *in = j->in;
    j->map.any_spread[row] = 0;
    if (!grow_row(j, j->map.first, j->map.any_first, row, s))
        return 0;
    int64_t found = count_reached(in->n_cols, s->grown);
    for (int x = 0; x < in->n_cols; x += BLOCK) {
        const int n = min_int(in->n_cols - x, BLOCK);
        for (int g = least_of(n, s->grown + x); g < in->n_groups; g++) {
            size_t at = ((size_t) integration * in->n_groups + g) * j->plane + data_row(in, row) +
                        (size_t) x;
            flag_from(n, s->grown + x, g, in->saturated, j->groupdq + at);
        }
        jc_settle(in->n_groups);
    }
    if (j->reads && found && in->n_groups > 1 && (!j->reads->second_only || in->n_groups > 2))
        test_late_row(j, integration, row, s);
    return found;
}

/* Flags a row's pixels near those marked in the map `spread`, in the group named there. */
static void spread_row(const job *j, int integration, int row, uint8_t flag)
{
    const jc_saturation_input *in = j->in;
    int rings = in->rings, n = in->n_cols;
    int to = min_int(row + rings, in->n_rows - 1);
    for (int r = max_int(row - rings, 0); r <= to; r++) {
        const uint16_t *spread = j->map.spread + (size_t) r * n;
        if (!j->map.any_spread[r])
            continue;
        for (int x = next_reached(spread, 0, n); x < n; x = next_reached(spread, x + 1, n)) {
            uint8_t *q = j->groupdq + data_row(in, row) +
                         ((size_t) integration * in->n_groups + spread[x]) * j->plane;
            for (int k = max_int(x - rings, 0); k <= min_int(x + rings, n - 1); k++)
                q[k] |= flag;
        }
    }
}

/* The slower way, for flags of earlier runs: marks the saturated pixels of one group. */
static void mark_saturated_row(const job *j, int integration, int group, int row)
{
    const jc_saturation_input *in = j->in;
    const uint16_t *first = j->map.first + (size_t) row * in->n_cols;
    const uint8_t *q = j->groupdq + data_row(in, row) +
                       ((size_t) integration * in->n_groups + group) * j->plane;
    j->map.any_spread[row] = 0;
    for (int x = 0; x < in->n_cols; x++)
        if (first[x] <= group || (q[x] & in->saturated))
            mark(j, row, x, group);
}

/* ... and those of the group before that reach the limit of a late saturation. */
static void mark_late_row(const job *j, int integration, int group, int row, scratch *s)
{
    const jc_saturation_input *in = j->in;
    limit_of_row(in, row, s->limit);
    j->map.any_spread[row] = 0;
    for (int x = 0; x < in->n_cols; x++) {
        size_t at = ((size_t) integration * in->n_groups + group) * j->plane +
                    data_row(in, row) + x;
        if ((j->groupdq[at + j->plane] & in->saturated) &&
            is_late(j, at, group, s->limit[x],
                    is_unchecked(in, (size_t) row * in->n_cols + x)))
            mark(j, row, x, group);
    }
}

static void flag_second_row(const job *j, int integration, int row, scratch *s)
{
    const jc_saturation_input *in = j->in;
    uint8_t *q = j->groupdq + (size_t) integration * in->n_groups * j->plane + data_row(in, row);
    limit_of_row(in, row, s->limit);
    for (int x = 0; x < in->n_cols; x++)
        if ((q[2 * j->plane + x] & in->saturated) && !(q[j->plane + x] & in->saturated) &&
            second_is_late(j, integration, row, x, s->limit[x]))
            q[j->plane + x] |= in->do_not_use;
}

static int64_t count_saturated_row(const job *j, int integration, int row)
{
    const jc_saturation_input *in = j->in;
    const uint8_t *q = j->groupdq + (size_t) integration * in->n_groups * j->plane +
                       data_row(in, row);
    int64_t found = 0;
    for (int x = 0; x < in->n_cols; x++) {
        uint8_t any = 0;
        for (int g = 0; g < in->n_groups; g++)
            any |= q[g * j->plane + x];
        found += (any & in->saturated) != 0;
    }
    return found;
}

JC_CLONES
static void clear_low(int n, float *values)
{
    for (int x = 0; x < n; x++)
        values[x] = values[x] <= 0 ? 0 : values[x];
}

JC_CLONES
static void clear_reached(int n, const uint16_t *first, float *values)
{
    for (int x = 0; x < n; x++)
        values[x] = first[x] == 0 ? 0 : values[x];
}

static void clear_zeroframe_row(const job *j, float *zeroframe, int row, scratch *s)
{
    const jc_saturation_input *in = j->in;
    float *values = zeroframe + data_row(in, row);
    clear_low(in->n_cols, values);
    if (grow_row(j, j->map.zero, j->map.any_zero, row, s))
        clear_reached(in->n_cols, s->grown, values);
}

static void free_scratch(scratch *s)
{
    free(s->limit);
    free(s->group);
    free(s->zero);
    free(s->padded);
    free(s->grown);
    free(s->low);
}

static int new_scratch(const jc_saturation_input *in, scratch *s)
{
    size_t n = (size_t) in->n_cols;
    s->limit = malloc(n * sizeof *s->limit);
    s->group = malloc(n * sizeof *s->group);
    s->zero = malloc(n * sizeof *s->zero);
    s->padded = malloc((n + 2 * (size_t) in->rings) * sizeof *s->padded);
    s->grown = malloc(n * sizeof *s->grown);
    s->low = malloc(n);
    return s->limit && s->group && s->zero && s->padded && s->grown && s->low;
}

/* One integration, by the whole team: every loop over rows ends in a barrier. */
static void flag_integration(const job *j, int integration, int before, scratch *s, int64_t *found)
{
    const jc_saturation_input *in = j->in;
    if (!before) {
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            *found += flag_row(j, integration, row, s);
        if (j->reads) {
            uint8_t flag = j->reads->second_only ? in->saturated : in->do_not_use;
#pragma omp for schedule(static)
            for (int row = 0; row < in->n_rows; row++)
                spread_row(j, integration, row, flag);
        }
        return;
    }
    for (int g = 0; g < in->n_groups; g++) {
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            mark_saturated_row(j, integration, g, row);
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            spread_row(j, integration, row, in->saturated);
    }
    for (int g = j->reads ? in->n_groups - 2 : -1; g >= 0; g--) {
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            mark_late_row(j, integration, g, row, s);
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            spread_row(j, integration, row, in->do_not_use);
    }
#pragma omp for schedule(static)
    for (int row = 0; row < in->n_rows; row++) {
        if (j->reads && in->n_groups > 2)
            flag_second_row(j, integration, row, s);
        *found += count_saturated_row(j, integration, row);
    }
}

static int is_bad(const jc_saturation_input *in, const jc_saturation_reads *reads, int n_threads)
{
    if (in->n_ints < 1 || in->n_groups < 1 || in->n_groups >= NEVER || in->n_rows < 1 ||
        in->n_cols < 1 || in->n_data_rows < in->n_rows || in->rings < 0 || n_threads < 1 ||
        (reads && reads->n_reads < 1))
        return 1;
    for (int row = 0; in->rows && row < in->n_rows; row++)
        if (in->rows[row] < 0 || in->rows[row] >= in->n_data_rows)
            return 1;
    return 0;
}

jc_status jc_saturation(const jc_saturation_input *in, const jc_saturation_reads *reads,
                        int n_threads, uint8_t *groupdq, uint32_t *pixeldq, float *zeroframe,
                        jc_saturation_count *count)
{
    if (is_bad(in, reads, n_threads))
        return JC_BAD_ARGUMENT;
    jc_saturation_input input = *in;
    input.rings = min_int(in->rings, max_int(in->n_rows, in->n_cols));
    if (reads && reads->n_reads == 1)
        reads = NULL; /* a single read has no late saturation */
    size_t plane = (size_t) in->n_data_rows * in->n_cols;
    size_t pixels = (size_t) in->n_rows * in->n_cols;
    job j = {&input, reads, plane, groupdq, {0}};
    j.map.first = jc_pages(pixels * sizeof *j.map.first);
    j.map.spread = jc_pages(pixels * sizeof *j.map.spread);
    j.map.any_first = calloc((size_t) in->n_rows, 1);
    j.map.any_spread = calloc((size_t) in->n_rows, 1);
    if (zeroframe) {
        j.map.zero = jc_pages(pixels * sizeof *j.map.zero);
        j.map.any_zero = calloc((size_t) in->n_rows, 1);
    }
    int failed = !j.map.first || !j.map.spread || !j.map.any_first || !j.map.any_spread;
    failed |= zeroframe && (!j.map.zero || !j.map.any_zero);
    int earlier = 0; /* whether the integration came with saturated groups */
    int64_t n_saturated = 0, n_low = 0;
    scratch *of_thread = failed ? NULL : calloc((size_t) n_threads, sizeof *of_thread);
    failed |= of_thread == NULL;
    for (int t = 0; !failed && t < n_threads; t++)
        failed = !new_scratch(&input, of_thread + t);
    int next = 0;
    if (!failed) {
#pragma omp parallel num_threads(n_threads) reduction(+ : n_saturated, n_low)
        {
            int mine;
#pragma omp atomic capture
            mine = next++;
            scratch *s = of_thread + mine;
            for (int i = 0; i < input.n_ints; i++) {
                float *frame = zeroframe ? zeroframe + i * plane : NULL;
#pragma omp single
                earlier = 0;
#pragma omp for schedule(static)
                for (int row = 0; row < input.n_rows; row++)
                    if (measure_row(&j, i, row, s, i == 0 ? pixeldq : NULL, frame, &n_low) &
                        input.saturated) {
#pragma omp atomic write
                        earlier = 1;
                    }
                int before = earlier && !(reads && reads->second_only) && input.rows == NULL;
                flag_integration(&j, i, before, s, &n_saturated);
                if (frame) {
#pragma omp for schedule(static)
                    for (int row = 0; row < input.n_rows; row++)
                        clear_zeroframe_row(&j, frame, row, s);
                }
            }
        }
    }
    for (int t = 0; of_thread && t < n_threads; t++)
        free_scratch(of_thread + t);
    free(of_thread);
    free(j.map.first);
    free(j.map.spread);
    free(j.map.zero);
    free(j.map.any_zero);
    free(j.map.any_first);
    free(j.map.any_spread);
    count->saturated = n_saturated;
    count->low = n_low;
    return failed ? JC_NO_MEMORY : JC_OK;
}

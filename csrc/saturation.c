#include "saturation.h"
#include "keeper.h"

#include <math.h>
#include <stdlib.h>

#define NEVER 65535

enum {
    ROWS = 16,  /* whose groups are looked at one after the other, as far as possible where they lie */
    BLOCK = 256 /* columns of a row that are flagged from the same group on */
};

/* For each pixel of some rows a group, or NEVER; for each row whether there is any. Rows further
 * apart than n_rows share a place. */
typedef struct {
    int n_rows;
    uint16_t *group;
    uint8_t *any;
} map;

/* What one thread works with; `first` has the first saturated groups of some rows and those around
 * them, `least` the least of a block. */
typedef struct {
    float *limit;     /* [ROWS][col] */
    uint16_t *padded; /* [col + 2 rings] */
    uint16_t *grown;  /* [ROWS][col] */
    uint16_t *least;  /* [ROWS][block] */
    int32_t *columns; /* [col] */
    uint8_t *low;     /* [col] */
    uint8_t *any_low; /* [group][ROWS] */
    map first;
} scratch;

/* Shared maps: the groups in which the neighbours of a pixel get a flag, whether its first read is
 * saturated (group 0) and, for flags of earlier runs, the first saturated groups. */
typedef struct {
    const jc_saturation_input *in;
    const jc_saturation_reads *reads;
    size_t plane;
    uint8_t *groupdq;
    uint32_t *pixeldq;
    float *zeroframe; /* of this integration, or NULL */
    int integration, n_parts;
    map spread, zero, first;
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

JC_CLONES
static void limit_of_row(const jc_saturation_input *in, int row, float *limit)
{
    const int n = in->n_cols;
    const size_t at = (size_t) row * n;
    const uint32_t *given = (const uint32_t *) in->limit + at, *dq = in->limit_dq + at;
    jc_fetch(given + n, n * sizeof *given);
    jc_fetch(dq + n, n * sizeof *dq);
    if (in->limit_swapped)
        limits_of(n, given, dq, 1, in->no_check, in->unchecked_limit, limit);
    else
        limits_of(n, given, dq, 0, in->no_check, in->unchecked_limit, limit);
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
static void add_flags_of_row(const jc_saturation_input *in, int row, uint32_t *pixeldq)
{
    const int n = in->n_cols;
    const size_t at = (size_t) row * n;
    const uint32_t *given = (const uint32_t *) in->limit + at, *dq = in->limit_dq + at;
    jc_fetch(pixeldq + n, n * sizeof *pixeldq);
    if (in->limit_swapped)
        add_flags(n, given, dq, 1, in->no_check, pixeldq);
    else
        add_flags(n, given, dq, 0, in->no_check, pixeldq);
}

JC_CLONES
static void clear_row(int n, uint16_t *group)
{
    for (int x = 0; x < n; x++)
        group[x] = NEVER;
}

/* Returns whether any counts of the row are low. */
JC_CLONES
static int note_saturated(int n, const float *restrict data, const float *restrict limit,
                          uint16_t group, uint16_t *restrict first)
{
    int32_t any_low = 0;
    for (int x = 0; x < n; x++) {
        const uint16_t at = data[x] >= limit[x] ? group : NEVER;
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
static uint16_t least_of(int n, const uint16_t *first)
{
    uint16_t least = NEVER;
    for (int x = 0; x < n; x++)
        least = first[x] < least ? first[x] : least;
    return least;
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

static uint16_t *row_of(const job *j, const map *m, int row)
{
    return m->group + (size_t) (row % m->n_rows) * j->in->n_cols;
}

static int any_in(const map *m, int row)
{
    return m->any[row % m->n_rows];
}

static void note_any(const job *j, const map *m, int row)
{
    m->any[row % m->n_rows] = least_of(j->in->n_cols, row_of(j, m, row)) != NEVER;
}

/* The data and the flags of a row in a group start here. */
static size_t row_in_group(const job *j, int row, int group)
{
    return ((size_t) j->integration * j->in->n_groups + group) * j->plane + data_row(j->in, row);
}

/* The first saturated group of each pixel of some rows, their neighbours not yet counted. */
static void measure_rows(const job *j, int begin, int end, scratch *s, const map *first)
{
    const jc_saturation_input *in = j->in;
    const int n = in->n_cols;
    for (int row = begin; row < end; row++) {
        limit_of_row(in, row, s->limit + (size_t) (row - begin) * n);
        clear_row(n, row_of(j, first, row));
    }
    for (int g = 0; g < in->n_groups; g++) {
        for (int row = begin; row < end; row++) {
            const float *data = in->data + row_in_group(j, row, g);
            jc_fetch(data + n, n * sizeof *data);
            s->any_low[g * ROWS + row - begin] = (uint8_t) note_saturated(
                n, data, s->limit + (size_t) (row - begin) * n, (uint16_t) g, row_of(j, first, row));
        }
        jc_settle(end - begin);
    }
    for (int row = begin; row < end; row++)
        note_any(j, first, row);
}

/* What else is done with row k of those that were measured: low counts are flagged, pixels of the
 * zeroframe tested, and pixeldq gets the flags of the limit. Returns the number of low ramps. */
static int64_t note_row(const job *j, int row, int k, scratch *s)
{
    const jc_saturation_input *in = j->in;
    int any = 0;
    for (int g = 0; g < in->n_groups; g++) {
        const size_t at = row_in_group(j, row, g);
        if (!s->any_low[g * ROWS + k])
            continue;
        if (!any)
            memset(s->low, 0, (size_t) in->n_cols);
        any = 1;
        flag_low(in->n_cols, in->data + at, in->low, j->groupdq + at, s->low);
    }
    if (j->integration == 0)
        add_flags_of_row(in, row, j->pixeldq + data_row(in, row));
    if (j->zeroframe) {
        clear_row(in->n_cols, row_of(j, &j->zero, row));
        note_saturated(in->n_cols, j->zeroframe + data_row(in, row),
                       s->limit + (size_t) k * in->n_cols, 0, row_of(j, &j->zero, row));
        note_any(j, &j->zero, row);
    }
    return any ? count_nonzero(in->n_cols, s->low) : 0;
}

JC_CLONES
static void least_of_two(int n, const uint16_t *other, uint16_t *least)
{
    for (int x = 0; x < n; x++)
        least[x] = other[x] < least[x] ? other[x] : least[x];
}

/* The least of the map in the box around each pixel of a row. Returns 0 if there is nothing. */
static int grow_row(const job *j, const map *m, int row, scratch *s, uint16_t *grown)
{
    const jc_saturation_input *in = j->in;
    int rings = in->rings, n = in->n_cols, found = 0;
    int from = max_int(row - rings, 0), to = min_int(row + rings, in->n_rows - 1);
    for (int r = from; r <= to; r++)
        found |= any_in(m, r);
    if (!found)
        return 0;
    for (int x = 0; x < n + 2 * rings; x++)
        s->padded[x] = NEVER;
    for (int r = from; r <= to; r++)
        if (any_in(m, r))
            least_of_two(n, row_of(j, m, r), s->padded + rings);
    for (int x = 0; x < n; x++)
        grown[x] = NEVER;
    for (int k = 0; k <= 2 * rings; k++)
        least_of_two(n, s->padded + k, grown);
    return 1;
}

JC_CLONES
static void flag_from(int n, const uint16_t *first, int group, uint8_t flag, uint8_t *groupdq)
{
    for (int x = 0; x < n; x++)
        groupdq[x] |= first[x] <= group ? flag : 0;
}

/* Whether the second group hides a saturation at its end. */
static int second_is_late(const job *j, int row, int x, float limit)
{
    const jc_saturation_input *in = j->in;
    const float *d = in->data + row_in_group(j, row, 0) + x;
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
    uint16_t *spread = row_of(j, &j->spread, row);
    for (int k = 0; !j->spread.any[row] && k < j->in->n_cols; k++)
        spread[k] = NEVER;
    j->spread.any[row] = 1;
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

/* Lists the columns of a row whose entry is not NEVER, and has brought in what is tested there. */
static int list_reached(const job *j, int row, const uint16_t *grown, int32_t *columns)
{
    const jc_saturation_input *in = j->in;
    const int n = in->n_cols;
    int n_found = 0;
    for (int x = next_reached(grown, 0, n); x < n; x = next_reached(grown, x + 1, n)) {
        const size_t pixel = (size_t) row * n + (size_t) x;
        const size_t at = row_in_group(j, row, max_int(grown[x] - 1, 0)) + x;
        __builtin_prefetch(in->data + at);
        __builtin_prefetch(j->groupdq + at);
        __builtin_prefetch((const uint32_t *) in->limit + pixel);
        __builtin_prefetch(in->limit_dq + pixel);
        columns[n_found++] = x;
    }
    return n_found;
}

/* The tests of groups of several reads, from the first saturated group of each pixel. */
static void test_late_row(const job *j, int row, const scratch *s, const uint16_t *grown)
{
    const jc_saturation_input *in = j->in;
    const uint16_t *first = row_of(j, &s->first, row);
    const int n_reached = list_reached(j, row, grown, s->columns);
    for (int k = 0; k < n_reached; k++) {
        const int x = s->columns[k], group = grown[x];
        const size_t pixel = (size_t) row * in->n_cols + (size_t) x;
        const float limit = limit_of(in, pixel);
        if (j->reads->second_only && first[x] == 2 && second_is_late(j, row, x, limit))
            mark(j, row, x, 1);
        if (group == 0 || j->reads->second_only)
            continue;
        size_t at = row_in_group(j, row, group - 1) + x;
        if (is_late(j, at, group - 1, limit, is_unchecked(in, pixel)))
            mark(j, row, x, group - 1);
        if (group == 2 && second_is_late(j, row, x, limit))
            j->groupdq[at] |= in->do_not_use;
    }
}

/* Flags up to ROWS rows: saturated from the first group on that a pixel or a neighbour has reached the
 * limit. Returns the number of saturated ramps. */
static int64_t flag_rows(const job *j, int begin, int end, scratch *s)
{
    const jc_saturation_input *in = j->in;
    const int n = in->n_cols, n_blocks = (n + BLOCK - 1) / BLOCK;
    const int is_late_sought =
        j->reads && in->n_groups > (j->reads->second_only ? 2 : 1);
    int64_t found = 0;
    for (int row = begin; row < end; row++) {
        uint16_t *grown = s->grown + (size_t) (row - begin) * n;
        j->spread.any[row] = 0;
        if (!grow_row(j, &s->first, row, s, grown))
            clear_row(n, grown);
        for (int k = 0; k < n_blocks; k++)
            s->least[(row - begin) * n_blocks + k] =
                least_of(min_int(n - k * BLOCK, BLOCK), grown + k * BLOCK);
        found += count_reached(n, grown);
    }
    for (int g = 0; found && g < in->n_groups; g++) {
        for (int row = begin; row < end; row++)
            for (int k = 0; k < n_blocks; k++)
                if (s->least[(row - begin) * n_blocks + k] <= g)
                    flag_from(min_int(n - k * BLOCK, BLOCK),
                              s->grown + (size_t) (row - begin) * n + k * BLOCK, g, in->saturated,
                              j->groupdq + row_in_group(j, row, g) + k * BLOCK);
        jc_settle(end - begin);
    }
    for (int row = begin; found && is_late_sought && row < end; row++)
        test_late_row(j, row, s, s->grown + (size_t) (row - begin) * n);
    return found;
}

/* Flags a row's pixels near those marked in the map `spread`, in the group named there. */
static void spread_row(const job *j, int row, uint8_t flag)
{
    const jc_saturation_input *in = j->in;
    int rings = in->rings, n = in->n_cols;
    int to = min_int(row + rings, in->n_rows - 1);
    for (int r = max_int(row - rings, 0); r <= to; r++) {
        const uint16_t *spread = row_of(j, &j->spread, r);
        if (!j->spread.any[r])
            continue;
        for (int x = next_reached(spread, 0, n); x < n; x = next_reached(spread, x + 1, n)) {
            uint8_t *q = j->groupdq + row_in_group(j, row, spread[x]);
            for (int k = max_int(x - rings, 0); k <= min_int(x + rings, n - 1); k++)
                q[k] |= flag;
        }
    }
}

static void spread_rows(const job *j, int begin, int end)
{
    const uint8_t flag = j->reads->second_only ? j->in->saturated : j->in->do_not_use;
    for (int row = begin; row < end; row++)
        spread_row(j, row, flag);
}

/* The slower way, for flags of earlier runs: marks the saturated pixels of one group. */
static void mark_saturated_row(const job *j, int group, int row)
{
    const jc_saturation_input *in = j->in;
    const uint16_t *first = row_of(j, &j->first, row);
    const uint8_t *q = j->groupdq + row_in_group(j, row, group);
    j->spread.any[row] = 0;
    for (int x = 0; x < in->n_cols; x++)
        if (first[x] <= group || (q[x] & in->saturated))
            mark(j, row, x, group);
}

/* ... and those of the group before that reach the limit of a late saturation. */
static void mark_late_row(const job *j, int group, int row)
{
    const jc_saturation_input *in = j->in;
    j->spread.any[row] = 0;
    for (int x = 0; x < in->n_cols; x++) {
        const size_t at = row_in_group(j, row, group) + x;
        const size_t pixel = (size_t) row * in->n_cols + (size_t) x;
        if ((j->groupdq[at + j->plane] & in->saturated) &&
            is_late(j, at, group, limit_of(in, pixel), is_unchecked(in, pixel)))
            mark(j, row, x, group);
    }
}

static void flag_second_row(const job *j, int row)
{
    const jc_saturation_input *in = j->in;
    uint8_t *q = j->groupdq + row_in_group(j, row, 0);
    for (int x = 0; x < in->n_cols; x++)
        if ((q[2 * j->plane + x] & in->saturated) && !(q[j->plane + x] & in->saturated) &&
            second_is_late(j, row, x, limit_of(in, (size_t) row * in->n_cols + (size_t) x)))
            q[j->plane + x] |= in->do_not_use;
}

static int64_t count_saturated_row(const job *j, int row)
{
    const jc_saturation_input *in = j->in;
    const uint8_t *q = j->groupdq + row_in_group(j, row, 0);
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

static void clear_zeroframe_row(const job *j, int row, scratch *s)
{
    const jc_saturation_input *in = j->in;
    float *values = j->zeroframe + data_row(in, row);
    clear_low(in->n_cols, values);
    if (grow_row(j, &j->zero, row, s, s->grown))
        clear_reached(in->n_cols, s->grown, values);
}

static int new_map(map *m, int n_rows, int n_cols)
{
    m->n_rows = n_rows;
    m->group = jc_pages((size_t) n_rows * n_cols * sizeof *m->group);
    m->any = calloc((size_t) n_rows, 1);
    return m->group && m->any;
}

static void free_map(map *m)
{
    free(m->group);
    free(m->any);
}

static void free_scratch(scratch *s)
{
    free(s->limit);
    free(s->padded);
    free(s->grown);
    free(s->least);
    free(s->columns);
    free(s->low);
    free(s->any_low);
    free_map(&s->first);
}

static int new_scratch(const jc_saturation_input *in, scratch *s)
{
    const size_t n = (size_t) in->n_cols, rings = (size_t) in->rings;
    s->limit = malloc(ROWS * n * sizeof *s->limit);
    s->padded = malloc((n + 2 * rings) * sizeof *s->padded);
    s->grown = malloc(ROWS * n * sizeof *s->grown);
    s->least = malloc(ROWS * (n / BLOCK + 1) * sizeof *s->least);
    s->columns = malloc(n * sizeof *s->columns);
    s->low = malloc(n);
    s->any_low = malloc(ROWS * (size_t) in->n_groups);
    return new_map(&s->first, min_int(2 * in->rings + ROWS, in->n_rows), in->n_cols) && s->limit &&
           s->padded && s->grown && s->least && s->columns && s->low && s->any_low;
}

/* The rows of a part begin here; every part has its own thread if there are enough. */
static int begin_of(const job *j, int part)
{
    return (int) ((int64_t) j->in->n_rows * part / j->n_parts);
}

/* Flags the rows of a part, some at a time, as soon as the rows around them are measured, which is
 * while they are still in a cache. Those around the part are measured by both neighbours. */
static void flag_part(const job *j, int part, scratch *s, int64_t *n_saturated, int64_t *n_low)
{
    const int begin = begin_of(j, part), end = begin_of(j, part + 1), rings = j->in->rings;
    const int last = min_int(end + rings, j->in->n_rows);
    int ready = begin;
    for (int row = max_int(begin - rings, 0), next; ready < end; row = next) {
        next = min_int(row + ROWS, last);
        measure_rows(j, row, next, s, &s->first);
        for (int r = max_int(row, begin); r < min_int(next, end); r++)
            *n_low += note_row(j, r, r - row, s);
        const int until = next == last ? end : next - rings;
        for (int r = ready; r < until; r += ROWS)
            *n_saturated += flag_rows(j, r, min_int(r + ROWS, until), s);
        if (j->reads)
            spread_rows(j, max_int(ready, begin + 2 * rings) - rings, until - rings);
        ready = max_int(begin, until);
    }
}

/* Spreads in the first and last rows of a part what is marked in it and its neighbours. */
static void spread_edges(const job *j, int part)
{
    const int begin = begin_of(j, part), end = begin_of(j, part + 1), rings = j->in->rings;
    const int top = min_int(begin + rings, end);
    spread_rows(j, begin, top);
    spread_rows(j, max_int(top, end - rings), end);
}

static void measure_part(const job *j, int part, scratch *s, int64_t *n_low)
{
    const int end = begin_of(j, part + 1);
    for (int row = begin_of(j, part), next; row < end; row = next) {
        next = min_int(row + ROWS, end);
        measure_rows(j, row, next, s, &j->first);
        for (int r = row; r < next; r++)
            *n_low += note_row(j, r, r - row, s);
    }
}

/* Whether the integration came with saturated groups; all rows are those of the image. */
static int is_flagged(const job *j)
{
    const jc_saturation_input *in = j->in;
    const uint8_t *groupdq = j->groupdq + row_in_group(j, 0, 0);
    const int64_t n_rows = (int64_t) in->n_groups * in->n_data_rows;
    int found = 0;
#pragma omp parallel for num_threads(j->n_parts) schedule(static) reduction(| : found)
    for (int64_t row = 0; row < n_rows; row++) {
        found |= union_of(in->n_cols, groupdq + row * in->n_cols) & in->saturated;
        jc_settle(1);
    }
    return found != 0;
}

static void spread(const job *j, uint8_t flag)
{
#pragma omp parallel for num_threads(j->n_parts) schedule(static)
    for (int row = 0; row < j->in->n_rows; row++)
        spread_row(j, row, flag);
}

static void flag_integration(const job *j, scratch *s, int64_t *n_saturated, int64_t *n_low)
{
    int64_t saturated = 0, low = 0;
#pragma omp parallel for num_threads(j->n_parts) schedule(static) reduction(+ : saturated, low)
    for (int part = 0; part < j->n_parts; part++)
        flag_part(j, part, s + part, &saturated, &low);
    if (j->reads) {
#pragma omp parallel for num_threads(j->n_parts) schedule(static)
        for (int part = 0; part < j->n_parts; part++)
            spread_edges(j, part);
    }
    *n_saturated += saturated;
    *n_low += low;
}

static void flag_again(const job *j, scratch *s, int64_t *n_saturated, int64_t *n_low)
{
    const jc_saturation_input *in = j->in;
    int64_t saturated = 0, low = 0;
#pragma omp parallel for num_threads(j->n_parts) schedule(static) reduction(+ : low)
    for (int part = 0; part < j->n_parts; part++)
        measure_part(j, part, s + part, &low);
    for (int g = 0; g < in->n_groups; g++) {
#pragma omp parallel for num_threads(j->n_parts) schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            mark_saturated_row(j, g, row);
        spread(j, in->saturated);
    }
    for (int g = j->reads ? in->n_groups - 2 : -1; g >= 0; g--) {
#pragma omp parallel for num_threads(j->n_parts) schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            mark_late_row(j, g, row);
        spread(j, in->do_not_use);
    }
#pragma omp parallel for num_threads(j->n_parts) schedule(static) reduction(+ : saturated)
    for (int row = 0; row < in->n_rows; row++) {
        if (j->reads && in->n_groups > 2)
            flag_second_row(j, row);
        saturated += count_saturated_row(j, row);
    }
    *n_saturated += saturated;
    *n_low += low;
}

static void clear_zeroframe(const job *j, scratch *s)
{
#pragma omp parallel for num_threads(j->n_parts) schedule(static)
    for (int part = 0; part < j->n_parts; part++)
        for (int row = begin_of(j, part); row < begin_of(j, part + 1); row++)
            clear_zeroframe_row(j, row, s + part);
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
    job j = {.in = &input, .reads = reads, .plane = (size_t) in->n_data_rows * in->n_cols,
             .groupdq = groupdq, .pixeldq = pixeldq, .n_parts = n_threads};
    int64_t n_saturated = 0, n_low = 0;
    scratch *s = calloc((size_t) n_threads, sizeof *s);
    int failed = s == NULL || !new_map(&j.spread, in->n_rows, in->n_cols) ||
                 (zeroframe && !new_map(&j.zero, in->n_rows, in->n_cols));
    for (int part = 0; !failed && part < n_threads; part++)
        failed = !new_scratch(&input, s + part);
    for (int i = 0; !failed && i < input.n_ints; i++) {
        const int may_be_flagged = !(reads && reads->second_only) && input.rows == NULL;
        j.integration = i;
        j.zeroframe = zeroframe ? zeroframe + i * j.plane : NULL;
        if (may_be_flagged && is_flagged(&j)) {
            if (!j.first.group && !new_map(&j.first, in->n_rows, in->n_cols))
                failed = 1;
            else
                flag_again(&j, s, &n_saturated, &n_low);
        } else {
            flag_integration(&j, s, &n_saturated, &n_low);
        }
        if (zeroframe && !failed)
            clear_zeroframe(&j, s);
    }
    for (int part = 0; s && part < n_threads; part++)
        free_scratch(s + part);
    free(s);
    free_map(&j.spread);
    free_map(&j.zero);
    free_map(&j.first);
    count->saturated = n_saturated;
    count->low = n_low;
    return failed ? JC_NO_MEMORY : JC_OK;
}

#include "labels.h"

#include <limits.h>

/* Pixels of a row that are above the threshold, without a gap. */
typedef struct {
    int32_t begin, end; /* columns, the end not included */
} run;

/* Rows of one thread. */
typedef struct {
    int row, end;
    run *runs;
    size_t n, room;
} band;

/* All runs, in the order of the array. */
typedef struct {
    run *runs;
    int32_t *first;  /* [row]: its first run, and the next row's */
    int32_t *parent; /* [run]: another one of its segment, not after it */
    int32_t *number; /* [run]: pixels of the segment that begins there, then its number */
} segments;

JC_CLONES static void compare(const jc_above *in, int row, uint8_t *restrict above)
{
    const size_t at = (size_t) row * in->n_cols;
    const float *restrict image = in->image + at, *restrict threshold = in->threshold + at;
    const float times = in->times;
    const int n = in->n_cols;
    for (int x = 0; x < n; x++)
        above[x] = image[x] > times * threshold[x];
    if (!in->masked) return;
    const uint8_t *restrict masked = in->masked + at;
    for (int x = 0; x < n; x++)
        above[x] = (uint8_t) (above[x] & (masked[x] == 0));
}

/* The next column that is above; most of an image is not. */
static int next_above(const uint8_t *above, int x, int n)
{
    for (uint64_t eight = 0; x + 8 <= n; x += 8) {
        memcpy(&eight, above + x, sizeof eight);
        if (eight) break;
    }
    while (x < n && !above[x])
        x++;
    return x;
}

static void find_runs(band *b, const uint8_t *above, int n)
{
    for (int x = next_above(above, 0, n); x < n; x = next_above(above, x, n)) {
        run *found = b->runs + b->n++;
        found->begin = x;
        while (x < n && above[x])
            x++;
        found->end = x;
    }
}

/* Have room for the runs of another row. */
static int enlarge(band *b, int n_cols)
{
    const size_t most = ((size_t) n_cols + 1) / 2;
    if (b->n + most <= b->room) return 1;
    size_t room = 2 * b->room + 4 * most;
    run *runs = realloc(b->runs, room * sizeof *runs);
    if (!runs) return 0;
    b->runs = runs;
    b->room = room;
    return 1;
}

/* The runs of a band; counts those of each row. */
static jc_status look_through(const jc_above *in, band *b, int32_t *count)
{
    uint8_t *above = malloc((size_t) in->n_cols);
    jc_status status = above ? JC_OK : JC_NO_MEMORY;
    for (int row = b->row; row < b->end && status == JC_OK; row++) {
        if (!enlarge(b, in->n_cols)) {
            status = JC_NO_MEMORY;
            break;
        }
        size_t before = b->n;
        compare(in, row, above);
        find_runs(b, above, in->n_cols);
        count[row] = (int32_t) (b->n - before);
    }
    free(above);
    return status;
}

static int32_t root_of(int32_t *parent, int32_t of)
{
    while (parent[of] != of) {
        parent[of] = parent[parent[of]];
        of = parent[of];
    }
    return of;
}

static void join(int32_t *parent, int32_t a, int32_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

/* Join the runs of a row to those of the row before that they touch. */
static void join_rows(const segments *s, int row, int reach)
{
    int32_t a = s->first[row - 1], b = s->first[row];
    const int32_t a_end = b, b_end = s->first[row + 1];
    while (a < a_end && b < b_end) {
        const run *above = s->runs + a, *below = s->runs + b;
        if (above->begin < below->end + reach && below->begin < above->end + reach)
            join(s->parent, a, b);
        if (above->end < below->end)
            a++;
        else
            b++;
    }
}

/* Number the segments that are large enough; what remains of the forest is flat. */
static int32_t number_them(const jc_above *in, segments *s)
{
    const int32_t n = s->first[in->n_rows];
    int32_t n_segments = 0;
    for (int32_t k = 0; k < n; k++) {
        s->parent[k] = s->parent[s->parent[k]];
        s->number[k] = 0;
        s->number[s->parent[k]] += s->runs[k].end - s->runs[k].begin;
    }
    for (int32_t k = 0; k < n; k++)
        if (s->parent[k] == k) s->number[k] = s->number[k] >= in->n_pixels ? ++n_segments : 0;
    return n_segments;
}

static void paint_row(const segments *s, int row, int n_cols, int32_t *segment)
{
    memset(segment, 0, (size_t) n_cols * sizeof *segment);
    for (int32_t k = s->first[row]; k < s->first[row + 1]; k++)
        for (int32_t x = s->runs[k].begin; x < s->runs[k].end; x++)
            segment[x] = s->number[s->parent[k]];
}

/* Put the runs of all bands one after the other, and join them. */
static void connect(const jc_above *in, const band *bands, int n_bands, segments *s)
{
    const int reach = in->connectivity == 8;
#pragma omp parallel for num_threads(n_bands) schedule(static)
    for (int k = 0; k < n_bands; k++) {
        const band *b = bands + k;
        const int32_t first = s->first[b->row];
        if (b->n) memcpy(s->runs + first, b->runs, b->n * sizeof *b->runs);
        for (int32_t i = first; i < s->first[b->end]; i++)
            s->parent[i] = i;
        for (int row = b->row + 1; row < b->end; row++)
            join_rows(s, row, reach);
    }
    for (int k = 1; k < n_bands; k++)
        join_rows(s, bands[k].row, reach);
}

static jc_status find_and_paint(const jc_above *in, band *bands, int n_bands, int32_t *segment,
                                int32_t *n_segments)
{
    segments s = {.first = malloc(((size_t) in->n_rows + 1) * sizeof *s.first)};
    int failed = s.first == NULL;
    if (!failed) {
#pragma omp parallel for num_threads(n_bands) schedule(static) reduction(| : failed)
        for (int k = 0; k < n_bands; k++)
            failed |= look_through(in, bands + k, s.first) != JC_OK;
    }
    if (!failed) {
        int32_t n = 0;
        for (int row = 0; row < in->n_rows; row++) {
            int32_t of_row = s.first[row];
            s.first[row] = n;
            n += of_row;
        }
        s.first[in->n_rows] = n;
        s.runs = malloc(((size_t) n + 1) * sizeof *s.runs);
        s.parent = malloc(((size_t) n + 1) * sizeof *s.parent);
        s.number = malloc(((size_t) n + 1) * sizeof *s.number);
        failed = !s.runs || !s.parent || !s.number;
    }
    if (!failed) {
        connect(in, bands, n_bands, &s);
        *n_segments = number_them(in, &s);
#pragma omp parallel for num_threads(n_bands) schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            paint_row(&s, row, in->n_cols, segment + (size_t) row * in->n_cols);
    }
    free(s.first);
    free(s.runs);
    free(s.parent);
    free(s.number);
    return failed ? JC_NO_MEMORY : JC_OK;
}

jc_status jc_label(const jc_above *in, int n_threads, int32_t *segment, int32_t *n_segments)
{
    if (in->n_rows < 1 || in->n_cols < 1 || in->n_pixels < 1 || n_threads < 1 ||
        (in->connectivity != 4 && in->connectivity != 8) || in->n_rows > INT_MAX / in->n_cols)
        return JC_BAD_ARGUMENT;
    const int n_bands = n_threads < in->n_rows ? n_threads : in->n_rows;
    band *bands = calloc((size_t) n_bands, sizeof *bands);
    if (!bands) return JC_NO_MEMORY;
    for (int k = 0; k < n_bands; k++) {
        bands[k].row = (int) ((int64_t) in->n_rows * k / n_bands);
        bands[k].end = (int) ((int64_t) in->n_rows * (k + 1) / n_bands);
    }
    jc_status status = find_and_paint(in, bands, n_bands, segment, n_segments);
    for (int k = 0; k < n_bands; k++)
        free(bands[k].runs);
    free(bands);
    return status;
}

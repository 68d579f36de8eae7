#include "segments.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* ---- boxes ---- */

/* A segment in its box, which has a border of one pixel. Places count through the box, from 0; those
 * of the border are of no pixel, so that 0 stands for none. */
typedef struct {
    int width;
    int n_steps, step[8]; /* to the neighbours of a place, those beside it first */
    int n_back, back[4];  /* to those that are before it */
    int32_t n;            /* pixels */
    int32_t *place;       /* [pixel], in the order of the array */
    float *value;         /* [place] */
    uint8_t *inside;      /* [place] */
    int32_t *seen;        /* [place]: of what was looked at last */
    int32_t look;
    int32_t *parent, *size; /* [place], of connected pixels */
    int32_t *marker;      /* [place]: the marker, then the part that a pixel belongs to; or 0 */
    int32_t *upper;       /* [place]: the group above a level, or 0 */
    int32_t *child;       /* [place]: of a marker, the group above a level in it; SEVERAL */
    int32_t *above;       /* [pixel]: places above a level */
    int32_t *kept;        /* [pixel]: places of markers */
    struct entry *queue;  /* [pixel] */
    double *sum;          /* [part - 1] */
    uint8_t *state;       /* [part - 1] */
    int unknown;          /* whether a value is NaN */
} box;

enum { SEVERAL = -1 };

/* Of a part: its sum is to be made, is made, or it is given to the others. */
enum { CHANGED, KNOWN, GONE };

typedef struct entry {
    float value;
    int32_t age, place;
} entry;

/* The box with the most places, and the most pixels: what fits these fits all. */
typedef struct {
    size_t places, pixels;
} extent;

static extent largest(const jc_segments *in, const jc_segment *found)
{
    extent most = {1, 1};
    for (int k = 0; k < in->n_labels; k++) {
        size_t places = ((size_t) found[k].n_rows + 2) * ((size_t) found[k].n_cols + 2);
        if (places > most.places) most.places = places;
        if ((size_t) found[k].n_pixels > most.pixels) most.pixels = (size_t) found[k].n_pixels;
    }
    return most;
}

static void free_box(box *b)
{
    void *all[] = {b->place, b->value, b->inside, b->seen, b->parent, b->size, b->marker,
                   b->upper, b->child, b->above, b->kept, b->queue, b->sum, b->state};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]);
}

static int make_box(box *b, extent most)
{
    *b = (box){.place = malloc(most.pixels * sizeof *b->place),
               .value = malloc(most.places * sizeof *b->value),
               .inside = malloc(most.places),
               .seen = malloc(most.places * sizeof *b->seen),
               .parent = malloc(most.places * sizeof *b->parent),
               .size = malloc(most.places * sizeof *b->size),
               .marker = malloc(most.places * sizeof *b->marker),
               .upper = malloc(most.places * sizeof *b->upper),
               .child = malloc(most.places * sizeof *b->child),
               .above = malloc(most.pixels * sizeof *b->above),
               .kept = malloc(most.pixels * sizeof *b->kept),
               .queue = malloc(most.pixels * sizeof *b->queue),
               .sum = malloc(most.pixels * sizeof *b->sum),
               .state = malloc(most.pixels)};
    return b->place && b->value && b->inside && b->seen && b->parent && b->size && b->marker &&
           b->upper && b->child && b->above && b->kept && b->queue && b->sum && b->state;
}

/* Tells whether the segment is what the survey found. */
static int fill_box(const jc_segments *in, const jc_segment *s, int label, box *b)
{
    const int width = s->n_cols + 2;
    const size_t places = (size_t) width * ((size_t) s->n_rows + 2);
    const int step[8] = {-width, -1, 1, width, -width - 1, -width + 1, width - 1, width + 1};
    b->width = width;
    b->n_steps = in->connectivity;
    b->n_back = 0;
    for (int k = 0; k < b->n_steps; k++) {
        b->step[k] = step[k];
        if (step[k] < 0) b->back[b->n_back++] = step[k];
    }
    memset(b->inside, 0, places);
    memset(b->seen, 0, places * sizeof *b->seen);
    b->look = 0;
    b->n = 0;
    for (int y = 0; y < s->n_rows; y++) {
        const size_t at = (size_t) (s->row + y) * in->n_cols + s->col;
        const int32_t first = (y + 1) * width + 1;
        for (int x = 0; x < s->n_cols; x++) {
            if (in->segment[at + x] != label) continue;
            if (b->n == s->n_pixels) return 0;
            b->value[first + x] = in->image[at + x];
            b->inside[first + x] = 1;
            b->place[b->n++] = first + x;
        }
    }
    return b->n == s->n_pixels;
}

static int32_t root_of(int32_t *parent, int32_t of)
{
    while (parent[of] != of) {
        parent[of] = parent[parent[of]];
        of = parent[of];
    }
    return of;
}

/* ---- survey ---- */

/* The sum of numpy, whose bytes decide whether a part is bright enough. */
static float pairwise(const float *value, size_t n)
{
    if (n < 8) {
        float sum = -0.0f;
        for (size_t k = 0; k < n; k++)
            sum += value[k];
        return sum;
    }
    if (n > 128) {
        size_t half = n / 2;
        half -= half % 8;
        return pairwise(value, half) + pairwise(value + half, n - half);
    }
    float s[8];
    memcpy(s, value, sizeof s);
    size_t k = 8;
    for (; k + 8 <= n; k += 8)
        for (int lane = 0; lane < 8; lane++)
            s[lane] += value[k + lane];
    float sum = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    for (; k < n; k++)
        sum += value[k];
    return sum;
}

static void measure(const box *b, float *scratch, jc_segment *s)
{
    s->low = s->high = NAN;
    for (int32_t k = 0; k < b->n; k++) {
        const float value = b->value[b->place[k]];
        if (!(value >= s->low)) s->low = isnan(value) ? s->low : value;
        if (!(value <= s->high)) s->high = isnan(value) ? s->high : value;
        scratch[k] = isnan(value) ? 0 : value;
    }
    s->sum = pairwise(scratch, (size_t) b->n);
}

/* Whether more than one pixel has no brighter neighbour, as has any segment with two maxima. */
static int has_peaks(const box *b)
{
    int peaks = 0;
    for (int32_t k = 0; k < b->n && peaks < 2; k++) {
        const int32_t at = b->place[k];
        const float value = b->value[at];
        int brighter = 0;
        for (int s = 0; s < b->n_steps; s++)
            brighter |= b->inside[at + b->step[s]] && b->value[at + b->step[s]] > value;
        peaks += !brighter;
    }
    return peaks > 1;
}

/* Bright ones first, then in the order of the array. */
static int by_value(const void *one, const void *other)
{
    const entry *a = one, *b = other;
    if (a->value != b->value && !isnan(a->value) && !isnan(b->value))
        return a->value > b->value ? -1 : 1;
    if (isnan(a->value) != isnan(b->value)) return isnan(a->value) ? 1 : -1;
    return (a->place > b->place) - (a->place < b->place);
}

/* Join two groups; tells whether both are large. */
static int join_large(box *b, int32_t n_pixels, int32_t one, int32_t other)
{
    one = root_of(b->parent, one);
    other = root_of(b->parent, other);
    if (one == other) return 0;
    int both = b->size[one] >= n_pixels && b->size[other] >= n_pixels;
    if (b->size[one] < b->size[other]) {
        int32_t smaller = one;
        one = other;
        other = smaller;
    }
    b->parent[other] = one;
    b->size[one] += b->size[other];
    return both;
}

static int may_divide(box *b, int32_t n_pixels)
{
    for (int32_t k = 0; k < b->n; k++)
        b->queue[k] = (entry){.value = b->value[b->place[k]], .place = b->place[k]};
    qsort(b->queue, (size_t) b->n, sizeof *b->queue, by_value);
    for (int32_t k = 0; k < b->n; k++) {
        const int32_t at = b->queue[k].place;
        b->parent[at] = at;
        b->size[at] = 0; /* until the groups that it joins have been compared */
        for (int s = 0; s < b->n_steps; s++)
            if (b->seen[at + b->step[s]] && join_large(b, n_pixels, at, at + b->step[s])) return 1;
        b->size[root_of(b->parent, at)]++;
        b->seen[at] = 1;
    }
    return 0;
}

/* The boxes of the segments in some rows; tells whether a label is out of range. */
static int find_boxes(const jc_segments *in, int row, int end, jc_segment *found)
{
    for (; row < end; row++) {
        const int32_t *segment = in->segment + (size_t) row * in->n_cols;
        for (int x = 0; x < in->n_cols;) {
            int32_t any = 0;
            for (int k = 0; x + 16 <= in->n_cols && k < 16; k++)
                any |= segment[x + k];
            if (!any && x + 16 <= in->n_cols) {
                x += 16;
                continue;
            }
            const int32_t label = segment[x];
            const int first = x;
            while (x < in->n_cols && segment[x] == label)
                x++;
            if (!label) continue;
            if (label < 0 || label > in->n_labels) return 1;
            jc_segment *s = found + label - 1;
            if (!s->n_pixels) *s = (jc_segment){.row = row, .col = first};
            if (first < s->col) {
                s->n_cols += s->col - first;
                s->col = first;
            }
            if (x - s->col > s->n_cols) s->n_cols = x - s->col;
            s->n_rows = row + 1 - s->row;
            s->n_pixels += x - first;
        }
    }
    return 0;
}

/* Put together what is known of a segment from earlier and from later rows. */
static void unite(jc_segment *s, const jc_segment *later)
{
    if (!later->n_pixels) return;
    if (!s->n_pixels) {
        *s = *later;
        return;
    }
    const int32_t col = s->col < later->col ? s->col : later->col;
    const int32_t one = s->col + s->n_cols, other = later->col + later->n_cols;
    s->n_rows = later->row + later->n_rows - s->row;
    s->n_cols = (one > other ? one : other) - col;
    s->col = col;
    s->n_pixels += later->n_pixels;
}

static jc_status find_all_boxes(const jc_segments *in, int n_threads, jc_segment *found)
{
    const int n_bands = n_threads < in->n_rows ? n_threads : in->n_rows;
    const size_t n = (size_t) in->n_labels;
    int wrong = 0;
    memset(found, 0, n * sizeof *found);
    jc_segment *others = calloc((size_t) n_bands * n + 1, sizeof *others);
    if (!others) return JC_NO_MEMORY;
#pragma omp parallel for num_threads(n_bands) schedule(static) reduction(| : wrong)
    for (int k = 0; k < n_bands; k++)
        wrong |= find_boxes(in, (int) ((int64_t) in->n_rows * k / n_bands),
                            (int) ((int64_t) in->n_rows * (k + 1) / n_bands),
                            k ? others + (size_t) k * n : found);
    for (int k = 1; k < n_bands; k++)
        for (size_t label = 0; label < n; label++)
            unite(found + label, others + (size_t) k * n + label);
    free(others);
    return wrong ? JC_BAD_ARGUMENT : JC_OK;
}

static int out_of_range(const jc_segments *in, int n_threads)
{
    return in->n_rows < 1 || in->n_cols < 1 || in->n_labels < 0 || in->n_pixels < 1 || n_threads < 1 ||
           (in->connectivity != 4 && in->connectivity != 8) || in->n_labels == INT_MAX ||
           in->n_rows > INT_MAX - 2 || in->n_cols > INT_MAX - 2 ||
           in->n_rows + 2 > INT_MAX / (in->n_cols + 2);
}

jc_status jc_survey(const jc_segments *in, int n_threads, jc_segment *found)
{
    if (out_of_range(in, n_threads)) return JC_BAD_ARGUMENT;
    jc_status status = find_all_boxes(in, n_threads, found);
    if (status != JC_OK) return status;
    const extent most = largest(in, found);
    int failed = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        box b;
        float *values = malloc(most.pixels * sizeof *values);
        const int ready = make_box(&b, most) && values;
        failed |= !ready;
#pragma omp for schedule(dynamic, 16)
        for (int k = 0; k < in->n_labels; k++) {
            jc_segment *s = found + k;
            if (!ready || !fill_box(in, s, k + 1, &b) || !b.n) continue;
            measure(&b, values, s);
            s->divisible = s->n_pixels / 2 >= in->n_pixels && s->low < s->high && has_peaks(&b) &&
                           may_divide(&b, in->n_pixels);
        }
        free(values);
        free_box(&b);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

/* ---- markers ---- */

/* Name the groups of places, which are in the order of the array, after their first place; those of
 * fewer than some pixels are 0. Returns how many there are. */
static int32_t connect(box *b, const int32_t *place, int32_t n, int32_t n_pixels, int32_t *name)
{
    const int32_t look = ++b->look;
    int32_t count = 0;
    for (int32_t k = 0; k < n; k++) {
        const int32_t at = place[k];
        b->seen[at] = look;
        b->parent[at] = at;
        b->size[at] = 0;
        for (int s = 0; s < b->n_back; s++) {
            if (b->seen[at + b->back[s]] != look) continue;
            int32_t one = root_of(b->parent, at), other = root_of(b->parent, at + b->back[s]);
            if (one < other)
                b->parent[other] = one;
            else
                b->parent[one] = other;
        }
    }
    for (int32_t k = 0; k < n; k++) {
        b->parent[place[k]] = b->parent[b->parent[place[k]]];
        b->size[b->parent[place[k]]]++;
    }
    for (int32_t k = 0; k < n; k++) {
        const int32_t root = b->parent[place[k]];
        name[place[k]] = b->size[root] >= n_pixels ? root : 0;
        count += root == place[k] && b->size[root] >= n_pixels;
    }
    return count;
}

/* Let groups above a level take the place of the markers that hold several; n of them are there,
 * and as many are returned. */
static int32_t replace_markers(box *b, int32_t n_above, int32_t n)
{
    int any = 0;
    for (int32_t k = 0; k < b->n; k++)
        b->child[b->place[k]] = 0;
    for (int32_t k = 0; k < n_above; k++) {
        const int32_t upper = b->upper[b->above[k]];
        int32_t *child = b->child + b->marker[b->above[k]];
        if (!upper || !b->marker[b->above[k]] || *child == upper) continue;
        any |= *child != 0;
        *child = *child ? SEVERAL : upper;
    }
    if (!any) return n;
    int32_t n_kept = 0;
    for (int32_t k = 0; k < b->n; k++) {
        const int32_t at = b->place[k], marker = b->marker[at];
        const int above = b->seen[at] == b->look && b->upper[at];
        if (marker && (b->child[marker] != SEVERAL || above))
            b->kept[n_kept++] = at;
        else
            b->marker[at] = 0;
    }
    return connect(b, b->kept, n_kept, 1, b->marker);
}

/* Of n places, those above a level. */
static int32_t keep_above(box *b, int32_t n, double level)
{
    int32_t n_above = 0;
    for (int32_t k = 0; k < n; k++) {
        const int32_t at = b->above[k];
        b->above[n_above] = at;
        n_above += (double) b->value[at] > level;
    }
    return n_above;
}

/* Number the markers from 1, in the order of their first pixels. */
static void number_markers(box *b)
{
    int32_t n = 0;
    for (int32_t k = 0; k < b->n; k++)
        if (b->marker[b->place[k]] == b->place[k]) b->child[b->place[k]] = ++n;
    for (int32_t k = 0; k < b->n; k++) {
        int32_t *marker = b->marker + b->place[k];
        if (*marker) *marker = b->child[*marker];
    }
}

/* Returns how many there are: none if the segment is one source at every level. */
static int32_t find_markers(box *b, const double *level, int n_levels, int32_t n_pixels)
{
    int32_t n_markers = 0, n = 0;
    double last = NAN;
    for (int i = 0; i < n_levels; last = level[i++]) {
        if (!(level[i] >= last)) {
            memcpy(b->above, b->place, (size_t) b->n * sizeof *b->above);
            n = b->n;
        }
        n = keep_above(b, n, level[i]);
        if (n / 2 < n_pixels) continue;
        const int32_t count = connect(b, b->above, n, n_pixels, b->upper);
        if (count < 2) continue;
        if (n_markers) {
            n_markers = replace_markers(b, n, n_markers);
            continue;
        }
        for (int32_t k = 0; k < b->n; k++)
            b->marker[b->place[k]] = 0;
        for (int32_t k = 0; k < n; k++)
            b->marker[b->above[k]] = b->upper[b->above[k]];
        n_markers = count;
    }
    if (n_markers) number_markers(b);
    return n_markers;
}

/* ---- flood ---- */

/* What leaves the queue first: the brighter, of equal ones the older. In what order equal ones leave
 * that are equally old, as markers are, follows from how the heap is kept. */
JC_INLINE int precedes(const entry *a, const entry *b)
{
    return a->value != b->value ? a->value > b->value : a->age < b->age;
}

static void push(entry *heap, int32_t *n, entry new)
{
    int32_t at = (*n)++;
    while (at > 0 && precedes(&new, heap + (at - 1) / 2)) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = new;
}

static entry pop(entry *heap, int32_t *n)
{
    const entry first = heap[0], last = heap[--*n];
    for (int32_t at = 0;;) {
        int32_t next = at;
        const entry *least = &last;
        for (int32_t child = 2 * at + 1; child <= 2 * at + 2 && child < *n; child++)
            if (precedes(heap + child, least)) least = heap + (next = child);
        if (next == at) {
            heap[at] = last;
            return first;
        }
        heap[at] = heap[next];
        at = next;
    }
}

/* Flood from the n pixels in the queue, of which none is higher than what it is reached from. Returns
 * how many pixels it reached. */
static int32_t spread(box *b, int32_t n)
{
    int32_t age = 0, reached = 0;
    while (n) {
        const entry from = pop(b->queue, &n);
        for (int s = 0; s < b->n_steps; s++) {
            const int32_t at = from.place + b->step[s];
            if (!b->inside[at] || b->marker[at]) continue;
            b->marker[at] = b->marker[from.place];
            const float value = b->value[at] > from.value ? from.value : b->value[at];
            push(b->queue, &n, (entry){value, ++age, at});
            reached++;
        }
    }
    return reached;
}

/* Flood from all pixels that have a marker; tells whether all others were reached. */
static int flood(box *b)
{
    int32_t n = 0;
    for (int32_t k = 0; k < b->n; k++)
        if (b->marker[b->place[k]]) push(b->queue, &n, (entry){b->value[b->place[k]], 0, b->place[k]});
    const int32_t marked = n;
    return marked + spread(b, n) == b->n;
}

/* Give a part to the others, by a flood from all of them. Only from pixels beside it does anything
 * flow, and in one order if all differ: then these are enough, as they are sorted. */
static int give_away(box *b, int32_t part)
{
    const int32_t look = ++b->look;
    int32_t n = 0, n_beside = 0;
    for (int32_t k = 0; k < b->n; k++) {
        if (b->marker[b->place[k]] != part) continue;
        b->marker[b->place[k]] = 0;
        b->above[n++] = b->place[k];
    }
    for (int32_t k = 0; k < n; k++)
        for (int s = 0; s < b->n_steps; s++) {
            const int32_t at = b->above[k] + b->step[s];
            if (!b->inside[at] || !b->marker[at] || b->seen[at] == look) continue;
            b->seen[at] = look;
            b->queue[n_beside++] = (entry){b->value[at], 0, at};
        }
    qsort(b->queue, (size_t) n_beside, sizeof *b->queue, by_value);
    int equal = b->unknown;
    for (int32_t k = 1; k < n_beside; k++)
        equal |= b->queue[k].value == b->queue[k - 1].value;
    if (equal ? !flood(b) : spread(b, n_beside) != n) return 0;
    for (int32_t k = 0; k < n; k++)
        b->state[b->marker[b->above[k]] - 1] = CHANGED;
    return 1;
}

/* The faintest of the parts if one is too faint, or 0. */
static int32_t too_faint(box *b, int32_t n_markers, double total, double contrast)
{
    int32_t faintest = 0, any = 0;
    double least = 0;
    for (int32_t k = 0; k < n_markers; k++)
        if (b->state[k] == CHANGED) b->sum[k] = 0;
    for (int32_t k = 0; k < b->n; k++) {
        const int32_t part = b->marker[b->place[k]] - 1;
        if (b->state[part] == CHANGED) b->sum[part] += b->value[b->place[k]];
    }
    for (int32_t k = 0; k < n_markers; k++) {
        if (b->state[k] == GONE) continue;
        b->state[k] = KNOWN;
        const double share = b->sum[k] / total;
        any |= share < contrast;
        if (faintest && (isnan(least) || !(share < least || isnan(share)))) continue;
        faintest = k + 1;
        least = share;
    }
    return any ? faintest : 0;
}

/* The parts of a segment: their number, 1 if it is not divided, 0 if it is not connected. */
static int32_t divide(const jc_division *in, int which, box *b)
{
    const jc_segment *s = in->found + in->which[which] - 1;
    const size_t row = (size_t) which * in->n_levels;
    int32_t n_markers = find_markers(b, in->levels + row, in->n_levels, in->in.n_pixels);
    if (n_markers > JC_MANY_MARKERS)
        n_markers = find_markers(b, in->second + row, in->n_levels, in->in.n_pixels);
    if (n_markers < 2) return 1;
    b->unknown = 0;
    for (int32_t k = 0; k < b->n; k++)
        b->unknown |= isnan(b->value[b->place[k]]);
    memset(b->state, CHANGED, (size_t) n_markers);
    if (!flood(b)) return 0;
    for (int32_t left = n_markers; left > 1; left--) {
        const int32_t faint = too_faint(b, n_markers, s->sum, in->contrast);
        if (!faint) break;
        b->state[faint - 1] = GONE;
        if (!give_away(b, faint)) return 0;
    }
    int32_t n_parts = 0;
    for (int32_t part = 1; part <= n_markers; part++)
        b->child[part] = b->state[part - 1] == GONE ? 0 : ++n_parts;
    return n_parts;
}

/* ---- all segments ---- */

/* Write the parts of a segment, numbered from 1. */
static void write_parts(const jc_division *in, int which, const box *b, int32_t *segment)
{
    const jc_segment *s = in->found + in->which[which] - 1;
    for (int32_t k = 0; k < b->n; k++) {
        const int32_t row = s->row + b->place[k] / b->width - 1, col = s->col + b->place[k] % b->width - 1;
        segment[(size_t) row * in->in.n_cols + col] = b->child[b->marker[b->place[k]]];
    }
}

/* Tells whether a label is out of range. */
static int number_row(const jc_segments *in, const int32_t *parts, const int32_t *number, int row,
                      int32_t *segment)
{
    const int32_t *label = in->segment + (size_t) row * in->n_cols;
    segment += (size_t) row * in->n_cols;
    for (int x = 0; x < in->n_cols; x++) {
        if (label[x] < 0 || label[x] > in->n_labels) return 1;
        if (!label[x]) segment[x] = 0;
        else if (parts[label[x]] > 1) segment[x] += number[label[x]];
        else segment[x] = number[label[x]];
    }
    return 0;
}

/* Those that are whole come first. The number of one that is divided is what its parts' are raised
 * by. */
static void number_all(const jc_division *in, const int32_t *parts, int32_t *number)
{
    int32_t n = 0;
    for (int label = 1; label <= in->in.n_labels; label++)
        if (parts[label] < 2 && in->found[label - 1].n_pixels) number[label] = ++n;
    for (int label = 1; label <= in->in.n_labels; label++)
        if (parts[label] > 1) {
            number[label] = n;
            n += parts[label];
        }
}

static int cannot_be_divided(const jc_division *in)
{
    for (int k = 0; k < in->n_which; k++) {
        if (in->which[k] < 1 || in->which[k] > in->in.n_labels || (k && in->which[k] <= in->which[k - 1]))
            return 1;
        const jc_segment *s = in->found + in->which[k] - 1;
        if (s->row < 0 || s->col < 0 || s->n_rows < 1 || s->n_cols < 1 || s->n_pixels < 1 ||
            s->n_rows > in->in.n_rows - s->row || s->n_cols > in->in.n_cols - s->col)
            return 1;
    }
    return 0;
}

jc_status jc_take_apart(const jc_division *in, int n_threads, int32_t *segment)
{
    if (out_of_range(&in->in, n_threads) || in->n_levels < 1 || in->n_which < 0 ||
        !(in->contrast >= 0 && in->contrast <= 1) || cannot_be_divided(in))
        return JC_BAD_ARGUMENT;
    int32_t *parts = calloc((size_t) in->in.n_labels + 1, sizeof *parts);
    int32_t *number = calloc((size_t) in->in.n_labels + 1, sizeof *number);
    const extent most = largest(&in->in, in->found);
    int failed = !parts || !number, refused = 0;
#pragma omp parallel num_threads(n_threads) reduction(| : failed, refused)
    {
        box b;
        const int ready = make_box(&b, most) && parts && number;
        failed |= !ready;
#pragma omp for schedule(dynamic)
        for (int k = 0; k < in->n_which; k++) {
            if (!ready) continue;
            const int32_t label = in->which[k];
            const int there = fill_box(&in->in, in->found + label - 1, label, &b);
            parts[label] = there ? divide(in, k, &b) : 0;
            refused |= parts[label] == 0;
            if (parts[label] > 1) write_parts(in, k, &b, segment);
        }
        free_box(&b);
    }
    if (!failed && !refused) {
        number_all(in, parts, number);
#pragma omp parallel for num_threads(n_threads) schedule(static) reduction(| : refused)
        for (int row = 0; row < in->in.n_rows; row++)
            refused |= number_row(&in->in, parts, number, row, segment);
    }
    free(parts);
    free(number);
    return failed ? JC_NO_MEMORY : refused ? JC_BAD_ARGUMENT : JC_OK;
}

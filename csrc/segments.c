#include "segments.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

typedef struct {
    float value;
    int32_t at; /* in the image */
} pixel;

typedef struct {
    pixel *pixel;    /* of all segments, one after the other */
    int32_t *first;  /* [label]: where those of a segment begin, and the next one's */
    int32_t *rank;   /* [row][col]: when a pixel is added, from 1; 0 before */
    int32_t *parent; /* by rank, as pixels are */
    int32_t *size;
} forest;

/* Bright ones first, then in the order of the array. */
static int by_value(const void *one, const void *other)
{
    const pixel *a = one, *b = other;
    if (a->value != b->value && !isnan(a->value) && !isnan(b->value))
        return a->value > b->value ? -1 : 1;
    if (isnan(a->value) != isnan(b->value)) return isnan(a->value) ? 1 : -1;
    return (a->at > b->at) - (a->at < b->at);
}

static int32_t root_of(int32_t *parent, int32_t of)
{
    while (parent[of] != of) {
        parent[of] = parent[parent[of]];
        of = parent[of];
    }
    return of;
}

/* Join two parts; tells whether both are large. */
static int join(const jc_segments *in, int32_t *parent, int32_t *size, int32_t a, int32_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a == b) return 0;
    int both = size[a] >= in->n_pixels && size[b] >= in->n_pixels;
    if (size[a] < size[b]) {
        int32_t other = a;
        a = b;
        b = other;
    }
    parent[b] = a;
    size[a] += size[b];
    return both;
}

/* Neighbours, in the order of the array. */
static const int step[8][2] = {{-1, -1}, {-1, 0}, {-1, 1}, {0, -1}, {0, 1}, {1, -1}, {1, 0}, {1, 1}};

static int may_divide(const jc_segments *in, const forest *f, int label)
{
    int32_t first = f->first[label], n = f->first[label + 1] - first;
    int32_t *parent = f->parent + first, *size = f->size + first;
    pixel *p = f->pixel + first;
    qsort(p, (size_t) n, sizeof *p, by_value);
    for (int32_t k = 0; k < n; k++) {
        int row = p[k].at / in->n_cols, col = p[k].at % in->n_cols;
        parent[k] = k;
        size[k] = 0; /* until the parts that it joins have been compared */
        for (int s = 0; s < 8; s++) {
            int y = row + step[s][0], x = col + step[s][1];
            if (in->connectivity == 4 && step[s][0] && step[s][1]) continue;
            if (y < 0 || y >= in->n_rows || x < 0 || x >= in->n_cols) continue;
            int32_t next = y * in->n_cols + x;
            if (in->segment[next] != label + 1 || !f->rank[next]) continue;
            if (join(in, parent, size, k, f->rank[next] - 1)) return 1;
        }
        size[root_of(parent, k)]++;
        f->rank[p[k].at] = k + 1;
    }
    return 0;
}

/* Count the pixels of each segment; where each begins. */
static jc_status count_pixels(const jc_segments *in, int32_t *first)
{
    int32_t n = in->n_rows * in->n_cols;
    for (int32_t i = 0; i < n; i++) {
        if (in->segment[i] < 0 || in->segment[i] > in->n_labels) return JC_BAD_ARGUMENT;
        first[in->segment[i]]++;
    }
    first[0] = 0; /* those of none */
    for (int label = 0; label < in->n_labels; label++)
        first[label + 1] += first[label];
    return JC_OK;
}

/* Put the pixels of each segment together. */
static void gather(const jc_segments *in, const forest *f, int32_t *next)
{
    int32_t n = in->n_rows * in->n_cols;
    for (int label = 0; label < in->n_labels; label++)
        next[label] = f->first[label];
    for (int32_t i = 0; i < n; i++) {
        if (!in->segment[i]) continue;
        pixel *p = f->pixel + next[in->segment[i] - 1]++;
        p->value = in->image[i];
        p->at = i;
    }
}

jc_status jc_divisible(const jc_segments *in, int n_threads, uint8_t *divisible)
{
    if (in->n_rows < 1 || in->n_cols < 1 || in->n_labels < 0 || in->n_pixels < 1 || n_threads < 1 ||
        (in->connectivity != 4 && in->connectivity != 8) || in->n_rows > INT_MAX / in->n_cols ||
        in->n_labels == INT_MAX)
        return JC_BAD_ARGUMENT;
    forest f = {.first = calloc((size_t) in->n_labels + 1, sizeof *f.first)};
    int32_t *next = calloc((size_t) in->n_labels + 1, sizeof *next);
    jc_status status = f.first && next ? count_pixels(in, f.first) : JC_NO_MEMORY;
    if (status == JC_OK) {
        size_t n = (size_t) f.first[in->n_labels] + 1;
        f.pixel = malloc(n * sizeof *f.pixel);
        f.parent = malloc(n * sizeof *f.parent);
        f.size = malloc(n * sizeof *f.size);
        f.rank = calloc((size_t) in->n_rows * in->n_cols, sizeof *f.rank);
        status = f.pixel && f.parent && f.size && f.rank ? JC_OK : JC_NO_MEMORY;
    }
    if (status == JC_OK) {
        gather(in, &f, next);
#pragma omp parallel for num_threads(n_threads) schedule(static)
        for (int label = 0; label < in->n_labels; label++)
            divisible[label] = (uint8_t) may_divide(in, &f, label);
    }
    free(f.first);
    free(next);
    free(f.pixel);
    free(f.parent);
    free(f.size);
    free(f.rank);
    return status;
}

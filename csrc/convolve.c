#include "convolve.h"

#include <math.h>
#include <stdlib.h>

/* A row of the image with `half` pixels to either side, and which of them are known, where that is
 * asked for; whether all are. Rows beyond the edges are 0. */
static int fetch_row(const jc_convolution *c, int row, int half, double *values, double *known)
{
    int whole = 1;
    for (int x = 0; x < c->n_cols + 2 * half; x++) {
        values[x] = 0;
        if (known) known[x] = 1;
    }
    if (row < 0 || row >= c->n_rows) return whole;
    const float *image = c->image + (size_t) row * c->n_cols;
    for (int x = 0; x < c->n_cols; x++)
        values[half + x] = image[x];
    if (!c->missing) return whole;
    const uint8_t *missing = c->missing + (size_t) row * c->n_cols;
    for (int x = 0; x < c->n_cols; x++) {
        if (missing[x] || image[x] != image[x]) {
            values[half + x] = 0;
            known[half + x] = 0;
            whole = 0;
        }
    }
    return whole;
}

/* Columns that are summed up at a time: their sums stay in registers. */
#define LANES 32

/* The sums of LANES columns; `line` are the rows that the rows of the kernel lie on. */
JC_CLONES
static void add_up(const jc_convolution *c, const double *const *line, int at,
                   double *restrict total)
{
    double sum[LANES] = {0};
    for (int k = 0; k < c->height; k++) {
        for (int j = 0; j < c->width; j++) {
            const double factor = c->kernel[k * c->width + j], *values = line[k] + at + j;
            if (factor == 0 && !c->missing) continue;
            for (int x = 0; x < LANES; x++)
                sum[x] += factor * values[x];
        }
    }
    for (int x = 0; x < LANES; x++)
        total[x] = sum[x];
}

JC_CLONES
static void divide(int n, const double *restrict top, const double *restrict bottom,
                   float *restrict out)
{
    for (int x = 0; x < n; x++)
        out[x] = (float) (bottom[x] == 0 ? (double) NAN : top[x] / bottom[x]);
}

JC_CLONES
static void round_off(int n, const double *restrict top, float *restrict out)
{
    for (int x = 0; x < n; x++)
        out[x] = (float) top[x];
}

/* What a thread works with: as many rows of the image as the kernel has, in a ring, which of their
 * pixels are known and whether all are; the rows in the order of the kernel; sums. Rows are longer
 * than the image by the kernel and by what LANES reach beyond it. */
typedef struct {
    size_t length;
    double *values, *known, *top, *bottom;
    const double **line;
    int *whole;
} scratch;

static int get_room(const jc_convolution *c, scratch *s)
{
    s->length = (size_t) c->n_cols + c->width + LANES;
    s->values = jc_room(s->length * c->height, sizeof *s->values);
    s->known = c->missing ? jc_room(s->length * c->height, sizeof *s->known) : NULL;
    s->top = jc_room(2 * s->length, sizeof *s->top);
    s->bottom = s->top + s->length;
    s->line = malloc(2 * (size_t) c->height * sizeof *s->line);
    s->whole = malloc((size_t) c->height * sizeof *s->whole);
    return s->values && (s->known || !c->missing) && s->top && s->line && s->whole;
}

static void free_room(scratch *s)
{
    free(s->values);
    free(s->known);
    free(s->top);
    free(s->line);
    free(s->whole);
}

static void convolve_row(const jc_convolution *c, int row, double all, const scratch *s, float *out)
{
    const double **line = s->line, **known = s->line + c->height;
    int up = c->height / 2, all_known = 1;
    for (int k = 0; k < c->height; k++) {
        int slot = (row - up + k + c->height) % c->height;
        line[k] = s->values + slot * s->length;
        if (c->missing) known[k] = s->known + slot * s->length;
        all_known &= s->whole[slot];
    }
    for (int x = 0; x < c->n_cols; x += LANES) {
        add_up(c, line, x, s->top + x);
        if (!all_known) add_up(c, known, x, s->bottom + x);
    }
    if (!c->missing) {
        round_off(c->n_cols, s->top, out);
        return;
    }
    if (all_known)
        for (int x = 0; x < c->n_cols; x++)
            s->bottom[x] = all;
    divide(c->n_cols, s->top, s->bottom, out);
}

/* Rows first to last. */
static void convolve_rows(const jc_convolution *c, int first, int last, scratch *s, float *out)
{
    int up = c->height / 2, half = c->width / 2;
    double all = 0;
    for (int k = 0; k < c->height * c->width; k++)
        all += c->kernel[k];
    for (int row = first - up; row < last + up; row++) {
        int slot = (row + c->height) % c->height;
        s->whole[slot] = fetch_row(c, row, half, s->values + slot * s->length,
                                   c->missing ? s->known + slot * s->length : NULL);
        if (row - up >= first)
            convolve_row(c, row - up, all, s, out + (size_t) (row - up) * c->n_cols);
    }
}

jc_status jc_convolve(const jc_convolution *c, int n_threads, float *out)
{
    if (c->n_rows < 1 || c->n_cols < 1 || c->height < 1 || c->width < 1 || c->height % 2 == 0 ||
        c->width % 2 == 0 || n_threads < 1)
        return JC_BAD_ARGUMENT;
    int failed = 0, band = 64, n_bands = (c->n_rows + band - 1) / band;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        scratch s;
        int ready = get_room(c, &s);
        failed |= !ready;
#pragma omp for schedule(static)
        for (int b = 0; b < n_bands; b++) {
            int first = b * band, last = first + band < c->n_rows ? first + band : c->n_rows;
            if (ready) convolve_rows(c, first, last, &s, out);
        }
        free_room(&s);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

/* Peaks. */

static int is_highest(const jc_peak_search *in, int row, int col)
{
    int r = in->radius, at_edge = row < r || col < r || row + r >= in->n_rows || col + r >= in->n_cols;
    float value = in->image[(size_t) row * in->n_cols + col];
    for (int y = -r; y <= r; y++) {
        for (int x = -r; x <= r; x++) {
            if (x * x + y * y > r * r) continue;
            int outside = at_edge && (row + y < 0 || row + y >= in->n_rows || col + x < 0 ||
                                      col + x >= in->n_cols);
            float other = outside ? 0 : in->image[(size_t) (row + y) * in->n_cols + col + x];
            if (other > value) return 0;
        }
    }
    return 1;
}

JC_CLONES
static void mark_bright(int n, const float *restrict image, const uint8_t *restrict unusable,
                        double threshold, uint8_t *restrict is_bright)
{
    for (int x = 0; x < n; x++)
        is_bright[x] = image[x] > threshold && !unusable[x];
}

jc_status jc_peaks(const jc_peak_search *in, int n_threads, uint8_t *is_peak)
{
    if (in->n_rows < 1 || in->n_cols < 1 || in->radius < 0 || in->radius > JC_MAX_RADIUS ||
        n_threads < 1)
        return JC_BAD_ARGUMENT;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int row = 0; row < in->n_rows; row++) {
        size_t at = (size_t) row * in->n_cols;
        mark_bright(in->n_cols, in->image + at, in->unusable + at, in->threshold, is_peak + at);
        for (int col = 0; col < in->n_cols; col++)
            if (is_peak[at + col]) is_peak[at + col] = (uint8_t) is_highest(in, row, col);
    }
    return JC_OK;
}

#include "irs2_filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = JC_IRS2_SLOTS, LANES = JC_IRS2_LANES, PRIME = 89, HALF = 44, STEP = 4 };

/* One number for each of 16 frequencies. */
typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef struct {
    lanes re, im;
} point;

typedef struct {
    /* cos and sin of 2 pi j k / 89 for k = STEP * block + i + 1 and j + 1 */
    float cosine[HALF / STEP][HALF][STEP], sine[HALF / STEP][HALF][STEP];
    int32_t slot[8][PRIME];  /* of point (a, b) */
    int32_t place[8][PRIME]; /* the same before and after the stage along a */
} dft;

static void make_dft(dft *t)
{
    double angle = 2 * 3.14159265358979323846 / PRIME;
    for (int k = 0; k < HALF; k++)
        for (int j = 0; j < HALF; j++) {
            double turn = angle * ((j + 1) * (k + 1) % PRIME);
            t->cosine[k / STEP][j][k % STEP] = (float) cos(turn);
            t->sine[k / STEP][j][k % STEP] = (float) sin(turn);
        }
    for (int a = 0; a < 8; a++)
        for (int b = 0; b < PRIME; b++) {
            t->slot[a][b] = (PRIME * a + 8 * b) % SLOTS;
            t->place[a][b] = PRIME * a + b;
        }
}

/* 89 points, from the places `from` of x to the places `to` of y. */
JC_INLINE void dft_of_89(const dft *t, const point *x, const int32_t *from, const int32_t *to,
                         int inverse, point *y)
{
    point sum[HALF], difference[HALF], first = x[from[0]], total = first;
    for (int j = 0; j < HALF; j++) {
        const point *one = &x[from[j + 1]], *other = &x[from[PRIME - 1 - j]];
        sum[j].re = one->re + other->re;
        sum[j].im = one->im + other->im;
        difference[j].re = one->re - other->re;
        difference[j].im = one->im - other->im;
        total.re += sum[j].re;
        total.im += sum[j].im;
    }
    y[to[0]] = total;
    for (int block = 0; block < HALF / STEP; block++) {
        point even[STEP], odd[STEP];
        for (int i = 0; i < STEP; i++) {
            even[i] = first;
            odd[i].re = odd[i].im = (lanes) {0};
        }
        for (int j = 0; j < HALF; j++)
            for (int i = 0; i < STEP; i++) {
                float c = t->cosine[block][j][i], s = t->sine[block][j][i];
                even[i].re += c * sum[j].re;
                even[i].im += c * sum[j].im;
                odd[i].re += s * difference[j].re;
                odd[i].im += s * difference[j].im;
            }
        for (int i = 0; i < STEP; i++) {
            int k = STEP * block + i + 1;
            point *up = &y[to[inverse ? PRIME - k : k]], *down = &y[to[inverse ? k : PRIME - k]];
            up->re = even[i].re + odd[i].im;
            up->im = even[i].im - odd[i].re;
            down->re = even[i].re - odd[i].im;
            down->im = even[i].im + odd[i].re;
        }
    }
}

JC_INLINE void add(const point *a, const point *b, point *sum, point *difference)
{
    sum->re = a->re + b->re;
    sum->im = a->im + b->im;
    difference->re = a->re - b->re;
    difference->im = a->im - b->im;
}

/* A quarter turn: times -i, or i. */
JC_INLINE void quarter(point *a, int inverse)
{
    lanes re = a->re;
    a->re = inverse ? -a->im : a->im;
    a->im = inverse ? re : -re;
}

/* An eighth of a turn: times (1 - i) / sqrt 2, or (1 + i) / sqrt 2. */
JC_INLINE void eighth(point *a, int inverse)
{
    const float half = 0.70710678118654752440f;
    lanes re = a->re;
    a->re = half * (inverse ? re - a->im : re + a->im);
    a->im = half * (inverse ? a->im + re : a->im - re);
}

/* 4 points, in place, the result in the order 0 2 1 3. */
JC_INLINE void dft_of_4(point *x, int inverse)
{
    point sum[2], difference[2];
    add(&x[0], &x[2], &sum[0], &difference[0]);
    add(&x[1], &x[3], &sum[1], &difference[1]);
    quarter(&difference[1], inverse);
    add(&sum[0], &sum[1], &x[0], &x[1]);
    add(&difference[0], &difference[1], &x[2], &x[3]);
}

/* 8 points in the places 89 a of y, in place. */
JC_INLINE void dft_of_8(int inverse, point *y)
{
    point even[4], odd[4];
    for (int k = 0; k < 4; k++) {
        even[k] = y[PRIME * 2 * k];
        odd[k] = y[PRIME * (2 * k + 1)];
    }
    dft_of_4(even, inverse);
    dft_of_4(odd, inverse);
    quarter(&odd[1], inverse);
    eighth(&odd[2], inverse);
    quarter(&odd[3], inverse);
    eighth(&odd[3], inverse);
    add(&even[0], &odd[0], &y[0], &y[PRIME * 4]);
    add(&even[2], &odd[2], &y[PRIME * 1], &y[PRIME * 5]);
    add(&even[1], &odd[1], &y[PRIME * 2], &y[PRIME * 6]);
    add(&even[3], &odd[3], &y[PRIME * 3], &y[PRIME * 7]);
}

JC_CLONES
static void forward(const dft *t, const point *stream, point *spectrum)
{
    for (int a = 0; a < 8; a++)
        dft_of_89(t, stream, t->slot[a], t->place[a], 0, spectrum);
    for (int b = 0; b < PRIME; b++)
        dft_of_8(0, spectrum + b);
}

/* Without the division by 712; the spectrum is used up. */
JC_CLONES
static void backward(const dft *t, point *spectrum, point *stream)
{
    for (int b = 0; b < PRIME; b++)
        dft_of_8(1, spectrum + b);
    for (int a = 0; a < 8; a++)
        dft_of_89(t, spectrum, t->place[a], t->slot[a], 1, stream);
}

JC_INLINE void fetch(const float *table, lanes *value) { memcpy(value, table, sizeof *value); }

/* n frequencies of a spectrum along the lines; the other lanes 0. */
JC_INLINE void load(const float *from, int n, point *to)
{
    float re[LANES] = {0}, im[LANES] = {0};
    for (int k = 0; k < n; k++) {
        re[k] = from[2 * k];
        im[k] = from[2 * k + 1];
    }
    fetch(re, &to->re);
    fetch(im, &to->im);
}

JC_INLINE void store(const point *from, int n, float *to)
{
    float re[LANES], im[LANES];
    memcpy(re, &from->re, sizeof re);
    memcpy(im, &from->im, sizeof im);
    for (int k = 0; k < n; k++) {
        to[2 * k] = re[k];
        to[2 * k + 1] = im[k];
    }
}

/* Times the table's entry, or its conjugate. */
JC_INLINE void turn(const point *value, const float *table, int back, point *turned)
{
    lanes re, im, first;
    fetch(table, &re);
    fetch(table + LANES, &im);
    if (back)
        im = -im;
    first = value->re * re - value->im * im;
    turned->im = value->re * im + value->im * re;
    turned->re = first;
}

/* Where the lanes of a block lie in the spectra along the lines. */
typedef struct {
    size_t q, row; /* first frequency; floats of a spectrum */
    int n;         /* frequencies, the last block has fewer */
    const float *turn; /* [slot][re, im][lane] */
} block_place;

JC_INLINE const float *turn_at(const block_place *at, int slot)
{
    return at->turn + (size_t) slot * 2 * LANES;
}

JC_CLONES
static void load_slots(const block_place *at, const float *spectra, int n_slots, point *stream)
{
    for (int x = 0; x < n_slots; x++) {
        const float *from = spectra + (size_t) x * at->row + 2 * at->q;
        point value;
        load(from, at->n == LANES ? LANES : at->n, &value);
        turn(&value, turn_at(at, x), 0, &stream[x]);
    }
}

JC_CLONES
static void load_twice(const block_place *at, const float *spectra, int n, const int32_t *put,
                       point *stream)
{
    for (int k = 0; k < n; k++) {
        const float *from = spectra + (size_t) k * at->row + 2 * at->q;
        point value;
        load(from, at->n == LANES ? LANES : at->n, &value);
        for (int j = 2 * k; j < 2 * k + 2; j++)
            turn(&value, turn_at(at, put[j]), 0, &stream[put[j]]);
    }
}

/* The wanted slots, or the first n. */
JC_CLONES
static void store_slots(const block_place *at, const point *stream, int n, const int32_t *wanted,
                        float *spectra)
{
    for (int k = 0; k < n; k++) {
        int x = wanted ? wanted[k] : k;
        float *to = spectra + (size_t) k * at->row + 2 * at->q;
        point value;
        turn(&stream[x], turn_at(at, x), 1, &value);
        store(&value, at->n == LANES ? LANES : at->n, to);
    }
}

typedef struct {
    point stream[SLOTS], work[SLOTS], spectrum[SLOTS], output_spectrum[SLOTS];
} scratch;

JC_CLONES
static void narrow(const float *passband, point *spectrum)
{
    for (int s = 0; s < SLOTS; s++) {
        lanes factor;
        fetch(passband + (size_t) s * LANES, &factor);
        spectrum[s].re *= factor;
        spectrum[s].im *= factor;
    }
}

JC_CLONES
static void weigh(const float *alpha, const float *beta, const point *output, point *spectrum)
{
    for (int s = 0; s < SLOTS; s++) {
        size_t at = (size_t) s * 2 * LANES;
        point one, other;
        turn(&spectrum[s], beta + at, 0, &one);
        turn(&output[s], alpha + at, 0, &other);
        spectrum[s].re = one.re + other.re;
        spectrum[s].im = one.im + other.im;
    }
}

/* Complete the reference output's stream and leave its spectrum. */
static void complete(const jc_irs2_filter_tables *in, const dft *t, const float *passband,
                     scratch *s)
{
    for (int repeat = 0; repeat < in->n_repeats; repeat++) {
        forward(t, s->stream, s->spectrum);
        narrow(passband, s->spectrum);
        backward(t, s->spectrum, s->work);
        for (int x = 0; x < SLOTS; x++)
            if (!in->known[x])
                s->stream[x] = s->work[x];
    }
    forward(t, s->stream, s->output_spectrum);
}

static void filter_block(const jc_irs2_filter_tables *in, const dft *t, int block,
                         const float *reference_output, const float *reference_pixels, scratch *s,
                         float *completed, float *noise)
{
    size_t n_freq = (size_t) in->n_lines / 2 + 1, of_slots = (size_t) SLOTS * LANES;
    block_place at = {(size_t) block * LANES, 2 * n_freq, LANES,
                      in->turn + (size_t) block * 2 * of_slots};
    if (n_freq - at.q < LANES)
        at.n = (int) (n_freq - at.q);
    load_slots(&at, reference_output, SLOTS, s->stream);
    complete(in, t, in->passband + (size_t) block * of_slots, s);
    if (completed)
        store_slots(&at, s->stream, SLOTS, NULL, completed);
    for (int k = 0; k < in->n_outputs; k++) {
        const float *alpha = in->weights + ((size_t) block * in->n_outputs + k) * 4 * of_slots;
        memset(s->stream, 0, sizeof s->stream);
        load_twice(&at, reference_pixels + at.row * in->n_reference * k, in->n_reference, in->put,
                   s->stream);
        forward(t, s->stream, s->spectrum);
        weigh(alpha, alpha + 2 * of_slots, s->output_spectrum, s->spectrum);
        backward(t, s->spectrum, s->work);
        store_slots(&at, s->work, in->n_wanted, in->wanted, noise + at.row * in->n_wanted * k);
    }
}

static int out_of_range(const int32_t *slots, int n)
{
    for (int k = 0; k < n; k++)
        if (slots[k] < 0 || slots[k] >= SLOTS)
            return 1;
    return 0;
}

static size_t blocks_of(int n_lines) { return (size_t) (n_lines / 2 + 1 + LANES - 1) / LANES; }

jc_status jc_irs2_filter(const jc_irs2_filter_tables *in, const float *reference_output,
                         const float *reference_pixels, int n_threads, float *completed,
                         float *noise)
{
    if (in->n_lines < 1 || in->n_outputs < 1 || in->n_repeats < 0 || in->n_reference < 1 ||
        in->n_wanted < 1 || n_threads < 1 || out_of_range(in->put, 2 * in->n_reference) ||
        out_of_range(in->wanted, in->n_wanted))
        return JC_BAD_ARGUMENT;
    int n_blocks = (int) blocks_of(in->n_lines), failed = 0;
    dft t;
    make_dft(&t);
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        scratch *s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);
        failed |= s == NULL;
#pragma omp for schedule(static)
        for (int block = 0; block < n_blocks; block++)
            if (s)
                filter_block(in, &t, block, reference_output, reference_pixels, s, completed,
                             noise);
        free(s);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

JC_CLONES
static void weights_of_block(const uint32_t *table, size_t n_lines, int n_outputs, int swapped,
                             size_t q, int n, float *weights)
{
    /* [alpha, beta][output] in the table, [output][alpha, beta] in the weights */
    size_t record = 2 * (size_t) n_outputs, all = n_lines * SLOTS;
    size_t of_filter = (size_t) SLOTS * 2 * LANES;
    memset(weights, 0, record * of_filter * sizeof *weights);
    for (size_t s = 0; s < SLOTS; s++) {
        size_t p = (s / PRIME * PRIME + s % PRIME * 624) % SLOTS;
        for (int lane = 0; lane < n; lane++) {
            size_t at = q + lane + n_lines * p, mirrored = at ? all - at : 0;
            float *out = weights + s * 2 * LANES + lane;
            for (int kind = 0; kind < 2; kind++) {
                size_t skip = (size_t) kind * n_outputs;
                for (int k = 0; k < n_outputs; k++) {
                    const uint32_t *one = table + 2 * at * record + skip + k;
                    const uint32_t *other = table + 2 * mirrored * record + skip + k;
                    float re = jc_float32(one[0], swapped) + jc_float32(other[0], swapped);
                    float im = jc_float32(one[record], swapped) - jc_float32(other[record], swapped);
                    float *to = out + (2 * (size_t) k + kind) * of_filter;
                    to[0] = 0.5f * re / SLOTS;
                    to[LANES] = 0.5f * im / SLOTS;
                }
            }
        }
    }
}

jc_status jc_irs2_weights(int n_lines, int n_outputs, const uint32_t *table, int swapped,
                          int n_threads, float *weights)
{
    if (n_lines < 1 || n_outputs < 1 || n_threads < 1)
        return JC_BAD_ARGUMENT;
    size_t n_freq = (size_t) n_lines / 2 + 1;
    size_t of_block = (size_t) n_outputs * 2 * SLOTS * 2 * LANES;
    int n_blocks = (int) blocks_of(n_lines);
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int block = 0; block < n_blocks; block++) {
        size_t q = (size_t) block * LANES;
        int n = n_freq - q < LANES ? (int) (n_freq - q) : LANES;
        weights_of_block(table, (size_t) n_lines, n_outputs, swapped, q, n,
                         weights + (size_t) block * of_block);
    }
    return JC_OK;
}

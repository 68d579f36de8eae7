#include "irs2_filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = JC_IRS2_SLOTS, LANES = JC_IRS2_LANES, PRIME = 89, HALF = 44, STEP = 4 };

static const double PI = 3.14159265358979323846;

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
    double angle = 2 * PI / PRIME;
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

/* 89 points, from the places `from` of x to the places `to` of y. Only the first n_in on either side
 * of 0 are read, and at least the first n_out written. */
JC_INLINE void dft_of_89(const dft *t, const point *x, const int32_t *from, int n_in,
                         const int32_t *to, int n_out, int inverse, point *y)
{
    point sum[HALF], difference[HALF], first = x[from[0]], total = first;
    for (int j = 0; j < n_in; j++) {
        const point *one = &x[from[j + 1]], *other = &x[from[PRIME - 1 - j]];
        sum[j].re = one->re + other->re;
        sum[j].im = one->im + other->im;
        difference[j].re = one->re - other->re;
        difference[j].im = one->im - other->im;
        total.re += sum[j].re;
        total.im += sum[j].im;
    }
    y[to[0]] = total;
    for (int block = 0; block * STEP < n_out; block++) {
        point even[STEP], odd[STEP];
        for (int i = 0; i < STEP; i++) {
            even[i] = first;
            odd[i].re = odd[i].im = (lanes) {0};
        }
        for (int j = 0; j < n_in; j++)
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

/* Frequencies with b up to reach on either side of 0 only, here and below. */
JC_CLONES
static void forward(const dft *t, const point *stream, int reach, point *spectrum)
{
    for (int a = 0; a < 8; a++)
        dft_of_89(t, stream, t->slot[a], HALF, t->place[a], reach, 0, spectrum);
    dft_of_8(0, spectrum);
    for (int b = 1; b <= reach; b++) {
        dft_of_8(0, spectrum + b);
        dft_of_8(0, spectrum + PRIME - b);
    }
}

/* Without the division by 712; the spectrum is used up. */
JC_CLONES
static void backward(const dft *t, int reach, point *spectrum, point *stream)
{
    dft_of_8(1, spectrum);
    for (int b = 1; b <= reach; b++) {
        dft_of_8(1, spectrum + b);
        dft_of_8(1, spectrum + PRIME - b);
    }
    for (int a = 0; a < 8; a++)
        dft_of_89(t, spectrum, t->place[a], reach, t->slot[a], HALF, 1, stream);
}

JC_INLINE void fetch(const float *table, lanes *value) { memcpy(value, table, sizeof *value); }
JC_INLINE void put_back(const lanes *value, float *table) { memcpy(table, value, sizeof *value); }

/* ---- along the lines ---- */

typedef struct {
    int n, m;         /* n = 16 m */
    float *root;      /* [m][re, im]: exp(-2 pi i k / m) */
    float *turn;      /* [m][re, im][lane]: exp(-2 pi i k lane / n) */
    float root_16[16][2];
} line_tables;

static void make_roots(int n, float *root)
{
    for (int k = 0; k < n; k++) {
        root[2 * k] = (float) cos(2 * PI * k / n);
        root[2 * k + 1] = (float) -sin(2 * PI * k / n);
    }
}

static void make_line_tables(line_tables *t)
{
    make_roots(t->m, t->root);
    make_roots(LANES, &t->root_16[0][0]);
    for (int k = 0; k < t->m; k++)
        for (int lane = 0; lane < LANES; lane++) {
            double angle = 2 * PI * (k * lane % t->n) / t->n;
            t->turn[(size_t) k * 2 * LANES + lane] = (float) cos(angle);
            t->turn[(size_t) k * 2 * LANES + LANES + lane] = (float) -sin(angle);
        }
}

JC_INLINE void times_root(point *a, const float *root)
{
    lanes re = a->re;
    a->re = re * root[0] - a->im * root[1];
    a->im = re * root[1] + a->im * root[0];
}

/* n points, a power of two; by fours, at last by two. Returns x or work, where the result is. */
JC_INLINE point *dft_of_power(int n, const float *root, point *x, point *work)
{
    int stride = 1, left = n;
    for (; left >= 4; left /= 4, stride *= 4) {
        int step = left / 4;
        for (int p = 0; p < step; p++)
            for (int q = 0; q < stride; q++) {
                point four[4];
                for (int j = 0; j < 4; j++)
                    four[j] = x[q + stride * (p + step * j)];
                dft_of_4(four, 0);
                point *to = work + q + stride * 4 * p;
                times_root(&four[1], root + 2 * (2 * p * stride % n));
                times_root(&four[2], root + 2 * (p * stride % n));
                times_root(&four[3], root + 2 * (3 * p * stride % n));
                to[0] = four[0];
                to[stride] = four[2];
                to[2 * stride] = four[1];
                to[3 * stride] = four[3];
            }
        point *swap = x;
        x = work;
        work = swap;
    }
    if (left == 1)
        return x;
    for (int q = 0; q < stride; q++)
        add(&x[q], &x[q + stride], &work[q], &work[q + stride]);
    return work;
}

/* Lanes of two vectors by number, those of b from 16 on. */
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#endif
#endif
#ifndef PICK
typedef int32_t numbers __attribute__((vector_size(4 * LANES)));
#define PICK(a, b, ...) __builtin_shuffle(a, b, (numbers) {__VA_ARGS__})
#endif
#define EACH(f, s) \
    f(0, s), f(1, s), f(2, s), f(3, s), f(4, s), f(5, s), f(6, s), f(7, s), f(8, s), f(9, s), \
        f(10, s), f(11, s), f(12, s), f(13, s), f(14, s), f(15, s)
#define UPPER(lane, s) ((lane) & (s) ? LANES + (lane) - (s) : (lane))
#define LOWER(lane, s) ((lane) & (s) ? LANES + (lane) : (lane) + (s))
#define REVERSED(lane, s) ((s) - (lane))
#define EXCHANGE(rows, s) \
    for (int i = 0; i < LANES; i++) \
        if (!(i & (s))) { \
            lanes upper = PICK(rows[i], rows[i + (s)], EACH(UPPER, s)); \
            rows[i + (s)] = PICK(rows[i], rows[i + (s)], EACH(LOWER, s)); \
            rows[i] = upper; \
        }

JC_INLINE void transpose(lanes *rows)
{
    EXCHANGE(rows, 8)
    EXCHANGE(rows, 4)
    EXCHANGE(rows, 2)
    EXCHANGE(rows, 1)
}

/* n complex numbers, in place. x, work: [m]. */
JC_CLONES
static void dft_of_line(const line_tables *t, float *re, float *im, point *x, point *work)
{
    for (int k = 0; k < t->m; k++) {
        fetch(re + (size_t) k * LANES, &x[k].re);
        fetch(im + (size_t) k * LANES, &x[k].im);
    }
    point *by_lane = dft_of_power(t->m, t->root, x, work);
    for (int first = 0; first < t->m; first += LANES) {
        point sixteen[LANES], other[LANES];
        lanes turned[2][LANES];
        for (int k = 0; k < LANES; k++) {
            const float *turn = t->turn + (size_t) (first + k) * 2 * LANES;
            const point *a = &by_lane[first + k];
            lanes c, s;
            fetch(turn, &c);
            fetch(turn + LANES, &s);
            turned[0][k] = a->re * c - a->im * s;
            turned[1][k] = a->re * s + a->im * c;
        }
        transpose(turned[0]);
        transpose(turned[1]);
        for (int k = 0; k < LANES; k++)
            sixteen[k] = (point) {turned[0][k], turned[1][k]};
        const point *done = dft_of_power(LANES, &t->root_16[0][0], sixteen, other);
        for (int k = 0; k < LANES; k++) {
            put_back(&done[k].re, re + (size_t) k * t->m + first);
            put_back(&done[k].im, im + (size_t) k * t->m + first);
        }
    }
}

/* Room for the transforms of a thread: n + 16 numbers each of re and im. */
typedef struct {
    float *re, *im;
    point *x, *work;
} line_room;

/* A pair of real lines to their spectra: [block][row][re, im][lane], rows one and other. */
JC_CLONES
static void spectra_of_pair(const line_tables *t, const float *one, const float *other,
                            size_t of_block, line_room *r, float *to_one, float *to_other)
{
    size_t bytes = (size_t) t->n * sizeof *one;
    memcpy(r->re, one, bytes);
    memcpy(r->im, other, bytes);
    dft_of_line(t, r->re, r->im, r->x, r->work);
    r->re[t->n] = r->re[0];
    r->im[t->n] = r->im[0];
    for (int q = 0; q <= t->n / 2; q += LANES) {
        lanes re, im, re_back, im_back, part[4];
        fetch(r->re + q, &re);
        fetch(r->im + q, &im);
        fetch(r->re + t->n - q - LANES + 1, &re_back);
        fetch(r->im + t->n - q - LANES + 1, &im_back);
        re_back = PICK(re_back, re_back, EACH(REVERSED, LANES - 1));
        im_back = PICK(im_back, im_back, EACH(REVERSED, LANES - 1));
        part[0] = 0.5f * (re + re_back);
        part[1] = 0.5f * (im - im_back);
        part[2] = 0.5f * (im + im_back);
        part[3] = 0.5f * (re_back - re);
        memcpy(to_one + q / LANES * of_block, &part[0], 2 * sizeof *part);
        memcpy(to_other + q / LANES * of_block, &part[2], 2 * sizeof *part);
    }
}

/* And back. The spectra's imaginary parts at 0 and n / 2 do not count. */
JC_CLONES
static void pair_of_spectra(const line_tables *t, const float *from_one, const float *from_other,
                            size_t of_block, line_room *r, float *one, float *other)
{
    float scale = 1.0f / (float) t->n;
    for (int q = 0; q <= t->n / 2; q += LANES) {
        lanes a[2], b[2], re, im, re_back, im_back;
        memcpy(a, from_one + q / LANES * of_block, sizeof a);
        memcpy(b, from_other + q / LANES * of_block, sizeof b);
        re = (a[0] - b[1]) * scale;
        im = (a[1] + b[0]) * scale;
        re_back = (a[0] + b[1]) * scale;
        im_back = (b[0] - a[1]) * scale;
        if (q == 0 || q == t->n / 2) {
            re[0] = a[0][0] * scale;
            im[0] = b[0][0] * scale;
        }
        if (q == t->n / 2) {
            r->re[q] = re[0];
            r->im[q] = im[0];
            break;
        }
        re_back = PICK(re_back, re_back, EACH(REVERSED, LANES - 1));
        im_back = PICK(im_back, im_back, EACH(REVERSED, LANES - 1));
        put_back(&re, r->re + q);
        put_back(&im, r->im + q);
        put_back(&re_back, r->re + t->n - q - LANES + 1);
        put_back(&im_back, r->im + t->n - q - LANES + 1);
    }
    dft_of_line(t, r->im, r->re, r->x, r->work); /* exchanged: backwards */
    size_t bytes = (size_t) t->n * sizeof *one;
    memcpy(one, r->re, bytes);
    memcpy(other, r->im, bytes);
}

/* ---- along the slots ---- */

/* Times the table's entry [re, im][lane], or its conjugate. */
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

/* Spectra [row][re, im][lane] of one block, turned, to the slots listed, or the first n. */
JC_CLONES
static void load_slots(const float *spectra, const float *turns, int n, const int32_t *slots,
                       point *stream)
{
    for (int k = 0; k < n; k++) {
        int x = slots ? slots[k] : k;
        point value;
        memcpy(&value, spectra + (size_t) (slots ? k / 2 : k) * 2 * LANES, sizeof value);
        turn(&value, turns + (size_t) x * 2 * LANES, 0, &stream[x]);
    }
}

JC_CLONES
static void store_slots(const point *stream, const float *turns, int n, const int32_t *slots,
                        float *spectra)
{
    for (int k = 0; k < n; k++) {
        int x = slots ? slots[k] : k;
        point value;
        turn(&stream[x], turns + (size_t) x * 2 * LANES, 1, &value);
        memcpy(spectra + (size_t) k * 2 * LANES, &value, sizeof value);
    }
}

JC_INLINE int within(int place, int reach)
{
    int b = place % PRIME;
    return b <= reach || b >= PRIME - reach;
}

JC_CLONES
static int any_of(int n, const float *values)
{
    uint32_t bits = 0;
    for (int k = 0; k < n; k++) {
        uint32_t of_value;
        memcpy(&of_value, values + k, sizeof of_value);
        bits |= of_value;
    }
    return bits != 0;
}

/* The least reach that has all of the pass band. */
static int reach_of(const float *passband, int n_blocks)
{
    int reach = HALF;
    for (; reach > 0; reach--)
        for (int block = 0; block < n_blocks; block++)
            for (int a = 0; a < 8; a++) {
                const float *row = passband + ((size_t) block * SLOTS + PRIME * a) * LANES;
                if (any_of(LANES, row + reach * LANES) ||
                    any_of(LANES, row + (PRIME - reach) * LANES))
                    return reach;
            }
    return reach;
}

JC_CLONES
static void narrow(const float *passband, int reach, point *spectrum)
{
    for (int s = 0; s < SLOTS; s++) {
        lanes factor;
        if (!within(s, reach))
            continue;
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

typedef struct {
    point stream[SLOTS], work[SLOTS], spectrum[SLOTS], output_spectrum[SLOTS];
} slot_room;

/* samples: [row][re, im][lane], the reference output's, then the reference pixels'. */
static void filter_block(const jc_irs2_tables *in, const dft *t, int reach, int block,
                         const float *samples, slot_room *r, float *completed, float *noise)
{
    size_t of_slots = (size_t) SLOTS * LANES;
    const float *turns = in->turn + (size_t) block * 2 * of_slots;
    load_slots(samples, turns, SLOTS, NULL, r->stream);
    for (int repeat = 0; repeat < in->n_repeats; repeat++) {
        forward(t, r->stream, reach, r->spectrum);
        narrow(in->passband + (size_t) block * of_slots, reach, r->spectrum);
        backward(t, reach, r->spectrum, r->work);
        for (int x = 0; x < SLOTS; x++)
            if (!in->known[x])
                r->stream[x] = r->work[x];
    }
    forward(t, r->stream, HALF, r->output_spectrum);
    if (completed)
        store_slots(r->stream, turns, SLOTS, NULL, completed);
    for (int k = 0; k < in->n_outputs; k++) {
        const float *alpha = in->weights + ((size_t) block * in->n_outputs + k) * 4 * of_slots;
        size_t row = SLOTS + (size_t) in->n_reference * k;
        memset(r->stream, 0, sizeof r->stream);
        load_slots(samples + row * 2 * LANES, turns, 2 * in->n_reference, in->put, r->stream);
        forward(t, r->stream, HALF, r->spectrum);
        weigh(alpha, alpha + 2 * of_slots, r->output_spectrum, r->spectrum);
        backward(t, HALF, r->spectrum, r->work);
        store_slots(r->work, turns, in->n_wanted, in->wanted,
                    noise + (size_t) in->n_wanted * k * 2 * LANES);
    }
}

/* ---- all together ---- */

static int is_power(int n_lines)
{
    return n_lines >= LANES * LANES && n_lines <= 1 << 20 && (n_lines & (n_lines - 1)) == 0;
}

static int blocks_of(int n_lines) { return n_lines / 2 / LANES + 1; }

static int out_of_range(const int32_t *slots, int n)
{
    for (int k = 0; k < n; k++)
        if (slots[k] < 0 || slots[k] >= SLOTS)
            return 1;
    return 0;
}

static void *room_for(size_t n_floats)
{
    return aligned_alloc(64, (n_floats * sizeof(float) + 63) / 64 * 64);
}

/* Rows of samples and of results, and where their spectra are. */
typedef struct {
    int n_in, n_out;
    float *in, *out; /* [block][row][re, im][lane] */
} spectra;

static const float *input_row(const float *output, const float *pixels, int n_lines, int row)
{
    return row < SLOTS ? output + (size_t) row * n_lines
                       : pixels + (size_t) (row - SLOTS) * n_lines;
}

static jc_status transform(const jc_irs2_tables *in, const line_tables *lines, const spectra *s,
                           const float *output, const float *pixels, int n_threads,
                           float *completed, float *noise)
{
    size_t n = (size_t) lines->n, in_block = (size_t) s->n_in * 2 * LANES;
    size_t out_block = (size_t) s->n_out * 2 * LANES;
    int n_noise = in->n_outputs * in->n_wanted, n_blocks = blocks_of(lines->n), failed = 0;
    int reach = reach_of(in->passband, n_blocks);
    dft t;
    make_dft(&t);
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        float *numbers = room_for(2 * (n + LANES) + 4 * n);
        slot_room *slots = room_for(sizeof *slots / sizeof(float));
        failed |= numbers == NULL || slots == NULL;
        line_room r = {numbers, numbers + n + LANES, NULL, NULL};
        if (numbers) {
            r.x = (point *) (numbers + 2 * (n + LANES));
            r.work = r.x + lines->m;
        }
#pragma omp for schedule(static)
        for (int pair = 0; pair < (s->n_in + 1) / 2; pair++) {
            int one = 2 * pair, other = one + 1 < s->n_in ? one + 1 : one;
            if (numbers)
                spectra_of_pair(lines, input_row(output, pixels, lines->n, one),
                                input_row(output, pixels, lines->n, other), in_block, &r,
                                s->in + (size_t) one * 2 * LANES,
                                s->in + (size_t) other * 2 * LANES);
        }
#pragma omp for schedule(static)
        for (int block = 0; block < n_blocks; block++) {
            float *out = s->out + (size_t) block * out_block;
            if (slots)
                filter_block(in, &t, reach, block, s->in + (size_t) block * in_block, slots,
                             completed ? out + (size_t) n_noise * 2 * LANES : NULL, out);
        }
#pragma omp for schedule(static)
        for (int pair = 0; pair < (s->n_out + 1) / 2; pair++) {
            int one = 2 * pair, other = one + 1 < s->n_out ? one + 1 : one;
            if (!numbers)
                continue;
            float *rows[2];
            for (int k = 0; k < 2; k++) {
                int row = k ? other : one;
                rows[k] = row < n_noise ? noise + (size_t) row * n
                                        : completed + (size_t) (row - n_noise) * n;
            }
            pair_of_spectra(lines, s->out + (size_t) one * 2 * LANES,
                            s->out + (size_t) other * 2 * LANES, out_block, &r, rows[0], rows[1]);
        }
        free(numbers);
        free(slots);
    }
    return failed ? JC_NO_MEMORY : JC_OK;
}

jc_status jc_irs2_noise(const jc_irs2_tables *in, const float *reference_output,
                        const float *reference_pixels, int n_threads, float *completed,
                        float *noise)
{
    if (!is_power(in->n_lines) || in->n_outputs < 1 || in->n_repeats < 0 || in->n_reference < 1 ||
        in->n_wanted < 1 || n_threads < 1 || out_of_range(in->put, 2 * in->n_reference) ||
        out_of_range(in->wanted, in->n_wanted))
        return JC_BAD_ARGUMENT;
    int m = in->n_lines / LANES;
    spectra s = {SLOTS + in->n_outputs * in->n_reference,
                 in->n_outputs * in->n_wanted + (completed ? SLOTS : 0), NULL, NULL};
    size_t of_row = (size_t) blocks_of(in->n_lines) * 2 * LANES;
    float *tables = room_for((size_t) m * 2 * (1 + LANES));
    s.in = room_for(s.n_in * of_row);
    s.out = room_for(s.n_out * of_row);
    jc_status status = JC_NO_MEMORY;
    if (tables && s.in && s.out) {
        line_tables lines = {in->n_lines, m, tables, tables + 2 * m, {{0}}};
        make_line_tables(&lines);
        status = transform(in, &lines, &s, reference_output, reference_pixels, n_threads, completed,
                           noise);
    }
    free(tables);
    free(s.in);
    free(s.out);
    return status;
}

/* exp(-2 pi i k / n) for k below 1024 and for multiples of 1024: products of two are all. */
jc_status jc_irs2_turns(int n_lines, int n_threads, float *turn)
{
    enum { FINE = 1024 };
    if (!is_power(n_lines) || n_threads < 1)
        return JC_BAD_ARGUMENT;
    int64_t n = (int64_t) n_lines * SLOTS, n_coarse = n / FINE + 1;
    double(*root)[2] = malloc((size_t) (FINE + n_coarse) * sizeof *root);
    if (!root)
        return JC_NO_MEMORY;
    for (int64_t k = 0; k < FINE + n_coarse; k++) {
        double angle = 2 * PI * (double) (k < FINE ? k : (k - FINE) * FINE) / (double) n;
        root[k][0] = cos(angle);
        root[k][1] = -sin(angle);
    }
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int block = 0; block < blocks_of(n_lines); block++)
        for (int x = 0; x < SLOTS; x++) {
            float *to = turn + ((size_t) block * SLOTS + x) * 2 * LANES;
            for (int lane = 0; lane < LANES; lane++) {
                int64_t q = block * LANES + lane, k = x * q % n;
                const double *a = root[k % FINE], *b = root[FINE + k / FINE];
                int within = q <= n_lines / 2;
                to[lane] = within ? (float) (a[0] * b[0] - a[1] * b[1]) : 0;
                to[LANES + lane] = within ? (float) (a[0] * b[1] + a[1] * b[0]) : 0;
            }
        }
    free(root);
    return JC_OK;
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
    if (!is_power(n_lines) || n_outputs < 1 || n_threads < 1)
        return JC_BAD_ARGUMENT;
    size_t n_freq = (size_t) n_lines / 2 + 1;
    size_t of_block = (size_t) n_outputs * 2 * SLOTS * 2 * LANES;
    int n_blocks = blocks_of(n_lines);
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int block = 0; block < n_blocks; block++) {
        size_t q = (size_t) block * LANES;
        int n = n_freq - q < LANES ? (int) (n_freq - q) : LANES;
        weights_of_block(table, (size_t) n_lines, n_outputs, swapped, q, n,
                         weights + (size_t) block * of_block);
    }
    return JC_OK;
}

#include "clipping.h"
#include "keeper.h"

#include <math.h>
#include <stdlib.h>

/* Sorting: by the bits, 11 at a time, least significant first. */

#define DIGIT_BITS 11
#define N_DIGITS (1 << DIGIT_BITS)
#define N_PASSES 3

/* Bits of a float as an unsigned number of the same order, and back. */
JC_INLINE uint32_t ordered(uint32_t bits) { return bits & 0x80000000u ? ~bits : bits | 0x80000000u; }
JC_INLINE uint32_t plain(uint32_t key) { return key & 0x80000000u ? key & 0x7fffffffu : ~key; }
JC_INLINE int is_finite(uint32_t bits) { return (bits & 0x7f800000u) != 0x7f800000u; }

static int64_t share(int64_t n, int part, int parts) { return n * part / parts; }

/* Pack the keys of one part of the values at its beginning. */
static int64_t pack(int64_t n, const float *values, const uint8_t *chosen, uint32_t *key)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        __builtin_memcpy(&bits, values + i, sizeof bits);
        key[count] = ordered(bits);
        count += (!chosen || chosen[i]) & is_finite(bits);
    }
    return count;
}

static void count_digits(int64_t n, const uint32_t *key, int shift, int64_t *counts)
{
    for (int d = 0; d < N_DIGITS; d++)
        counts[d] = 0;
    for (int64_t i = 0; i < n; i++)
        counts[key[i] >> shift & (N_DIGITS - 1)]++;
}

static void scatter(int64_t n, const uint32_t *key, int shift, int64_t *at, uint32_t *out)
{
    for (int64_t i = 0; i < n; i++)
        out[at[key[i] >> shift & (N_DIGITS - 1)]++] = key[i];
}

/* Counts of every part and digit to the place of its first key: digit by digit, part by part. */
static void counts_to_places(int n_parts, int64_t *counts)
{
    int64_t sum = 0;
    for (int d = 0; d < N_DIGITS; d++) {
        for (int p = 0; p < n_parts; p++) {
            int64_t here = counts[(size_t) p * N_DIGITS + d];
            counts[(size_t) p * N_DIGITS + d] = sum;
            sum += here;
        }
    }
}

static void sort_keys(int64_t n, int n_parts, int64_t *counts, uint32_t *from, uint32_t *to)
{
    for (int pass = 0; pass < N_PASSES; pass++) {
        int shift = pass * DIGIT_BITS;
#pragma omp parallel for num_threads(n_parts) schedule(static)
        for (int p = 0; p < n_parts; p++)
            count_digits(share(n, p + 1, n_parts) - share(n, p, n_parts),
                         from + share(n, p, n_parts), shift, counts + (size_t) p * N_DIGITS);
        counts_to_places(n_parts, counts);
#pragma omp parallel for num_threads(n_parts) schedule(static)
        for (int p = 0; p < n_parts; p++)
            scatter(share(n, p + 1, n_parts) - share(n, p, n_parts), from + share(n, p, n_parts),
                    shift, counts + (size_t) p * N_DIGITS, to);
        uint32_t *other = from;
        from = to;
        to = other;
    }
}

static int64_t pack_all(int64_t n, const float *values, const uint8_t *chosen, int n_parts,
                        int64_t *counts, uint32_t *key)
{
    int64_t sum = 0;
#pragma omp parallel for num_threads(n_parts) schedule(static)
    for (int p = 0; p < n_parts; p++) {
        int64_t first = share(n, p, n_parts);
        counts[p] = pack(share(n, p + 1, n_parts) - first, values + first,
                         chosen ? chosen + first : NULL, key + first);
    }
    for (int p = 0; p < n_parts; p++) {
        __builtin_memmove(key + sum, key + share(n, p, n_parts), (size_t) counts[p] * sizeof *key);
        sum += counts[p];
    }
    return sum;
}

static void unpack(int64_t n, const uint32_t *key, int n_threads, float *sorted)
{
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits = plain(key[i]);
        __builtin_memcpy(sorted + i, &bits, sizeof bits);
    }
}

jc_status jc_sort_chosen(int64_t n, const float *values, const uint8_t *chosen, int n_threads,
                         float *sorted, int64_t *count)
{
    if (n < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
    int n_parts = n < n_threads ? (int) n : n_threads;
    int64_t *counts = malloc((size_t) n_parts * N_DIGITS * sizeof *counts);
    uint32_t *a = jc_pages((size_t) n * sizeof *a), *b = (uint32_t *) sorted;
    jc_status status = counts && a ? JC_OK : JC_NO_MEMORY;
    if (status == JC_OK) {
        *count = pack_all(n, values, chosen, n_parts, counts, a);
        sort_keys(*count, n_parts, counts, a, b); /* an odd number of passes: they end in b */
        unpack(*count, b, n_threads, sorted);
    }
    free(counts);
    free(a);
    return status;
}

/* Clipping. Sums about a value near the centre, of blocks: those of a range are the sums of its
 * blocks and of its ends, so that values clipped, however large, leave no rounding behind. */

#define LANES 8
#define BLOCK 4096

typedef struct {
    double first, second; /* sums of the distances from `about` and of their squares */
} moments;

typedef struct {
    int64_t n;
    const float *x;
    int n_threads, mirrored;
    double about;
    moments *block;
} table;

/* At most BLOCK values. */
JC_CLONES
static moments moments_of(const float *x, int64_t n, double about)
{
    double first[LANES] = {0}, second[LANES] = {0};
    moments sum = {0, 0};
    int64_t whole = n - n % LANES;
    for (int64_t i = 0; i < whole; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            double away = x[i + k] - about;
            first[k] += away;
            second[k] += away * away;
        }
    }
    for (int64_t i = whole; i < n; i++) {
        double away = x[i] - about;
        sum.first += away;
        sum.second += away * away;
    }
    for (int k = 0; k < LANES; k++) {
        sum.first += first[k];
        sum.second += second[k];
    }
    return sum;
}

static void fill(table *t)
{
    int64_t n_blocks = t->n / BLOCK;
#pragma omp parallel for num_threads(t->n_threads) schedule(static)
    for (int64_t b = 0; b < n_blocks; b++)
        t->block[b] = moments_of(t->x + b * BLOCK, BLOCK, t->about);
}

static void add(moments *sum, moments more)
{
    sum->first += more.first;
    sum->second += more.second;
}

static moments moments_of_range(const table *t, int64_t low, int64_t high)
{
    moments sum = {0, 0};
    while (low < high) {
        int64_t end = (low / BLOCK + 1) * BLOCK;
        if (low % BLOCK == 0 && end <= high) {
            add(&sum, t->block[low / BLOCK]);
        } else {
            end = end < high ? end : high;
            add(&sum, moments_of(t->x + low, end - low, t->about));
        }
        low = end;
    }
    return sum;
}

/* The first of the ranks from `low` to `high` whose value is at least `limit`, or more than it. */
static int64_t first_at_least(const float *x, int64_t low, int64_t high, double limit)
{
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (x[middle] < limit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t first_above(const float *x, int64_t low, int64_t high, double limit)
{
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (x[middle] <= limit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static double median_of(const float *x, int64_t low, int64_t high)
{
    int64_t middle = low + (high - low) / 2;
    return (high - low) % 2 ? x[middle] : ((double) x[middle - 1] + x[middle]) / 2;
}

/* Sums far from where the values are lose the digits of a narrow distribution: then they are made
 * again about its median. */
static jc_clip_stats stats_of(table *t, int64_t low, int64_t high)
{
    jc_clip_stats s;
    moments sum = moments_of_range(t, low, high);
    double n = (double) (high - low), offset = sum.first / n;
    double variance = sum.second / n - offset * offset;
    s.median = median_of(t->x, low, high);
    if (variance < 1e-6 * offset * offset && t->about != s.median) {
        t->about = s.median;
        fill(t);
        return stats_of(t, low, high);
    }
    s.mean = t->about + offset;
    s.std = sqrt(variance > 0 ? variance : 0);
    return s;
}

static jc_clip_stats mirrored_stats_of(const table *t, int64_t low, int64_t high)
{
    moments sum = moments_of_range(t, low, high);
    jc_clip_stats s = {t->about, t->about, sqrt(sum.second / (double) (high - low)), 0};
    return s;
}

static jc_clip_stats stats_in(table *t, int64_t low, int64_t high)
{
    if (low == high) return (jc_clip_stats) {NAN, NAN, NAN, 0};
    jc_clip_stats s = t->mirrored ? mirrored_stats_of(t, low, high) : stats_of(t, low, high);
    s.count = high - low;
    return s;
}

static void clip(table *t, double sigma, int max_passes, jc_clip_stats *s)
{
    int64_t low = 0, high = t->n;
    for (int pass = 0; pass < max_passes && low < high; pass++) {
        *s = stats_in(t, low, high);
        double bottom = s->median - sigma * s->std, top = s->median + sigma * s->std;
        int64_t from = first_at_least(t->x, low, high, bottom);
        int64_t to = t->mirrored ? high : first_above(t->x, from, high, top);
        int last = (from == low && to == high) || pass == max_passes - 1;
        low = last ? first_at_least(t->x, 0, t->n, bottom) : from;
        high = last && !t->mirrored ? first_above(t->x, 0, t->n, top) : to;
        if (last) break;
    }
    *s = stats_in(t, low, high);
}

jc_status jc_clip(int64_t n, const float *sorted, const double *centre, double sigma,
                  int max_passes, int n_threads, jc_clip_stats *stats)
{
    if (n < 0 || n_threads < 1 || max_passes < 0 || !(sigma > 0)) return JC_BAD_ARGUMENT;
    *stats = (jc_clip_stats) {NAN, NAN, NAN, 0};
    if (centre) n = first_above(sorted, 0, n, *centre);
    if (n == 0) return JC_OK;
    table t = {n, sorted, n_threads, centre != NULL, centre ? *centre : median_of(sorted, 0, n),
               malloc((size_t) (n / BLOCK + 1) * sizeof *t.block)};
    if (!t.block) return JC_NO_MEMORY;
    fill(&t);
    clip(&t, sigma, max_passes, stats);
    free(t.block);
    return JC_OK;
}

/* The middle: by the bits, most significant first. Each pass counts the digits of those keys that
 * have the digits found so far, of two ranks as long as these have the same ones. */

typedef struct {
    uint32_t prefix; /* digits found so far */
    int64_t rank;    /* among the keys that have them */
} place;

/* Bits of a key that are left below its first digits; the last digit is shorter. */
static int bits_below(int n_digits)
{
    return n_digits < N_PASSES ? 32 - n_digits * DIGIT_BITS : 0;
}

static int64_t count_digits_of(int64_t n, const float *values, int passes, uint32_t prefix,
                               int64_t *counts)
{
    const int above = bits_below(passes), below = bits_below(passes + 1);
    int64_t n_nan = 0;
    for (int d = 0; d < N_DIGITS; d++)
        counts[d] = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        __builtin_memcpy(&bits, values + i, sizeof bits);
        n_nan += (bits & 0x7fffffffu) > 0x7f800000u;
        bits = ordered(bits);
        if (passes == 0 || bits >> above == prefix)
            counts[bits >> below & ((1u << (above - below)) - 1)]++;
    }
    return n_nan;
}

/* Counts of all parts, in the first of them; how many NaN there are. */
static int64_t count_all(int64_t n, const float *values, int passes, uint32_t prefix, int n_parts,
                         int64_t *counts)
{
    int64_t n_nan = 0;
#pragma omp parallel for num_threads(n_parts) schedule(static) reduction(+ : n_nan)
    for (int p = 0; p < n_parts; p++)
        n_nan += count_digits_of(share(n, p + 1, n_parts) - share(n, p, n_parts),
                                 values + share(n, p, n_parts), passes, prefix,
                                 counts + (size_t) p * N_DIGITS);
    for (int p = 1; p < n_parts; p++)
        for (int d = 0; d < N_DIGITS; d++)
            counts[d] += counts[(size_t) p * N_DIGITS + d];
    return n_nan;
}

/* The next digit of the key at a place. */
static place next_place(place at, int passes, const int64_t *counts)
{
    uint32_t digit = 0;
    while (at.rank >= counts[digit])
        at.rank -= counts[digit++];
    at.prefix = at.prefix << (bits_below(passes) - bits_below(passes + 1)) | digit;
    return at;
}

jc_status jc_middle(int64_t n, const float *values, int n_threads, float middle[2])
{
    if (n < 1 || n_threads < 1) return JC_BAD_ARGUMENT;
    int n_parts = n < n_threads ? (int) n : n_threads;
    int64_t *counts = malloc((size_t) n_parts * N_DIGITS * sizeof *counts), n_nan = 0;
    if (!counts) return JC_NO_MEMORY;
    place at[2] = {{0, (n - 1) / 2}, {0, n / 2}};
    for (int passes = 0; passes < N_PASSES; passes++) {
        int same = at[0].prefix == at[1].prefix;
        for (int k = 0; k < 2; k++) {
            if (k == 0 || !same) n_nan = count_all(n, values, passes, at[k].prefix, n_parts, counts);
            at[k] = next_place(at[k], passes, counts);
        }
    }
    free(counts);
    for (int k = 0; k < 2; k++) {
        uint32_t bits = plain(at[k].prefix);
        __builtin_memcpy(middle + k, &bits, sizeof bits);
        if (n_nan) middle[k] = NAN;
    }
    return JC_OK;
}

#include "likelihood.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"

/* All ramps take one path, JC_LANES neighbours at a time: what is left out is a factor 0. */
#define EACH_LANE(x) _Pragma("omp simd") for (int x = 0; x < JC_LANES; x++)

typedef double lanes[JC_LANES];

typedef struct {                 /* one tile, and room to work; arrays are [difference] */
    lanes *d, *use;              /* differences, 0 if not used; 1 if used */
    lanes *alpha, *beta, *inverse; /* the matrix; 1/pivot from the front */
    lanes *x, *z;                /* M^-1 1 and M^-1 d */
    lanes *drop_one, *rate_one, *drop_two, *rate_two; /* of chi squared; the rate then */
    lanes *diagonal, *residual;  /* S_ii and r_i */
    _Alignas(64) lanes a; lanes b, c; /* A, B, C */
    lanes gain, noise, dark, guess, rate, flags_and;
    float *sorted;               /* [difference][JC_LANES] */
    uint32_t seen[JC_LANES];
    double *values;              /* [integration] */
} tile;

/* Solve for M^-1 1 and M^-1 d, and their products; the matrix for the rate in t->guess. */
JC_INLINE void solve(const jc_likelihood_options *o, tile *t)
{
    const int n = o->n_differences;
    for (int k = 0; k < n; k++) {
        const double photon = o->alpha_photon[k], read = o->alpha_read[k];
        EACH_LANE(i) t->alpha[k][i] =
            t->guess[i] / t->gain[i] * photon + t->noise[i] * t->noise[i] * read;
    }
    for (int k = 0; k + 1 < n; k++) {
        const double photon = o->beta_photon[k], read = o->beta_read[k];
        EACH_LANE(i) t->beta[k][i] =
            (t->guess[i] / t->gain[i] * photon + t->noise[i] * t->noise[i] * read) *
            t->use[k][i] * t->use[k + 1][i];
    }
    EACH_LANE(i) {
        t->inverse[0][i] = 1.0 / t->alpha[0][i];
        t->x[0][i] = t->use[0][i];
        t->z[0][i] = t->d[0][i];
    }
    for (int k = 1; k < n; k++)
        EACH_LANE(i) {
            const double m = t->beta[k - 1][i] * t->inverse[k - 1][i];
            t->inverse[k][i] = 1.0 / (t->alpha[k][i] - m * t->beta[k - 1][i]);
            t->x[k][i] = t->use[k][i] - m * t->x[k - 1][i];
            t->z[k][i] = t->d[k][i] - m * t->z[k - 1][i];
        }
    EACH_LANE(i) t->a[i] = t->b[i] = t->c[i] = 0.0;
    for (int k = n - 1; k >= 0; k--) {
        if (k + 1 < n)
            EACH_LANE(i) {
                t->x[k][i] -= t->beta[k][i] * t->x[k + 1][i];
                t->z[k][i] -= t->beta[k][i] * t->z[k + 1][i];
            }
        EACH_LANE(i) {
            t->x[k][i] *= t->inverse[k][i];
            t->z[k][i] *= t->inverse[k][i];
            t->a[i] += t->d[k][i] * t->z[k][i];
            t->b[i] += t->d[k][i] * t->x[k][i];
            t->c[i] += t->use[k][i] * t->x[k][i];
        }
    }
}

/* What leaving out each difference, and each pair, takes off chi squared, and the rate then. */
JC_INLINE void try_omissions(const jc_likelihood_options *o, tile *t)
{
    const int n = o->n_differences;
    lanes pivot, mean;
    EACH_LANE(i) mean[i] = t->b[i] / t->c[i];
    for (int k = n - 1; k >= 0; k--) {
        lanes coupling;
        if (k + 1 < n) {
            EACH_LANE(i) coupling[i] = t->beta[k][i] / pivot[i];
            if (o->pair[k])      /* the element of M^-1 beside the diagonal, for the pair */
                EACH_LANE(i) t->drop_two[k][i] =
                    -t->beta[k][i] /
                    (pivot[i] / t->inverse[k][i] - t->beta[k][i] * t->beta[k][i]);
            EACH_LANE(i) pivot[i] = t->alpha[k][i] - coupling[i] * t->beta[k][i];
        } else {
            EACH_LANE(i) pivot[i] = t->alpha[k][i];
        }
        EACH_LANE(i) {
            const double x = t->x[k][i];
            const double r = t->residual[k][i] = t->z[k][i] - mean[i] * x;
            const double s = t->diagonal[k][i] =
                1.0 / (1.0 / t->inverse[k][i] + pivot[i] - t->alpha[k][i]) - x * x / t->c[i];
            t->drop_one[k][i] = t->use[k][i] > 0.0 ? r * r / s : 0.0;
            t->rate_one[k][i] = t->use[k][i] > 0.0 ? mean[i] - r / s * x / t->c[i] : mean[i];
        }
    }
    for (int k = 0; k + 1 < n; k++) {
        if (!o->pair[k])
            continue;
        EACH_LANE(i) {
            const double c = t->c[i], x = t->x[k][i], y = t->x[k + 1][i];
            const double r = t->residual[k][i], q = t->residual[k + 1][i];
            const double s = t->diagonal[k][i], u = t->diagonal[k + 1][i];
            const double v = t->drop_two[k][i] - x * y / c, determinant = s * u - v * v;
            const double both = (r * r * u - 2.0 * r * q * v + q * q * s) / determinant;
            const double rate =
                mean[i] - ((r * u - q * v) * x + (q * s - r * v) * y) / determinant / c;
            const double first = t->use[k][i], second = t->use[k + 1][i];
            t->drop_two[k][i] = first > 0.0 && second > 0.0 ? both
                                : first > 0.0               ? t->drop_one[k][i]
                                                            : t->drop_one[k + 1][i];
            t->rate_two[k][i] = first > 0.0 && second > 0.0 ? rate
                                : first > 0.0               ? t->rate_one[k][i]
                                                            : t->rate_one[k + 1][i];
        }
    }
}

JC_INLINE void count_used(int n, const tile *t, double *used)
{
    EACH_LANE(i) used[i] = 0.0;
    for (int k = 0; k < n; k++)
        EACH_LANE(i) used[i] += t->use[k][i];
}

/* Leave out jumps until none is left; t->rate is the rate of what remains. */
JC_INLINE void search_jumps(const jc_likelihood_options *o, tile *t)
{
    const int n = o->n_differences;
    lanes used, active, best_one, best_two, one, two, found;
    count_used(n, t, used);
    EACH_LANE(i) active[i] = used[i] > 2.0 ? 1.0 : 0.0;
    for (int round = 0; round < n; round++) {
        double n_active = 0.0;
        solve(o, t);
        if (round == 0) EACH_LANE(i) t->rate[i] = t->b[i] / t->c[i];
        try_omissions(o, t);
        EACH_LANE(i) best_one[i] = best_two[i] = 0.0;
        for (int k = 0; k < n; k++)
            EACH_LANE(i) best_one[i] =
                t->drop_one[k][i] > best_one[i] ? t->drop_one[k][i] : best_one[i];
        for (int k = 0; k + 1 < n; k++)
            if (o->pair[k])
                EACH_LANE(i) best_two[i] =
                    t->drop_two[k][i] > best_two[i] ? t->drop_two[k][i] : best_two[i];
        EACH_LANE(i) {
            best_two[i] = used[i] > 3.0 ? best_two[i] : 0.0;
            const double better = best_one[i] - o->one > best_two[i] - o->two ? 1.0 : 0.0;
            one[i] = best_one[i] > o->one ? active[i] * better : 0.0;
            two[i] = best_two[i] > o->two ? active[i] * (1.0 - better) : 0.0;
            found[i] = one[i] + two[i];
        }
        for (int k = 0; k < n; k++)
            EACH_LANE(i) {
                const double out = t->drop_one[k][i] == best_one[i] ? one[i] : 0.0;
                t->use[k][i] = out > 0.0 ? 0.0 : t->use[k][i];
                t->rate[i] = out > 0.0 ? t->rate_one[k][i] : t->rate[i];
                one[i] -= out;
            }
        for (int k = 0; k + 1 < n; k++) {
            if (!o->pair[k])
                continue;
            EACH_LANE(i) {
                const double out = t->drop_two[k][i] == best_two[i] ? two[i] : 0.0;
                t->use[k][i] = out > 0.0 ? 0.0 : t->use[k][i];
                t->use[k + 1][i] = out > 0.0 ? 0.0 : t->use[k + 1][i];
                t->rate[i] = out > 0.0 ? t->rate_two[k][i] : t->rate[i];
                two[i] -= out;
            }
        }
        for (int k = 0; k < n; k++)
            EACH_LANE(i) t->d[k][i] = t->use[k][i] > 0.0 ? t->d[k][i] : 0.0;
        count_used(n, t, used);
        EACH_LANE(i) active[i] = found[i] > 0.0 && used[i] > 3.0 ? 1.0 : 0.0;
        for (int i = 0; i < JC_LANES; i++)
            n_active += active[i];
        if (n_active == 0.0) break;
    }
}

/* Differences, flags and the median difference of `width` neighbours. */
JC_INLINE void load_tile(const jc_slope_ramps *in, const jc_likelihood_options *o,
                         const jc_network *network, int integ, int row, int col, int width,
                         tile *t)
{
    const size_t plane = (size_t) in->n_rows * (size_t) in->n_cols;
    const size_t pixel = (size_t) row * (size_t) in->n_cols + (size_t) col;
    const size_t start = (size_t) integ * (size_t) in->n_groups * plane + pixel;
    const int split = o->first_frames > 1, n = o->n_differences, bytes = width * 4;
    float before[JC_LANES] = {0.0f}, after[JC_LANES] = {0.0f}, zero[JC_LANES] = {0.0f};
    uint8_t flags[JC_LANES] = {0}, next[JC_LANES] = {0};
    for (int k = 0; k <= n; k++) {
        const size_t at = start + (size_t) (k > 0 ? k - split : 0) * plane;
        memcpy(after, in->data + at, (size_t) bytes);
        memcpy(next, in->groupdq + at, (size_t) width);
        if (split && k == 0) {
            memcpy(zero, in->zeroframe + (size_t) integ * plane + pixel, (size_t) bytes);
            memcpy(after, zero, sizeof zero);
        }
        if (split && k == 1)
            for (int i = 0; i < JC_LANES; i++)
                after[i] = (after[i] * (float) o->first_frames - zero[i]) /
                           (float) (o->first_frames - 1);
        for (int i = 0; i < JC_LANES; i++) {
            const double unfit = (next[i] & (o->do_not_use | o->saturated)) != 0;
            t->seen[i] = k == 0 ? next[i] : t->seen[i] | next[i];
            t->flags_and[i] = k == 0 ? unfit : t->flags_and[i] * unfit;
            if (k > 0) {
                const double value = (double) (after[i] - before[i]) / o->interval[k - 1];
                const int good = (flags[i] | next[i]) == 0 && value - value == 0.0;
                t->use[k - 1][i] = good;
                t->d[k - 1][i] = good ? value : 0.0;
                t->sorted[(k - 1) * JC_LANES + i] = value - value == 0.0 ? (float) value : 0.0f;
            }
        }
        memcpy(before, after, sizeof before);
        memcpy(flags, next, sizeof flags);
    }
    jc_network_sort(network, t->sorted);
    for (int i = 0; i < JC_LANES; i++) {
        const size_t at = pixel + (size_t) (i < width ? i : 0);
        const double median = 0.5 * ((double) t->sorted[n / 2 * JC_LANES + i] +
                                     (double) t->sorted[(n - 1) / 2 * JC_LANES + i]);
        t->guess[i] = median > 0.0 ? median : 0.0;
        t->gain[i] = in->gain[at];
        t->noise[i] = in->read_noise[at] / sqrt(2.0);
        t->dark[i] = in->dark_current ? in->dark_current[at] : 0.0f;
    }
}

JC_CLONES
static void fit_tile(const jc_slope_ramps *in, const jc_likelihood_options *o,
                     const jc_network *network, int integ, int row, int col, int width, tile *t,
                     const jc_slope_image *out, float *chi_squared)
{
    const int n = o->n_differences;
    lanes poisson, rnoise, before, after;
    load_tile(in, o, network, integ, row, col, width, t);
    count_used(n, t, before);
    search_jumps(o, t);
    count_used(n, t, after);
    EACH_LANE(i) t->guess[i] = (t->rate[i] > 0.0 ? t->rate[i] : 0.0) + t->dark[i];
    solve(o, t);
    EACH_LANE(i) poisson[i] = rnoise[i] = 0.0;
    for (int k = 0; k < n; k++) {
        const double photon = o->alpha_photon[k], read = o->alpha_read[k];
        EACH_LANE(i) {
            const double w = t->use[k][i] * t->x[k][i] / t->c[i];
            poisson[i] += w * w * photon;
            rnoise[i] += w * w * read;
        }
        if (k == 0)
            continue;
        const double with_photon = 2.0 * o->beta_photon[k - 1];
        const double with_read = 2.0 * o->beta_read[k - 1];
        EACH_LANE(i) {
            const double w = t->use[k][i] * t->x[k][i] / t->c[i];
            const double v = t->use[k - 1][i] * t->x[k - 1][i] / t->c[i];
            poisson[i] += w * v * with_photon;
            rnoise[i] += w * v * with_read;
        }
    }
    const size_t pixel = (size_t) row * (size_t) in->n_cols + (size_t) col;
    const size_t at = (size_t) integ * (size_t) in->n_rows * (size_t) in->n_cols + pixel;
    for (int i = 0; i < width; i++) {
        const size_t to = at + (size_t) i;
        uint32_t dq = in->pixeldq[pixel + (size_t) i] | (t->seen[i] & (o->saturated | o->jump));
        if (after[i] < before[i]) dq |= o->jump;
        if (t->flags_and[i] > 0.0 || after[i] == 0.0) dq |= o->do_not_use;
        out->slope[to] = (float) (t->b[i] / t->c[i]);
        out->dq[to] = dq;
        out->var_poisson[to] = (float) (poisson[i] * t->guess[i] / t->gain[i]);
        out->var_rnoise[to] = (float) (rnoise[i] * t->noise[i] * t->noise[i]);
        out->err[to] = t->c[i] > 0.0 ? (float) sqrt(1.0 / t->c[i]) : NAN;
        chi_squared[pixel + (size_t) i] +=
            (float) (t->a[i] - t->b[i] * t->b[i] / t->c[i]);
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

/* Average the integrations of a pixel, each weighted with the inverse of its variance as it would
 * be at the common rate; start from the median. */
static void combine(const jc_slope_ramps *in, const jc_likelihood_options *o, size_t pixel,
                    double *values, const jc_slope_image *ints, const jc_slope_image *rate)
{
    const size_t plane = (size_t) in->n_rows * (size_t) in->n_cols;
    const size_t end = pixel + (size_t) in->n_ints * plane;
    double slope, var_poisson = 0.0, var_rnoise = 0.0;
    uint32_t any = 0, all = UINT32_MAX;
    int n = 0;
    for (size_t at = pixel; at < end; at += plane) {
        if (!isnan(ints->slope[at])) values[n++] = ints->slope[at];
        any |= ints->dq[at];
        all &= ints->dq[at];
    }
    qsort(values, (size_t) n, sizeof *values, by_size);
    slope = n ? (values[n / 2] + values[(n - 1) / 2]) / 2.0 : NAN;
    for (int round = 0; round < 2; round++) {
        double weights = 0.0, sum = 0.0;
        var_poisson = var_rnoise = 0.0;
        for (size_t at = pixel; at < end; at += plane) {
            double ratio = slope / ints->slope[at];
            if (!isfinite(ratio) || ratio < 0.0) ratio = 0.0;
            const double poisson = ints->var_poisson[at] * ratio, rnoise = ints->var_rnoise[at];
            const double weight = 1.0 / (poisson + rnoise);
            if (isnan(weight) || isnan(ints->slope[at]))
                continue;
            weights += weight;
            sum += weight * ints->slope[at];
            var_poisson += weight * weight * poisson;
            var_rnoise += weight * weight * rnoise;
        }
        slope = sum / weights;
        var_poisson /= weights * weights;
        var_rnoise /= weights * weights;
    }
    rate->slope[pixel] = (float) slope;
    rate->dq[pixel] = (any & ~o->do_not_use) | (all & o->do_not_use);
    rate->var_poisson[pixel] = (float) var_poisson;
    rate->var_rnoise[pixel] = (float) var_rnoise;
    rate->err[pixel] = (float) sqrt(var_poisson + var_rnoise);
}

static void fit_row(const jc_slope_ramps *in, const jc_likelihood_options *o,
                    const jc_network *network, int row, tile *t, const jc_slope_image *rate,
                    const jc_slope_image *ints, float *chi_squared)
{
    const size_t start = (size_t) row * (size_t) in->n_cols, n = (size_t) in->n_cols;
    memset(chi_squared + start, 0, n * sizeof *chi_squared);
    for (int i = 0; i < in->n_ints; i++)
        for (int col = 0; col < in->n_cols; col += JC_LANES)
            fit_tile(in, o, network, i, row, col,
                     in->n_cols - col < JC_LANES ? in->n_cols - col : JC_LANES, t, ints,
                     chi_squared);
    if (in->n_ints == 1) {
        memcpy(rate->slope + start, ints->slope + start, n * sizeof(float));
        memcpy(rate->dq + start, ints->dq + start, n * sizeof(uint32_t));
        memcpy(rate->var_poisson + start, ints->var_poisson + start, n * sizeof(float));
        memcpy(rate->var_rnoise + start, ints->var_rnoise + start, n * sizeof(float));
        memcpy(rate->err + start, ints->err + start, n * sizeof(float));
        return;
    }
    for (size_t x = 0; x < n; x++)
        combine(in, o, start + x, t->values, ints, rate);
}

enum { N_ARRAYS = 13 };

static void free_tile(tile *t)
{
    if (t == NULL)
        return;
    free(t->d);
    free(t->sorted);
    free(t->values);
    free(t);
}

static tile *new_tile(int n_differences, int n_ints)
{
    const size_t n = (size_t) n_differences;
    tile *t = jc_room(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->d = jc_room(N_ARRAYS * n, sizeof *t->d);
    t->sorted = jc_room(n * JC_LANES, sizeof *t->sorted);
    t->values = malloc((size_t) n_ints * sizeof *t->values);
    if (t->d == NULL || t->sorted == NULL || t->values == NULL) {
        free_tile(t);
        return NULL;
    }
    lanes **arrays[N_ARRAYS] = {&t->d,        &t->use,      &t->alpha,    &t->beta,
                                &t->inverse,  &t->x,        &t->z,        &t->drop_one,
                                &t->rate_one, &t->drop_two, &t->rate_two, &t->diagonal,
                                &t->residual};
    for (int k = 1; k < N_ARRAYS; k++)
        *arrays[k] = t->d + (size_t) k * n;
    return t;
}

jc_status jc_likelihood(const jc_slope_ramps *in, const jc_likelihood_options *o, int n_threads,
                        const jc_slope_image *rate, const jc_slope_image *rateints,
                        float *chi_squared)
{
    const int split = o->first_frames > 1, n = o->n_differences;
    jc_network network;
    int failed = 0;
    if (in->n_ints < 1 || in->n_rows < 1 || in->n_cols < 1 || n < 3 || n_threads < 1 ||
        n != in->n_groups - 1 + split || (split && in->zeroframe == NULL))
        return JC_BAD_ARGUMENT;
    for (int k = 0; k < n; k++)
        if (!(o->interval[k] > 0.0))
            return JC_BAD_ARGUMENT;
    const jc_status status = jc_network_make(&network, n, (n - 1) / 2, n / 2);
    if (status != JC_OK)
        return status;
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        tile *t = new_tile(n, in->n_ints);
        failed |= t == NULL;
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            if (t) fit_row(in, o, &network, row, t, rate, rateints, chi_squared);
        free_tile(t);
    }
    jc_network_free(&network);
    return failed ? JC_NO_MEMORY : JC_OK;
}

#include "likelihood.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "keeper.h"
#include "network.h"

/* JC_LANES neighbours at a time take one path: what is left out is a factor 0. Few ramps have jumps,
 * and chi squared tells most of those that have none; the others are gathered, to be searched when
 * they fill all lanes. */
enum { AHEAD = 4 * JC_LANES };   /* columns: memory that is fetched ahead */

#define EACH_LANE(x) _Pragma("omp simd") for (int x = 0; x < JC_LANES; x++)

typedef double lanes[JC_LANES];

typedef struct {                 /* one tile, and room to work; arrays are [difference] */
    lanes *d, *use;              /* differences, 0 if not used; 1 if used */
    lanes *alpha, *beta, *inverse; /* the matrix; 1/pivot from the front */
    lanes *x, *z;                /* M^-1 1 and M^-1 d */
    lanes *drop_one, *rate_one, *drop_two, *rate_two; /* of chi squared; the rate then */
    lanes *diagonal, *residual;  /* S_ii and r_i */
    lanes a, b, c;               /* A, B, C */
    lanes gain, noise, dark, guess, rate;
    lanes unfit;                 /* not 0 if every group is saturated or not to be used */
    lanes used, searched;        /* number of differences used at first; 1 if searched for jumps */
    uint32_t seen[JC_LANES];
    size_t pixel[JC_LANES];
    int n;                       /* lanes that hold a ramp */
    float (*counts)[JC_LANES];   /* [group], DN */
    uint8_t (*flags)[JC_LANES];  /* [group] */
} tile;

typedef struct {                 /* of a thread */
    const jc_slope_ramps *in;
    const jc_likelihood_options *o;
    const jc_network *differences, *integrations;
    tile *fresh, *suspects;
    float *sorted;               /* [difference or integration][JC_LANES] */
} worker;

/* Solve for M^-1 1 and M^-1 d, and their products; the matrix for the rate in t->guess. */
JC_INLINE void solve(const jc_likelihood_options *o, tile *t, const int all_used)
{
    const int n = o->n_differences;
    lanes rate, noise, m;
    EACH_LANE(i) {
        rate[i] = t->guess[i] / t->gain[i];
        noise[i] = t->noise[i] * t->noise[i];
    }
    for (int k = 0; k < n; k++) {
        const double photon = o->alpha_photon[k], read = o->alpha_read[k];
        const double beside = k ? o->beta_photon[k - 1] : 0.0, beside_read = k ? o->beta_read[k - 1] : 0.0;
        const int before = k ? k - 1 : 0;
        double *restrict alpha = t->alpha[k], *restrict beta = t->beta[before];
        double *restrict inverse = t->inverse[k], *restrict x = t->x[k], *restrict z = t->z[k];
        const double *restrict inverse0 = t->inverse[before], *restrict x0 = t->x[before];
        const double *restrict z0 = t->z[before], *restrict d = t->d[k], *restrict use = t->use[k];
        const double *restrict use0 = t->use[before];
        EACH_LANE(i) alpha[i] = rate[i] * photon + noise[i] * read;
        if (k == 0) {
            EACH_LANE(i) {
                inverse[i] = 1.0 / alpha[i];
                x[i] = all_used ? 1.0 : use[i];
                z[i] = d[i];
            }
            continue;
        }
        EACH_LANE(i) {
            const double b = rate[i] * beside + noise[i] * beside_read;
            beta[i] = all_used ? b : b * use0[i] * use[i];
            m[i] = beta[i] * inverse0[i];
        }
        EACH_LANE(i) {
            inverse[i] = 1.0 / (alpha[i] - m[i] * beta[i]);
            x[i] = (all_used ? 1.0 : use[i]) - m[i] * x0[i];
            z[i] = d[i] - m[i] * z0[i];
        }
    }
    EACH_LANE(i) t->a[i] = t->b[i] = t->c[i] = 0.0;
    for (int k = n - 1; k >= 0; k--) {
        double *restrict x = t->x[k], *restrict z = t->z[k];
        const double *restrict inverse = t->inverse[k], *restrict d = t->d[k];
        const double *restrict use = t->use[k], *restrict beta = t->beta[k];
        const double *restrict x1 = t->x[k + 1], *restrict z1 = t->z[k + 1];
        if (k + 1 < n)
            EACH_LANE(i) {
                x[i] -= beta[i] * x1[i];
                z[i] -= beta[i] * z1[i];
            }
        EACH_LANE(i) {
            x[i] *= inverse[i];
            z[i] *= inverse[i];
            t->a[i] += d[i] * z[i];
            t->b[i] += d[i] * x[i];
            t->c[i] += all_used ? x[i] : use[i] * x[i];
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
    memcpy(used, t->used, sizeof used);
    EACH_LANE(i) active[i] = used[i] > 2.0 ? 1.0 : 0.0;
    for (int round = 0; round < n; round++) {
        double n_active = 0.0;
        solve(o, t, 0);
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

/* The groups of `width` neighbours in t->counts, and their flags; returns whether any is set. */
JC_INLINE int load_groups(const worker *w, int integ, size_t pixel, int width)
{
    const jc_slope_ramps *in = w->in;
    const jc_likelihood_options *o = w->o;
    tile *t = w->fresh;
    const size_t plane = (size_t) in->n_rows * (size_t) in->n_cols;
    const size_t start = (size_t) integ * (size_t) in->n_groups * plane + pixel;
    const size_t bytes = (size_t) width * sizeof(float);
    const int split = o->first_frames > 1;
    uint8_t any[JC_LANES] = {0}, flagged = 0;
    for (int k = 0; k <= o->n_differences; k++) {
        const size_t at = start + (size_t) (k > 0 ? k - split : 0) * plane;
        const float *from = in->data + at;
        if (split && k == 0) from = in->zeroframe + (size_t) integ * plane + pixel;
        memcpy(t->counts[k], from, bytes);
        memcpy(t->flags[k], in->groupdq + at, (size_t) width);
        __builtin_prefetch(from + AHEAD);
        __builtin_prefetch(in->groupdq + at + AHEAD);
        for (int i = 0; i < JC_LANES; i++)
            any[i] |= t->flags[k][i];
    }
    if (split)
        for (int i = 0; i < JC_LANES; i++)
            t->counts[1][i] = (t->counts[1][i] * (float) o->first_frames - t->counts[0][i]) /
                              (float) (o->first_frames - 1);
    for (int i = 0; i < JC_LANES; i++) {
        t->seen[i] = any[i];
        flagged |= any[i];
    }
    return flagged != 0;
}

/* Which differences are used. */
JC_INLINE void find_used(const jc_likelihood_options *o, tile *t)
{
    const uint8_t unfit = (uint8_t) (o->do_not_use | o->saturated);
    uint8_t all[JC_LANES];
    memset(all, unfit, sizeof all);
    EACH_LANE(i) t->used[i] = 0.0;
    for (int k = 0; k <= o->n_differences; k++) {
        uint8_t good[JC_LANES];
        for (int i = 0; i < JC_LANES; i++)
            all[i] = all[i] && t->flags[k][i] & unfit;
        if (k == 0)
            continue;
        for (int i = 0; i < JC_LANES; i++)
            good[i] = (t->flags[k - 1][i] | t->flags[k][i]) == 0;
        EACH_LANE(i) {
            const double value = t->d[k - 1][i];
            const double use = good[i] && value - value == 0.0 ? 1.0 : 0.0;
            t->use[k - 1][i] = use;
            t->used[i] += use;
            t->d[k - 1][i] = use > 0.0 ? value : 0.0;
        }
    }
    for (int i = 0; i < JC_LANES; i++)
        t->unfit[i] = all[i];
}

/* Differences, flags and the median difference of `width` neighbours; returns whether all
 * differences are used. */
JC_INLINE int load_tile(const worker *w, int integ, int row, int col, int width)
{
    const jc_slope_ramps *in = w->in;
    const jc_likelihood_options *o = w->o;
    tile *t = w->fresh;
    const size_t pixel = (size_t) row * (size_t) in->n_cols + (size_t) col;
    const int n = o->n_differences;
    int some_unused = load_groups(w, integ, pixel, width);
    double odd[JC_LANES] = {0.0};
    for (int k = 0; k < n; k++) {
        const double interval = o->interval[k];
        const float *before = t->counts[k], *after = t->counts[k + 1];
        double *restrict d = t->d[k];
        float *restrict sorted = w->sorted + k * JC_LANES;
        EACH_LANE(i) {
            const double value = (double) (after[i] - before[i]) / interval;
            d[i] = value;
            odd[i] += value - value; /* NaN, once it is */
            sorted[i] = value - value == 0.0 ? (float) value : 0.0f;
        }
    }
    for (int i = 0; i < JC_LANES; i++)
        some_unused |= !(odd[i] == 0.0);
    if (some_unused)
        find_used(o, t);
    else
        EACH_LANE(i) {
            t->used[i] = n;
            t->unfit[i] = 0.0;
        }
    jc_network_sort(w->differences, w->sorted);
    const float *low = w->sorted + (n - 1) / 2 * JC_LANES, *high = w->sorted + n / 2 * JC_LANES;
    EACH_LANE(i) {
        const double median = 0.5 * ((double) high[i] + (double) low[i]);
        t->guess[i] = median > 0.0 ? median : 0.0;
    }
    float gain[JC_LANES], noise[JC_LANES];
    jc_copy_plane(in->gain, pixel, in->gain_swapped, gain, width);
    jc_copy_plane(in->read_noise, pixel, in->noise_swapped, noise, width);
    for (int i = 0; i < JC_LANES; i++) {
        const size_t at = pixel + (size_t) (i < width ? i : 0);
        t->gain[i] = gain[i < width ? i : 0];
        t->noise[i] = noise[i < width ? i : 0] / sqrt(2.0);
        t->dark[i] = in->dark_current ? in->dark_current[at] : 0.0f;
        t->pixel[i] = at;
    }
    t->n = width;
    return !some_unused;
}

/* Which ramps have to be searched: no omission takes off more than chi squared, which has to stay
 * below both thresholds, with room for rounding. */
JC_INLINE int find_suspects(const jc_likelihood_options *o, tile *t)
{
    const double least = 0.999 * (o->one < o->two ? o->one : o->two);
    int any = 0;
    for (int i = 0; i < JC_LANES; i++) {
        const double chi_squared = t->a[i] - t->b[i] * t->b[i] / t->c[i];
        const int safe = chi_squared + 1e-9 * t->a[i] < least;
        t->rate[i] = t->b[i] / t->c[i];
        t->searched[i] = t->used[i] > 2.0 && !safe ? 1.0 : 0.0;
    }
    for (int i = 0; i < t->n; i++)
        any |= t->searched[i] > 0.0;
    return any;
}

/* Fit at the rate found; store the lanes that were searched, or those that were not. */
JC_INLINE void finish(const worker *w, tile *t, int integ, const double searched,
                      const int all_used, const jc_slope_image *out, float *chi_squared)
{
    const jc_slope_ramps *in = w->in;
    const jc_likelihood_options *o = w->o;
    const int n = o->n_differences;
    lanes poisson, rnoise, after;
    float slope[JC_LANES], var_poisson[JC_LANES], var_rnoise[JC_LANES], err[JC_LANES];
    float chi[JC_LANES];
    memcpy(after, t->used, sizeof after);
    if (searched > 0.0) count_used(n, t, after);
    EACH_LANE(i) t->guess[i] = (t->rate[i] > 0.0 ? t->rate[i] : 0.0) + t->dark[i];
    solve(o, t, all_used);
    EACH_LANE(i) poisson[i] = rnoise[i] = 0.0;
    for (int k = 0; k < n; k++) {
        const double photon = o->alpha_photon[k], read = o->alpha_read[k];
        double *restrict weight = t->drop_one[k], *restrict last = t->drop_one[k ? k - 1 : 0];
        EACH_LANE(i) {
            const double x = t->x[k][i];
            const double w = (all_used ? x : t->use[k][i] * x) / t->c[i];
            weight[i] = w;
            poisson[i] += w * w * photon;
            rnoise[i] += w * w * read;
        }
        if (k == 0)
            continue;
        const double with_photon = 2.0 * o->beta_photon[k - 1];
        const double with_read = 2.0 * o->beta_read[k - 1];
        EACH_LANE(i) {
            poisson[i] += weight[i] * last[i] * with_photon;
            rnoise[i] += weight[i] * last[i] * with_read;
        }
    }
    EACH_LANE(i) {
        slope[i] = (float) (t->b[i] / t->c[i]);
        var_poisson[i] = (float) (poisson[i] * t->guess[i] / t->gain[i]);
        var_rnoise[i] = (float) (rnoise[i] * t->noise[i] * t->noise[i]);
        err[i] = t->c[i] > 0.0 ? (float) sqrt(1.0 / t->c[i]) : NAN;
        chi[i] = (float) (t->a[i] - t->b[i] * t->b[i] / t->c[i]);
    }
    const size_t first = (size_t) integ * (size_t) in->n_rows * (size_t) in->n_cols;
    for (int i = 0; i < t->n; i++) {
        if (t->searched[i] != searched)
            continue;
        const size_t at = t->pixel[i], to = first + at;
        uint32_t dq = in->pixeldq[at] | (t->seen[i] & (o->saturated | o->jump));
        if (after[i] < t->used[i]) dq |= o->jump;
        if (t->unfit[i] > 0.0 || after[i] == 0.0) dq |= o->do_not_use;
        out->slope[to] = slope[i];
        out->dq[to] = dq;
        out->var_poisson[to] = var_poisson[i];
        out->var_rnoise[to] = var_rnoise[i];
        out->err[to] = err[i];
        chi_squared[at] += chi[i];
    }
}

/* Search the gathered ramps for jumps, fit and store them. */
JC_CLONES
static void fit_suspects(const worker *w, int integ, const jc_slope_image *out, float *chi_squared)
{
    tile *t = w->suspects;
    if (t->n == 0)
        return;
    search_jumps(w->o, t);
    finish(w, t, integ, 1.0, 0, out, chi_squared);
    t->n = 0;
}

static void gather(const worker *w, int lane, int all_used)
{
    const tile *from = w->fresh;
    tile *to = w->suspects;
    const int i = to->n++;
    for (int k = 0; k < w->o->n_differences; k++) {
        to->d[k][i] = from->d[k][lane];
        to->use[k][i] = all_used ? 1.0 : from->use[k][lane];
    }
    to->gain[i] = from->gain[lane];
    to->noise[i] = from->noise[lane];
    to->dark[i] = from->dark[lane];
    to->guess[i] = from->guess[lane];
    to->unfit[i] = from->unfit[lane];
    to->used[i] = from->used[lane];
    to->seen[i] = from->seen[lane];
    to->pixel[i] = from->pixel[lane];
    to->searched[i] = 1.0;
}

JC_CLONES
static void fit_tile(const worker *w, int integ, int row, int col, int width,
                     const jc_slope_image *out, float *chi_squared)
{
    tile *t = w->fresh;
    const int all_used = load_tile(w, integ, row, col, width);
    if (all_used)
        solve(w->o, t, 1);
    else
        solve(w->o, t, 0);
    if (find_suspects(w->o, t))
        for (int i = 0; i < width; i++) {
            if (t->searched[i] == 0.0)
                continue;
            gather(w, i, all_used);
            if (w->suspects->n == JC_LANES) fit_suspects(w, integ, out, chi_squared);
        }
    if (all_used)
        finish(w, t, integ, 0.0, 1, out, chi_squared);
    else
        finish(w, t, integ, 0.0, 0, out, chi_squared);
}

/* The median of each lane's rates that are not NaN: those that are become infinities, of either
 * sign in turn. */
JC_INLINE void median_rates(const worker *w, size_t pixel, int width, const float *slopes,
                            double *restrict median)
{
    const jc_slope_ramps *in = w->in;
    const size_t plane = (size_t) in->n_rows * (size_t) in->n_cols;
    const int all = in->n_ints;
    int32_t n[JC_LANES] = {0};
    float pad[JC_LANES];
    for (int i = 0; i < JC_LANES; i++)
        pad[i] = INFINITY;
    for (int k = 0; k < all; k++) {
        const float *from = slopes + (size_t) k * plane + pixel;
        float *restrict to = w->sorted + (size_t) k * JC_LANES;
        for (int i = 0; i < width; i++) {
            const int good = from[i] == from[i];
            to[i] = good ? from[i] : pad[i];
            pad[i] = good ? pad[i] : -pad[i];
            n[i] += good;
        }
        for (int i = width; i < JC_LANES; i++)
            to[i] = 0.0f;
    }
    jc_network_sort(w->integrations, w->sorted);
    for (int i = 0; i < width; i++) {
        const int one_more = (all - n[i]) & 1; /* infinity above than below */
        const double low = w->sorted[(all - 1 - one_more) / 2 * JC_LANES + i];
        const double high = w->sorted[(all - one_more) / 2 * JC_LANES + i];
        median[i] = n[i] ? (low + high) / 2.0 : NAN;
    }
}

/* Average the integrations of neighbours, each weighted with the inverse of its variance as it
 * would be at the common rate; start from the median. */
JC_CLONES
static void combine(const worker *w, size_t pixel, int width, const jc_slope_image *ints,
                    const jc_slope_image *rate)
{
    const jc_slope_ramps *in = w->in;
    const uint32_t do_not_use = w->o->do_not_use;
    const size_t plane = (size_t) in->n_rows * (size_t) in->n_cols;
    lanes slope, var_poisson, var_rnoise;
    uint32_t any[JC_LANES] = {0}, all[JC_LANES];
    median_rates(w, pixel, width, ints->slope, slope);
    for (int round = 0; round < 2; round++) {
        lanes weights = {0.0}, sum = {0.0};
        for (int i = 0; i < JC_LANES; i++)
            var_poisson[i] = var_rnoise[i] = 0.0;
        for (int k = 0; k < in->n_ints; k++) {
            const size_t at = (size_t) k * plane + pixel;
            const float *own = ints->slope + at, *vp = ints->var_poisson + at;
            const float *vr = ints->var_rnoise + at;
            for (int i = 0; i < width; i++) {
                double ratio = slope[i] / own[i];
                ratio = ratio - ratio == 0.0 && ratio >= 0.0 ? ratio : 0.0;
                const double poisson = vp[i] * ratio, rnoise = vr[i];
                double weight = 1.0 / (poisson + rnoise);
                const int good = (weight == weight) & (own[i] == own[i]);
                const double product = weight * own[i];
                const double square_p = weight * weight * poisson;
                const double square_r = weight * weight * rnoise;
                weights[i] += good ? weight : 0.0;
                sum[i] += good ? product : 0.0;
                var_poisson[i] += good ? square_p : 0.0;
                var_rnoise[i] += good ? square_r : 0.0;
            }
        }
        for (int i = 0; i < width; i++) {
            slope[i] = sum[i] / weights[i];
            var_poisson[i] /= weights[i] * weights[i];
            var_rnoise[i] /= weights[i] * weights[i];
        }
    }
    for (int i = 0; i < width; i++)
        all[i] = UINT32_MAX;
    for (int k = 0; k < in->n_ints; k++)
        for (int i = 0; i < width; i++) {
            const uint32_t dq = ints->dq[(size_t) k * plane + pixel + (size_t) i];
            any[i] |= dq;
            all[i] &= dq;
        }
    for (int i = 0; i < width; i++) {
        const size_t at = pixel + (size_t) i;
        rate->slope[at] = (float) slope[i];
        rate->dq[at] = (any[i] & ~do_not_use) | (all[i] & do_not_use);
        rate->var_poisson[at] = (float) var_poisson[i];
        rate->var_rnoise[at] = (float) var_rnoise[i];
        rate->err[at] = (float) sqrt(var_poisson[i] + var_rnoise[i]);
    }
}

static void fit_row(const worker *w, int row, const jc_slope_image *rate,
                    const jc_slope_image *ints, float *chi_squared)
{
    const jc_slope_ramps *in = w->in;
    const size_t start = (size_t) row * (size_t) in->n_cols, n = (size_t) in->n_cols;
    memset(chi_squared + start, 0, n * sizeof *chi_squared);
    for (int i = 0; i < in->n_ints; i++) {
        for (int col = 0; col < in->n_cols; col += JC_LANES)
            fit_tile(w, i, row, col, in->n_cols - col < JC_LANES ? in->n_cols - col : JC_LANES,
                     ints, chi_squared);
        fit_suspects(w, i, ints, chi_squared);
        jc_settle(2 * in->n_groups + 5);
    }
    if (in->n_ints == 1) {
        memcpy(rate->slope + start, ints->slope + start, n * sizeof(float));
        memcpy(rate->dq + start, ints->dq + start, n * sizeof(uint32_t));
        memcpy(rate->var_poisson + start, ints->var_poisson + start, n * sizeof(float));
        memcpy(rate->var_rnoise + start, ints->var_rnoise + start, n * sizeof(float));
        memcpy(rate->err + start, ints->err + start, n * sizeof(float));
        return;
    }
    for (int col = 0; col < in->n_cols; col += JC_LANES)
        combine(w, start + (size_t) col, in->n_cols - col < JC_LANES ? in->n_cols - col : JC_LANES,
                ints, rate);
}

enum { N_ARRAYS = 13 };

static void free_tile(tile *t)
{
    if (t == NULL)
        return;
    free(t->d);
    free(t->counts);
    free(t->flags);
    free(t);
}

static tile *new_tile(int n_differences)
{
    const size_t n = (size_t) n_differences;
    tile *t = jc_room(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->d = jc_room(N_ARRAYS * n, sizeof *t->d);
    t->counts = jc_room(n + 1, sizeof *t->counts);
    t->flags = jc_room(n + 1, sizeof *t->flags);
    if (t->d == NULL || t->counts == NULL || t->flags == NULL) {
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

static void dismiss(worker *w)
{
    free_tile(w->fresh);
    free_tile(w->suspects);
    free(w->sorted);
}

static int hire(worker *w)
{
    const int n = w->o->n_differences, most = n > w->in->n_ints ? n : w->in->n_ints;
    w->fresh = new_tile(n);
    w->suspects = new_tile(n);
    w->sorted = jc_room((size_t) most * JC_LANES, sizeof *w->sorted);
    return w->fresh && w->suspects && w->sorted;
}

jc_status jc_likelihood(const jc_slope_ramps *in, const jc_likelihood_options *o, int n_threads,
                        const jc_slope_image *rate, const jc_slope_image *rateints,
                        float *chi_squared)
{
    const int split = o->first_frames > 1, n = o->n_differences, n_ints = in->n_ints;
    jc_network differences, integrations;
    int failed = 0;
    if (n_ints < 1 || in->n_rows < 1 || in->n_cols < 1 || n < 3 || n_threads < 1 ||
        n != in->n_groups - 1 + split || (split && in->zeroframe == NULL))
        return JC_BAD_ARGUMENT;
    for (int k = 0; k < n; k++)
        if (!(o->interval[k] > 0.0))
            return JC_BAD_ARGUMENT;
    jc_status status = jc_network_make(&differences, n, (n - 1) / 2, n / 2);
    if (status != JC_OK)
        return status;
    status = jc_network_make(&integrations, n_ints, n_ints > 1 ? (n_ints - 2) / 2 : 0, n_ints / 2);
    if (status != JC_OK) {
        jc_network_free(&differences);
        return status;
    }
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        worker w = {.in = in, .o = o, .differences = &differences, .integrations = &integrations};
        const int ready = hire(&w);
        failed |= !ready;
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            if (ready) fit_row(&w, row, rate, rateints, chi_squared);
        dismiss(&w);
    }
    jc_network_free(&differences);
    jc_network_free(&integrations);
    return failed ? JC_NO_MEMORY : JC_OK;
}

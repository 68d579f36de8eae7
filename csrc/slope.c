#include "slope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "keeper.h"
#include "network.h"

/* Three paths share one definition of the fit. Ramps without any flag ("plain", the bulk) go through
 * vector loops over a strip of pixels: short ones in registers, tile by tile, long ones by a sorting
 * network. Those with flags are gathered into the lanes of a batch. What neither knows (segments wanted
 * one by one, ramps of a single group, charge migration, infinities) is loaded and fitted ramp by ramp.
 * They agree to the last bit as all sum the same products of coefficients and differences in the same
 * order, and the median of numbers does not depend on how they are sorted.
 * The Poisson variance needs the median rate over all integrations, hence two passes over a strip
 * of pixels: slopes and medians first, variances and averages second. */
/* STRIP: columns at most, two of them a row of a full frame. MANY: ramps of a strip for which its rows
 * are copied, rather than gathered one by one. SHORT: groups of a ramp that is fitted in registers. */
enum { STRIP = 1088, MANY = STRIP / 8, TILE = JC_LANES, N_POWERS = 6, LONGEST_TABLE = 512, SHORT = 12 };

/* Without the pragma gcc unrolls these loops into scalars before it can vectorise them. */
#define UNROLL _Pragma("GCC unroll 16")
#define EACH_LANE(x) _Pragma("omp simd") for (int x = 0; x < JC_LANES; x++)

static const double SNR_FROM[N_POWERS - 1] = {5.0, 10.0, 20.0, 50.0, 100.0};
static const float POWER[N_POWERS] = {0.0f, 0.4f, 1.0f, 3.0f, 6.0f, 10.0f};
static const double LARGE_VARIANCE = 1.0e6;

typedef struct {                 /* what all rows share */
    const jc_slope_ramps *in;
    const jc_slope_options *opt;
    const jc_slope_image *rate, *rateints;
    size_t step;
    const jc_slope_segments *segments;
    double *tables;              /* coefficients of the lengths up to longest, one after another */
    double *table[N_POWERS];     /* in it */
    double *whole[N_POWERS];     /* those of an unflagged ramp */
    int longest;
    jc_network network;          /* puts the median of used-1 differences in its place */
    int sorts, by_lanes;         /* whether it does so in lanes; whether lanes are fitted */
} plan;

typedef struct { double gain, noise, dark; uint32_t dq; } pixel;

typedef struct {                 /* one ramp that takes the careful path */
    double *y;                   /* DN; NaN where saturated */
    uint8_t *q;                  /* flags as fitted */
    uint8_t *uncharged;          /* flags without those of charge migration */
    double alone_time;           /* exposure time of a segment of one group */
    double first;                /* y[0] before the zero frame took its place */
    int alone;                   /* whether a single group is all there is */
    int n_saturated;
    uint32_t seen;               /* union of the flags */
} ramp;

typedef struct {                 /* where a ramp is */
    const float *data;
    const uint8_t *groupdq;
    size_t stride;               /* from group to group */
    const float *zero;           /* its first frame, or NULL */
} source;

typedef struct { int start, length; } segment;

typedef struct { double poisson, rnoise, err, slope; } sums; /* of 1/var; of slope/var_rnoise */

typedef struct {                 /* a pixel's ramps that took the careful path */
    sums sum;
    double charge;               /* 1/var_rnoise, with the groups of charge migration */
    uint32_t seen;
    int n_bad, n_full, has_saturated, has_charge;
} tally;

typedef struct {                 /* ramps with flags, one in each lane */
    int n, where[JC_LANES];      /* columns of the strip; beyond n those of the first */
    _Alignas(64) double (*y)[JC_LANES]; /* [group], DN; NaN where saturated */
    uint32_t (*good)[JC_LANES], (*landed)[JC_LANES]; /* [word], a bit for each group: good to fit,
                                                        flagged as a jump and nothing else; */
    uint32_t (*from)[JC_LANES], (*to)[JC_LANES]; /* ends of the segments that are left to fit */
    float (*value)[JC_LANES];    /* [group], as it is in the exposure */
    uint8_t (*flag)[JC_LANES];
    int32_t (*q)[JC_LANES];      /* [group], flags as fitted */
    int32_t start[JC_LANES], length[JC_LANES]; /* of a segment; length 0: no more of them */
    double rise[JC_LANES];       /* DN, from its first to its last group */
    _Alignas(64) double rate[JC_LANES]; /* median */
    int32_t seen[JC_LANES];      /* union of the flags */
    int32_t n_saturated[JC_LANES];
    int32_t by_itself[JC_LANES]; /* not a ramp for lanes */
} batch;

typedef struct {                 /* part of a row of jc_slope_image, before it goes to memory */
    _Alignas(64) float slope[STRIP];
    uint32_t dq[STRIP];
    float var_poisson[STRIP], var_rnoise[STRIP], err[STRIP];
} results;

typedef struct {                 /* one strip of pixels, and room to work */
    _Alignas(64) float (*rows)[STRIP];        /* [group], of one integration */
    uint8_t (*row_flags)[STRIP];
    source from;                 /* the strip's ramps of one integration: in rows, or not */
    _Alignas(64) uint8_t flags[STRIP]; /* their union, and unfit */
    double (*sorted)[JC_LANES], (*rise)[JC_LANES];
    double *y, *differences, *coefficients; /* y: [lane][group] */
    uint8_t *q, *uncharged;      /* [lane][group] */
    uint8_t *plain;              /* [integration][STRIP] */
    uint8_t has_rate[STRIP];
    _Alignas(64) double gain[STRIP]; double noise[STRIP], dark[STRIP];
    double vp[STRIP], vr[STRIP]; /* of an unflagged ramp */
    uint8_t unfit[STRIP];        /* not 0: the noise rules out the plain path */
    double factor[STRIP];        /* of its slope: NaN for a bad pixel, 0 for a huge variance */
    double median[STRIP], slopes_sum[STRIP], n_plain[STRIP];
    double sums[STRIP], mean[STRIP]; /* of the variances, of integrations and exposure */
    results whole, each, rate;   /* of unflagged ramps, one integration, the exposure */
    float (*slopes)[STRIP];      /* [integration], of unflagged ramps */
    batch batch;
    int n_flagged, flagged[STRIP]; /* columns of the ramps that are not plain */
    tally tallies[STRIP];
} strip;

/* ---- coefficients ------------------------------------------------------------------------- */

/* What of a segment's signal-to-noise ratio squared is compared: that of its last minus first
 * group, and the variance; a signal that is none is below everything. */
JC_INLINE double squared_signal(double difference, double gain, double noise, double *variance)
{
    const double signal = difference * gain;
    *variance = noise * noise + signal;
    return (signal > 0.0) & (*variance > 0.0) ? signal * signal : -INFINITY;
}

static int power_of(double difference, double gain, double noise)
{
    double variance;
    const double squared = squared_signal(difference, gain, noise, &variance);
    int power = 0;
    while (power < N_POWERS - 1 && squared >= SNR_FROM[power] * SNR_FROM[power] * variance)
        power++;
    return power;
}

static double weight_of(int k, int length, int power)
{
    const double middle = (length - 1) / 2.0;
    const float distance = (float) fabs((k - middle) * (1.0 / middle));
    return (float) pow(distance, POWER[power]);
}

/* The slope is sum c[k] (y[L-1-k] - y[k]) over the first half. */
static void fill_coefficients(int length, int power, double group_time, double *c)
{
    const double middle = (length - 1) / 2.0;
    double norm = 0.0;
    for (int k = 0; k < length / 2; k++) {
        c[k] = weight_of(k, length, power) * (middle - k);
        norm += 2.0 * c[k] * (middle - k);
    }
    for (int k = 0; k < length / 2; k++)
        c[k] /= norm * group_time;
}

static size_t table_start(int length)
{
    return (size_t) (length - 1) * (size_t) (length - 1) / 4;
}

static const double *coefficients_of(const plan *p, int length, int power, double *room)
{
    if (length <= p->longest)
        return p->table[power] + table_start(length);
    if (length == p->in->used)
        return p->whole[power];
    fill_coefficients(length, power, p->opt->group_time, room);
    return room;
}

/* ---- medians ------------------------------------------------------------------------------ */

static void swap(double *a, double *b)
{
    const double t = *a;
    *a = *b;
    *b = t;
}

/* Median of n >= 1 numbers, which are reordered (Hoare's selection). */
static double median_of(double *v, int n)
{
    const int middle = n / 2;
    int low = 0, high = n - 1;
    while (low < high) {
        const double pivot = v[middle];
        int i = low, j = high;
        while (i <= j) {
            while (v[i] < pivot) i++;
            while (pivot < v[j]) j--;
            if (i <= j) swap(v + i++, v + j--);
        }
        if (j < middle) low = i;
        if (middle < i) high = j;
    }
    if (n & 1)
        return v[middle];
    double below = v[0];
    for (int i = 1; i < middle; i++)
        if (v[i] > below) below = v[i];
    return (v[middle] + below) / 2.0;
}

/* ---- one ramp, with flags ----------------------------------------------------------------- */

static size_t image_index(const jc_slope_ramps *in, int row, int col)
{
    return (size_t) row * (size_t) in->n_cols + (size_t) col;
}

static size_t plane_index(const jc_slope_ramps *in, size_t plane, int row, int col)
{
    return plane * (size_t) in->n_rows * (size_t) in->n_cols + image_index(in, row, col);
}

static size_t group_index(const jc_slope_ramps *in, int integ, int group, int row, int col)
{
    return plane_index(in, (size_t) integ * (size_t) in->n_groups + (size_t) group, row, col);
}

static pixel pixel_of(const strip *s, int x)
{
    return (pixel) {s->gain[x], s->noise[x], s->dark[x], s->whole.dq[x]};
}

/* Where a ramp is in the exposure. */
static source in_exposure(const jc_slope_ramps *in, int integ, int row, int col)
{
    const size_t at = group_index(in, integ, in->first, row, col);
    const size_t zero = plane_index(in, (size_t) integ, row, col);
    return (source) {in->data + at, in->groupdq + at, (size_t) in->n_rows * (size_t) in->n_cols,
                     in->zeroframe ? in->zeroframe + zero : NULL};
}

/* A ramp of a single good group is fitted as one group since the reset, or from the first frame
 * of the integration; unless such ramps are to be suppressed. */
static void load_ramp(const plan *p, const source *from, strip *s, int lane, ramp *out)
{
    const jc_slope_ramps *in = p->in;
    const jc_slope_options *o = p->opt;
    const uint32_t flags = ~o->persistence; /* a group of this flag alone is good */
    const uint32_t bad = o->do_not_use, full = o->saturated, charge = o->charge_loss;
    const int n = in->used;
    int n_raw = 0, n_good = 0, n_full = 0;
    const size_t room = (size_t) lane * (size_t) n, stride = from->stride;
    const float *restrict data = from->data;
    const uint8_t *restrict groupdq = from->groupdq;
    double *restrict y = s->y + room;
    uint8_t *restrict flag = s->q + room, *restrict other = s->uncharged + room;
    uint32_t seen = 0;
    *out = (ramp) {.y = y, .q = flag, .uncharged = other, .alone_time = o->group_time};
    for (int g = 0; g < n; g++) {
        const size_t at = (size_t) g * stride;
        const double value = data[at];
        const uint32_t lost = isnan(value) ? bad : 0;
        uint32_t q = groupdq[at];
        other[g] = (uint8_t) ((q & charge ? q & ~(charge | bad) : q) | lost);
        q |= lost;
        n_raw += (q & flags) == 0;
        if (g == 0 && o->clear_first_jump) q &= ~o->jump;
        flag[g] = (uint8_t) q;
        y[g] = value;
    }
    const uint32_t suppress = o->suppress_one_group && n_raw == 1 ? bad : 0;
    for (int g = 0; g < n; g++) {
        const uint32_t q = flag[g] |= (uint8_t) suppress;
        seen |= q;
        n_good += (q & flags) == 0;
        n_full += (q & full) != 0;
        y[g] = q & full ? NAN : y[g];
    }
    out->seen = seen;
    out->n_saturated = n_full;
    out->first = out->y[0];
    if (o->suppress_one_group)
        return;
    if (n_good == 1 && (out->q[0] & flags) == 0) {
        out->alone = 1;
        out->alone_time = o->first_time;
    } else if (n_good == 0 && from->zero) {
        const float zero = *from->zero;
        if (zero == 0.0f || isnan(zero))
            return;
        out->n_saturated -= out->n_saturated == in->used;
        out->y[0] = zero;
        out->q[0] = 0;
        out->alone = 1;
        out->alone_time = o->frame_time;
    }
}

/* List the differences of usable neighbours in one lane of s->sorted, and in place of each other
 * one infinity, of either sign in turn: then the middle is that of the usable. Returns their number,
 * negative if infinities of their own spoil that. */
static int list_differences(const plan *p, const ramp *r, strip *s, int lane)
{
    const uint32_t jump = p->opt->jump, unusable = p->opt->do_not_use | p->opt->saturated;
    double pad = INFINITY;
    int n = 0, odd = 0;
    for (int g = 1; g < p->in->used; g++) {
        const int bad = (((r->q[g - 1] | r->q[g]) & unusable) | (r->q[g] & jump)) != 0;
        const double difference = r->y[g] - r->y[g - 1];
        s->sorted[g - 1][lane] = bad ? pad : difference;
        odd |= !bad & !(difference - difference == 0.0);
        pad = bad ? -pad : pad;
        n += !bad;
    }
    return odd ? -n : n;
}

/* The middle of one lane of s->sorted, n of whose differences are usable. */
static double middle_of(const plan *p, const strip *s, int lane, int n)
{
    const int all = p->in->used - 1, one_more = (all - n) & 1; /* infinity above than below */
    return 0.5 * (s->sorted[(all - 1 - one_more) / 2][lane] + s->sorted[(all - one_more) / 2][lane]);
}

/* The same of n differences with infinities of their own, n not 0. */
static double odd_middle_of(const plan *p, const ramp *r, double *room)
{
    const uint32_t jump = p->opt->jump, unusable = p->opt->do_not_use | p->opt->saturated;
    int n = 0;
    for (int g = 1; g < p->in->used; g++)
        if (!((r->q[g - 1] | r->q[g]) & unusable) && !(r->q[g] & jump))
            room[n++] = r->y[g] - r->y[g - 1];
    return median_of(room, n);
}

/* The next run of good groups from *at on; 0 when there is none. */
static int next_segment(const plan *p, const uint8_t *q, int *at, segment *out)
{
    const int n = p->in->used;
    const uint8_t flags = (uint8_t) ~p->opt->persistence;
    int g = *at;
    while (g < n && (q[g] & flags)) g++;
    if (g == n)
        return 0;
    out->start = g > 0 && (q[g - 1] & flags) == p->opt->jump ? g - 1 : g;
    while (g < n && !(q[g] & flags)) g++;
    out->length = g - out->start;
    *at = g;
    return 1;
}

/* The next segment that takes part in the fit. */
static int next_fitted(const plan *p, const uint8_t *q, int longest, int *at, segment *out)
{
    while (next_segment(p, q, at, out)) {
        if (longest == 1) *at = p->in->used;
        if (out->length > 1 || longest == 1)
            return 1;
    }
    return 0;
}

static int longest_segment(const plan *p, const uint8_t *q)
{
    int at = 0, longest = 0;
    for (segment s; next_segment(p, q, &at, &s);)
        if (s.length > longest) longest = s.length;
    return longest;
}

JC_INLINE double poisson_variance(double rate, double dark, double gain, double time)
{
    return ((rate > 0.0 ? rate : 0.0) + dark) / (time * gain);
}

JC_INLINE double rnoise_variance(int length, double gain, double noise, double time)
{
    const double n = length, ratio = noise / (time * gain);
    return 12.0 / (n * n * n - n) * ratio * ratio;
}

static double segment_rnoise(const plan *p, const ramp *r, const pixel *px, int length)
{
    return length == 1 ? rnoise_variance(2, px->gain, px->noise, r->alone_time)
                       : rnoise_variance(length, px->gain, px->noise, p->opt->group_time);
}

JC_INLINE double stored_variance(double variance)
{
    return variance >= LARGE_VARIANCE ? 0.0 : variance;
}

typedef struct { double slope, var_poisson, var_rnoise; int power; } line;

static line fit_segment(const plan *p, const ramp *r, const pixel *px, segment s, double rate,
                        double *room)
{
    const double *y = r->y + s.start;
    line out = {0.0, 0.0, segment_rnoise(p, r, px, s.length), 0};
    if (s.length == 1) {
        out.slope = y[0] / r->alone_time;
        out.var_poisson = poisson_variance(rate, px->dark, px->gain, r->alone_time);
        return out;
    }
    out.power = power_of(y[s.length - 1] - y[0], px->gain, px->noise);
    const double *c = coefficients_of(p, s.length, out.power, room);
    for (int k = 0; k < s.length / 2; k++)
        out.slope += c[k] * (y[s.length - 1 - k] - y[k]);
    out.var_poisson = 
        poisson_variance(rate, px->dark, px->gain, p->opt->group_time * (s.length - 1));
    return out;
}

/* The optional product. sigslope, yint and sigyint are those of the weighted line through the
 * segment with weights w/noise^2, against the group's number; zero for one group. */
static void store_segment(const plan *p, const ramp *r, const pixel *px, segment s,
                          const line *fit, size_t at)
{
    const jc_slope_segments *out = p->segments;
    const double *y = r->y + s.start;
    double w0 = 0.0, w1 = 0.0, w2 = 0.0, y0 = 0.0, y1 = 0.0;
    out->slope[at] = (float) fit->slope;
    out->var_poisson[at] = (float) fit->var_poisson;
    out->var_rnoise[at] = (float) fit->var_rnoise;
    out->weights[at] = (float) (1.0 / fit->var_rnoise);
    if (s.length == 1)
        return;
    if (s.length == 2) {
        const double second = s.start + 1.0;
        out->yint[at] = (float) (y[1] * (1.0 - second) + y[0] * second);
        out->sigslope[at] = out->sigyint[at] = (float) (1.41421356 * px->noise);
        return;
    }
    for (int k = 0; k < s.length; k++) {
        const double x = s.start + k;
        const double w = weight_of(k, s.length, fit->power) / (px->noise * px->noise);
        w0 += w;
        w1 += w * x;
        w2 += w * x * x;
        y0 += w * y[k];
        y1 += w * x * y[k];
    }
    const double norm = w0 * w2 - w1 * w1;
    out->sigslope[at] = (float) sqrt(w0 / norm);
    out->yint[at] = (float) ((w2 * y0 - w1 * y1) / norm);
    out->sigyint[at] = (float) sqrt(w2 / norm);
}

static void store_ramp(const plan *p, const ramp *r, int integ, int row, int col, double slope,
                       int saturated)
{
    const jc_slope_ramps *in = p->in;
    const jc_slope_segments *out = p->segments;
    const double pedestal = r->y[0] - slope * p->opt->pedestal_groups;
    out->pedestal[plane_index(in, (size_t) integ, row, col)] =
        saturated || isnan(pedestal) ? 0.0f : (float) pedestal;
    size_t plane = (size_t) integ * (size_t) out->n_jumps;
    for (int g = 1; g < in->used; g++)
        if (r->q[g] & p->opt->jump)
            out->jump_size[plane_index(in, plane++, row, col)] =
                (float) (r->y[g] - (g == 1 ? r->first : r->y[g - 1]));
}

/* Read-noise variance with the groups flagged by charge migration counted as good: their loss
 * of signal does not make the other reads noisier. */
static double uncharged_rnoise(const plan *p, const ramp *r, const pixel *px)
{
    const int longest = longest_segment(p, r->uncharged);
    int at = 0;
    double inverse = 0.0;
    for (segment s; px->gain > 0.0 && next_fitted(p, r->uncharged, longest, &at, &s);) {
        const double variance = segment_rnoise(p, r, px, s.length);
        if (variance > 0.0) inverse += 1.0 / variance;
    }
    return inverse;
}

/* Fit one ramp, put it among the results and add it to the pixel's sums. */
static void fit_ramp(const plan *p, const ramp *r, int integ, int row, int x0, int x, strip *s)
{
    const jc_slope_options *o = p->opt;
    results *out = &s->each;
    const pixel own = pixel_of(s, x), *px = &own;
    tally *t = s->tallies + x;
    const int col = x0 + x;
    const uint32_t invalid = o->do_not_use | o->saturated;
    const double rate = s->median[x];
    sums sum = {0.0, 0.0, 0.0, 0.0};
    double slope = NAN, var_poisson = 0.0, var_rnoise = 0.0, err = 0.0;
    uint32_t dq = px->dq | (r->seen & (o->jump | o->persistence));
    int n_segments = 0;
    if (r->q[0] & o->saturated) {
        dq |= invalid;
    } else {
        const int longest = longest_segment(p, r->q);
        int from = 0;
        for (segment g; next_fitted(p, r->q, longest, &from, &g);) {
            const line fit = fit_segment(p, r, px, g, rate, s->coefficients);
            sum.rnoise += 1.0 / fit.var_rnoise;
            if (fit.var_poisson > 0.0) sum.poisson += 1.0 / fit.var_poisson;
            sum.err += 1.0 / (fit.var_poisson + fit.var_rnoise);
            sum.slope += fit.slope / fit.var_rnoise;
            if (p->segments) {
                const size_t plane =
                    (size_t) integ * (size_t) p->segments->n_segments + (size_t) n_segments;
                store_segment(p, r, px, g, &fit, plane_index(p->in, plane, row, col));
            }
            n_segments++;
        }
    }
    if (n_segments == 0) dq |= o->do_not_use;
    if (r->n_saturated == p->in->used) dq |= o->saturated;
    if (n_segments > 0 && !(dq & invalid)) {
        const double variance = 1.0 / sum.err;
        if (sum.poisson > 0.0) var_poisson = stored_variance(1.0 / sum.poisson);
        var_rnoise = stored_variance(1.0 / sum.rnoise);
        slope = sum.slope * var_rnoise;
        err = variance > LARGE_VARIANCE ? 0.0 : sqrt(variance);
    }
    if (p->segments) store_ramp(p, r, integ, row, col, slope, (dq & o->saturated) != 0);

    t->sum.poisson += sum.poisson;
    t->sum.rnoise += sum.rnoise;
    t->sum.slope += sum.slope;
    t->seen |= r->seen & (o->jump | o->persistence);
    t->n_bad += (dq & o->do_not_use) != 0;
    t->n_full += (dq & o->saturated) != 0;
    if (r->seen & o->charge_loss) {
        const double inverse = uncharged_rnoise(p, r, px);
        var_rnoise = stored_variance(1.0 / inverse);
        t->charge += inverse;
        t->has_charge = 1;
    } else if (var_rnoise > 0.0) {
        t->charge += 1.0 / var_rnoise;
    }
    if (r->n_saturated > 0) {
        t->has_saturated = 1;
        dq |= o->saturated;
    }
    out->slope[x] = (float) slope;
    out->dq[x] = dq;
    out->var_poisson[x] = (float) var_poisson;
    out->var_rnoise[x] = (float) var_rnoise;
    out->err[x] = (float) err;
}

/* ---- ramps with flags, in lanes ----------------------------------------------------------- */

enum { BITS = 32 };              /* of a word */

JC_INLINE int words_of(int n_groups)
{
    return (n_groups + BITS - 1) / BITS;
}

/* Mark the first and the last group of each segment that takes part in the fit, as next_fitted finds
 * them. */
JC_INLINE void find_segments(const plan *p, batch *b)
{
    const int n_words = words_of(p->in->used);
    const uint32_t (*good)[JC_LANES] = (const uint32_t (*)[JC_LANES]) b->good;
    const uint32_t (*landed)[JC_LANES] = (const uint32_t (*)[JC_LANES]) b->landed;
    static const uint32_t none[JC_LANES] = {0};
    const int32_t full = (int32_t) p->opt->saturated, *restrict q = b->q[0];
    uint32_t lone[JC_LANES];     /* ~0: none is longer than one group */
    EACH_LANE(x) lone[x] = ~(uint32_t) 0;
    for (int w = 0; w < n_words; w++) { /* neighbours of bits are in other words, too */
        const uint32_t *restrict before = w > 0 ? good[w - 1] : none, *restrict now = good[w];
        const uint32_t *restrict after = w + 1 < n_words ? good[w + 1] : none;
        const uint32_t *restrict jump_before = w > 0 ? landed[w - 1] : none;
        const uint32_t *restrict jumps = landed[w];
        uint32_t *restrict from = b->from[w], *restrict to = b->to[w];
        EACH_LANE(x) {
            const uint32_t can = q[x] & full ? 0 : ~(uint32_t) 0;
            const uint32_t start = can & now[x] & ~(now[x] << 1 | before[x] >> (BITS - 1));
            const uint32_t next = can & after[x] & ~(now[x] >> (BITS - 1)); /* bit 0: a start */
            const uint32_t moved = start & (jumps[x] << 1 | jump_before[x] >> (BITS - 1));
            from[x] = (start ^ moved) | ((start >> 1 | next << (BITS - 1)) & jumps[x]);
            to[x] = can & now[x] & ~(now[x] >> 1 | after[x] << (BITS - 1));
            lone[x] = from[x] & ~to[x] ? 0 : lone[x];
        }
    }
    for (int w = 0; w < n_words; w++) {
        uint32_t *restrict from = b->from[w], *restrict to = b->to[w];
        EACH_LANE(x) {
            const uint32_t single = from[x] & to[x], first = single & (0 - single) & lone[x];
            from[x] = (from[x] ^ single) | first;
            to[x] = (to[x] ^ single) | first;
            lone[x] = first ? 0 : lone[x];
        }
    }
}

/* Take the lowest bit off each lane's words: its number, or -1. */
JC_INLINE void take_bits(uint32_t (*words)[JC_LANES], int n_words, int32_t *restrict number)
{
    EACH_LANE(x) number[x] = -1;
    for (int w = 0; w < n_words; w++) {
        uint32_t *restrict word = words[w];
        for (int x = 0; x < JC_LANES; x++) {
            const uint32_t bits = number[x] < 0 ? word[x] : 0;
            const int lowest = BITS * w + __builtin_ctz(bits | 1u << (BITS - 1));
            number[x] = bits ? lowest : number[x];
            word[x] &= ~(bits & (0 - bits));
        }
    }
}

/* The next segment of each lane. Returns whether there is any. */
JC_INLINE int next_segments(const plan *p, batch *b)
{
    int32_t first[JC_LANES], last[JC_LANES], found = 0;
    take_bits(b->from, words_of(p->in->used), first);
    take_bits(b->to, words_of(p->in->used), last);
    EACH_LANE(x) {
        b->length[x] = last[x] < 0 ? 0 : last[x] - first[x] + 1;
        b->start[x] = first[x] < 0 ? 0 : first[x];
        last[x] = last[x] < 0 ? 0 : last[x];
    }
    for (int x = 0; x < JC_LANES; x++) {
        b->rise[x] = b->y[last[x]][x] - b->y[b->start[x]][x];
        found |= b->length[x];
    }
    return found != 0;
}

/* Put the middle of each lane of s->sorted in its place. */
JC_CLONES
static void sort_lanes(const plan *p, strip *s)
{
    for (size_t k = 0; k < p->network.n_pairs; k++) {
        double *restrict a = s->sorted[0] + p->network.pairs[2 * k];
        double *restrict b = s->sorted[0] + p->network.pairs[2 * k + 1];
        EACH_LANE(x) {
            const double low = a[x], high = b[x];
            a[x] = low < high ? low : high;
            b[x] = low > high ? low : high;
        }
    }
}

/* Copy a batch out of rows: neighbours at once. */
JC_CLONES
static void gather_lanes(const plan *p, const float *data, const uint8_t *groupdq, size_t stride,
                         batch *b)
{
    const int x0 = b->where[0], together = b->n == JC_LANES && b->where[b->n - 1] - x0 + 1 == b->n;
    for (int g = 0; g < p->in->used; g++) {
        const float *restrict from = data + (size_t) g * stride;
        const uint8_t *restrict flags = groupdq + (size_t) g * stride;
        float *restrict value = b->value[g];
        uint8_t *restrict flag = b->flag[g];
        if (together) {
            memcpy(value, from + x0, sizeof b->value[g]);
            memcpy(flag, flags + x0, sizeof b->flag[g]);
            continue;
        }
        for (int k = 0; k < JC_LANES; k++) {
            value[k] = from[b->where[k]];
            flag[k] = flags[b->where[k]];
        }
    }
}

/* The groups and flags of a batch as they are fitted. */
JC_CLONES
static void load_lanes(const plan *p, batch *b)
{
    const jc_slope_options *o = p->opt;
    const int n = p->in->used;
    const int32_t flags = (int32_t) ~o->persistence, bad = (int32_t) o->do_not_use;
    const int32_t full = (int32_t) o->saturated, jump = (int32_t) o->jump;
    _Alignas(64) int32_t n_good[JC_LANES] = {0}, suppress[JC_LANES], seen[JC_LANES] = {0};
    _Alignas(64) int32_t n_full[JC_LANES] = {0}, *restrict every = b->q[0];
    const uint8_t *restrict flag = b->flag[0];
    for (int k = 0; k < n * JC_LANES; k++) /* of all groups at once: vectors stay whole */
        every[k] = flag[k];
    for (int g = 0; g < n; g++) {
        const int32_t kept = g == 0 && o->clear_first_jump ? ~jump : ~0;
        const float *restrict value = b->value[g];
        int32_t *restrict q = b->q[g];
        EACH_LANE(x) {
            const int32_t now = q[x] | (value[x] == value[x] ? 0 : bad);
            n_good[x] += (now & flags) == 0;
            q[x] = now & kept;
        }
    }
    EACH_LANE(x) suppress[x] = n_good[x] == 1 ? bad : 0;
    for (int w = 0, g = 0; w < words_of(n); w++) {
        _Alignas(64) uint32_t good[JC_LANES] = {0}, landed[JC_LANES] = {0};
        for (; g < n && g < (w + 1) * BITS; g++) {
            const float *restrict value = b->value[g];
            double *restrict y = b->y[g];
            int32_t *restrict q = b->q[g];
            EACH_LANE(x) {
                const int32_t now = q[x] | suppress[x];
                seen[x] |= now;
                n_full[x] += (now & full) != 0;
                good[x] |= (uint32_t) ((now & flags) == 0) << g % BITS;
                landed[x] |= (uint32_t) ((now & flags) == jump) << g % BITS;
                q[x] = now;
            }
            EACH_LANE(x) y[x] = q[x] & full ? NAN : (double) value[x];
        }
        memcpy(b->good[w], good, sizeof good);
        memcpy(b->landed[w], landed, sizeof landed);
    }
    EACH_LANE(x) {
        b->seen[x] = seen[x];
        b->n_saturated[x] = n_full[x];
    }
}

/* The differences of a batch's lanes, as list_differences lists them. */
JC_CLONES
static void subtract_lanes(const plan *p, strip *s, int32_t *restrict usable,
                           int32_t *restrict odd)
{
    const batch *b = &s->batch;
    const int32_t unusable = (int32_t) (p->opt->do_not_use | p->opt->saturated);
    const int32_t jump = (int32_t) p->opt->jump;
    double pad[JC_LANES], spoilt[JC_LANES] = {0.0};
    int32_t count[JC_LANES] = {0};
    EACH_LANE(x) pad[x] = INFINITY;
    for (int g = 1; g < p->in->used; g++) {
        const int32_t *restrict before = b->q[g - 1], *restrict now = b->q[g];
        const double *restrict y0 = b->y[g - 1], *restrict y = b->y[g];
        double *restrict sorted = s->sorted[g - 1], keep[JC_LANES];
        EACH_LANE(x) {
            const int32_t use = (((before[x] | now[x]) & unusable) | (now[x] & jump)) == 0;
            count[x] += use;
            keep[x] = use;
        }
        EACH_LANE(x) {
            const double difference = y[x] - y0[x];
            const double kept = keep[x] > 0.0 ? difference : 0.0;
            sorted[x] = keep[x] > 0.0 ? difference : pad[x];
            pad[x] *= 2.0 * keep[x] - 1.0;
            spoilt[x] += kept - kept;
        }
    }
    EACH_LANE(x) usable[x] = count[x];
    EACH_LANE(x) odd[x] = spoilt[x] == 0.0 ? 0 : 1;
}

/* The median rates of a batch whose differences are sorted. */
JC_CLONES
static void rates_of_lanes(const plan *p, strip *s, const int32_t *restrict usable)
{
    batch *b = &s->batch;
    const int32_t all = p->in->used - 1;
    const int32_t unusable = (int32_t) (p->opt->do_not_use | p->opt->saturated);
    const double time = p->opt->group_time, *restrict sorted = s->sorted[0];
    const double *restrict first = b->y[0];
    const int32_t *restrict q = b->q[0];
    double middle[JC_LANES], only[JC_LANES];
    EACH_LANE(x) {
        const int32_t one_more = (all - usable[x]) & 1, some = all > 0; /* as in middle_of */
        const int32_t low = some ? (all - 1 - one_more) / 2 : 0;
        const int32_t high = some ? (all - one_more) / 2 : 0;
        middle[x] = 0.5 * (sorted[low * JC_LANES + x] + sorted[high * JC_LANES + x]);
    }
    EACH_LANE(x) only[x] = q[x] & unusable ? 0.0 : first[x];
    EACH_LANE(x) b->rate[x] = (usable[x] > 0 ? middle[x] : only[x]) / time;
}

typedef struct {                 /* results of a batch */
    double slope[JC_LANES], var_poisson[JC_LANES], var_rnoise[JC_LANES], err[JC_LANES];
    double rate_err[JC_LANES];   /* of an exposure of this one integration */
    double poisson[JC_LANES], rnoise[JC_LANES], sum[JC_LANES], charge[JC_LANES]; /* a pixel's sums */
    int32_t dq[JC_LANES];        /* flags to add */
} lane_results;

/* One segment of each lane, added to the sums. */
JC_INLINE void fit_segments(const plan *p, const batch *b,
                            const double *restrict gain, const double *restrict noise,
                            const double *restrict dark, const double *restrict rate,
                            double *restrict err, lane_results *restrict out)
{
    const double time = p->opt->group_time, *restrict y = b->y[0];
    const int32_t *restrict start = b->start, *restrict length = b->length;
    const double *restrict rise = b->rise;
    const int32_t size = (int32_t) table_start(p->longest + 1);
    int32_t from[JC_LANES];
    double slope[JC_LANES] = {0.0};
    EACH_LANE(x) {
        double variance, power = 0.0;
        const double squared = squared_signal(rise[x], gain[x], noise[x], &variance);
        UNROLL for (int c = 0; c < N_POWERS - 1; c++)
            power += squared >= SNR_FROM[c] * SNR_FROM[c] * variance ? 1.0 : 0.0;
        from[x] = (int32_t) power * size;
    }
    for (int x = 0; x < b->n; x++) { /* gathers would take longer */
        const int n = length[x], last = start[x] + n - 1;
        const double *c = p->tables + from[x] + (n > 1 ? table_start(n) : 0);
        double sum = 0.0;
        for (int i = 0; i < n / 2; i++)
            sum += c[i] * (y[(last - i) * JC_LANES + x] - y[(start[x] + i) * JC_LANES + x]);
        slope[x] = n > 1 ? sum : y[start[x] * JC_LANES + x] / time;
    }
    EACH_LANE(x) {
        const double n = length[x], own = n > 0.0 ? 1.0 : 0.0;
        const double long_enough = n > 1.0 ? n : 2.0;
        const double ratio = noise[x] / (time * gain[x]);
        const double cubic = long_enough * long_enough * long_enough - long_enough;
        const double rnoise = 12.0 / cubic * ratio * ratio;
        const double poisson =
            poisson_variance(rate[x], dark[x], gain[x], time * (long_enough - 1.0));
        out->rnoise[x] += own > 0.0 ? 1.0 / rnoise : 0.0;
        out->poisson[x] += (own > 0.0) & (poisson > 0.0) ? 1.0 / poisson : 0.0;
        err[x] += own > 0.0 ? 1.0 / (poisson + rnoise) : 0.0;
        out->sum[x] += own > 0.0 ? slope[x] / rnoise : 0.0;
    }
}

/* Fit the lanes of a batch. */
JC_CLONES
static void fit_lanes(const plan *p, strip *s, lane_results *restrict out)
{
    const jc_slope_options *o = p->opt;
    batch *b = &s->batch;
    const int32_t bad = (int32_t) o->do_not_use, full = (int32_t) o->saturated;
    const int32_t invalid = bad | full, seen = (int32_t) (o->jump | o->persistence);
    int32_t n_segments[JC_LANES] = {0}, ok[JC_LANES], dq[JC_LANES], own[JC_LANES];
    double gain[JC_LANES], noise[JC_LANES], dark[JC_LANES], rate[JC_LANES], err[JC_LANES];
    for (int x = 0; x < JC_LANES; x++) {
        const int at = b->where[x];
        gain[x] = s->gain[at];
        noise[x] = s->noise[at];
        dark[x] = s->dark[at];
        rate[x] = s->median[at];
        own[x] = (int32_t) s->whole.dq[at];
    }
    EACH_LANE(x) out->rnoise[x] = out->poisson[x] = out->sum[x] = err[x] = 0.0;
    find_segments(p, b);
    while (next_segments(p, b)) {
        fit_segments(p, b, gain, noise, dark, rate, err, out);
        EACH_LANE(x) n_segments[x] += b->length[x] > 0;
    }
    EACH_LANE(x) {
        int32_t flags = own[x] | (b->seen[x] & seen);
        flags |= b->q[0][x] & full ? invalid : 0;
        flags |= n_segments[x] == 0 ? bad : 0;
        flags |= b->n_saturated[x] == p->in->used ? full : 0;
        dq[x] = flags;
        ok[x] = (n_segments[x] > 0) & ((flags & invalid) == 0);
    }
    EACH_LANE(x) {
        const double poisson = stored_variance(1.0 / out->poisson[x]);
        const double rnoise = stored_variance(1.0 / out->rnoise[x]);
        const double variance = 1.0 / err[x], root = sqrt(variance);
        const double var_rnoise = ok[x] ? rnoise : 0.0, inverse = 1.0 / var_rnoise;
        const double var_poisson = ok[x] && out->poisson[x] > 0.0 ? poisson : 0.0;
        out->var_poisson[x] = var_poisson;
        out->var_rnoise[x] = var_rnoise;
        out->rate_err[x] = sqrt(var_poisson + var_rnoise);
        out->slope[x] = ok[x] ? out->sum[x] * rnoise : NAN;
        out->err[x] = ok[x] && !(variance > LARGE_VARIANCE) ? root : 0.0;
        out->charge[x] = var_rnoise > 0.0 ? inverse : 0.0;
    }
    EACH_LANE(x) out->dq[x] = dq[x];
}

/* Put the results of a batch among those of its integration, and add them to the pixels' sums. */
static void store_lanes(const plan *p, const lane_results *from, strip *s)
{
    const jc_slope_options *o = p->opt;
    const uint32_t kept = o->jump | o->persistence;
    const batch *b = &s->batch;
    results *out = &s->each;
    for (int k = 0; k < b->n; k++) {
        if (b->by_itself[k])
            continue;
        const int x = b->where[k];
        const uint32_t dq = (uint32_t) from->dq[k], seen = (uint32_t) b->seen[k];
        const int has_saturated = b->n_saturated[k] > 0;
        out->slope[x] = (float) from->slope[k];
        out->dq[x] = dq | (has_saturated ? o->saturated : 0);
        out->var_poisson[x] = (float) from->var_poisson[k];
        out->var_rnoise[x] = (float) from->var_rnoise[k];
        out->err[x] = (float) from->err[k];
        if (p->in->n_ints == 1) { /* what find_rate would find */
            s->has_rate[x] = 1;
            s->rate.slope[x] = out->slope[x];
            s->rate.dq[x] = out->dq[x];
            s->rate.var_poisson[x] = out->var_poisson[x];
            s->rate.var_rnoise[x] = out->var_rnoise[x];
            s->rate.err[x] = (float) from->rate_err[k];
            continue;
        }
        tally *t = s->tallies + x;
        t->sum.poisson += from->poisson[k];
        t->sum.rnoise += from->rnoise[k];
        t->sum.slope += from->sum[k];
        t->charge += from->charge[k];
        t->seen |= seen & kept;
        t->n_bad += (dq & o->do_not_use) != 0;
        t->n_full += (dq & o->saturated) != 0;
        t->has_saturated |= has_saturated;
    }
}

/* ---- ramps without flags ------------------------------------------------------------------ */

/* Have the memory fetched that is read next, a tile of it: of the strip's next integration, or of the
 * next strip. Little by little between the calculations, so that neither waits for the other. */
JC_INLINE void fetch_ahead(const plan *p, int integ, int row, int x0, int width, int x)
{
    const jc_slope_ramps *in = p->in;
    const size_t plane = (size_t) in->n_rows * (size_t) in->n_cols, bytes = TILE * sizeof(float);
    const int is_last = integ + 1 == in->n_ints, next = is_last ? 0 : integ + 1;
    size_t at = image_index(in, row, is_last ? x0 + width : x0) + (size_t) x;
    if (at + TILE > plane) return;
    if (is_last) {
        jc_fetch((const float *) in->gain + at, bytes);
        jc_fetch((const float *) in->read_noise + at, bytes);
        jc_fetch(in->pixeldq + at, bytes);
        if (in->dark_current) jc_fetch(in->dark_current + at, bytes);
    }
    at += ((size_t) next * (size_t) in->n_groups + (size_t) in->first) * plane;
    const int with_flags = x % 64 == 0; /* a line of them is longer than a tile */
    for (int g = 0; g < in->used; g++, at += plane) {
        jc_fetch(in->data + at, bytes);
        if (with_flags) jc_fetch(in->groupdq + at, 1);
    }
}

/* Copy the strip's groups of one integration, where there is no whole number of tiles, or to have
 * them together. */
static void load_rows(const plan *p, int integ, int row, int x0, int width, strip *s)
{
    const source from = in_exposure(p->in, integ, row, x0);
    for (int g = 0; g < p->in->used; g++) {
        const size_t at = (size_t) g * from.stride;
        memcpy(s->rows[g], from.data + at, (size_t) width * sizeof(float));
        memcpy(s->row_flags[g], from.groupdq + at, (size_t) width);
    }
    s->from = (source) {s->rows[0], s->row_flags[0], STRIP, from.zero};
}

#define EXCHANGE(i, j)                        \
    {                                         \
        const double low = v[i], high = v[j]; \
        v[i] = low < high ? low : high;       \
        v[j] = low > high ? low : high;       \
    }

/* Slopes, and twice the median differences, of a strip of ramps of n groups, n a constant: each is
 * fitted in registers. Slopes are not finite where a group is not. Of m/2 + 2 of the m differences
 * neither the least nor the largest is in the middle of all; they make room for the next. */
JC_INLINE void fit_short(const plan *p, const int n, int integ, int row, int x0, int width,
                         const strip *s, double *restrict median, double *restrict slope)
{
    const int m = n - 1;
    const float *restrict rows = s->from.data;
    const size_t stride = s->from.stride;
    const double *restrict gain = s->gain, *restrict noise = s->noise;
    double weights[SHORT / 2][N_POWERS];
    UNROLL for (int k = 0; k < n / 2; k++)
        UNROLL for (int c = 0; c < N_POWERS; c++) weights[k][c] = p->whole[c][k];
    for (int tile = 0; tile < width; tile += TILE) {
        fetch_ahead(p, integ, row, x0, width, tile);
#pragma omp simd
        for (int x = tile; x < tile + TILE; x++) {
            double y[SHORT], v[SHORT], variance, sum = 0.0;
            UNROLL for (int k = 0; k < n; k++) y[k] = rows[(size_t) k * stride + (size_t) x];
            UNROLL for (int k = 0; k < m; k++) v[k] = y[k + 1] - y[k];
            UNROLL for (int done = 0; done < (m - 1) / 2; done++) {
                const int held = m / 2 + 2 - done; /* the least to the front, the largest back */
                UNROLL for (int k = 0; k < held / 2; k++) EXCHANGE(k, held - 1 - k)
                UNROLL for (int k = 1; k <= (held - 1) / 2; k++) EXCHANGE(0, k)
                UNROLL for (int k = 1; k <= (held - 1) / 2; k++) EXCHANGE(held - 1 - k, held - 1)
                if (m / 2 + 2 + done < m) v[0] = v[m / 2 + 2 + done];
            }
            median[x] = m < 3 ? v[0] + v[m - 1] : m % 2 ? v[1] + v[1] : v[1] + v[2];
            const double squared = squared_signal(y[n - 1] - y[0], gain[x], noise[x], &variance);
            UNROLL for (int k = 0; k < n / 2; k++) {
                double weight = weights[k][0];
                UNROLL for (int c = 1; c < N_POWERS; c++)
                    weight = squared >= SNR_FROM[c - 1] * SNR_FROM[c - 1] * variance ? weights[k][c]
                                                                                     : weight;
                const double term = weight * (y[n - 1 - k] - y[k]);
                sum = k == 0 ? term : sum + term;
            }
            slope[x] = 0.0 * y[n / 2] + sum;
        }
    }
}

JC_INLINE const float *tile_row(const strip *s, int group, int x0)
{
    return s->from.data + (size_t) group * s->from.stride + x0;
}

/* Twice the median difference of each ramp of a tile, by a sorting network. */
JC_INLINE void tile_medians(const plan *p, int x0, strip *s, double *restrict median)
{
    const int n = p->in->used - 1;
    for (int g = 0; g < n; g++) {
        const float *before = tile_row(s, g, x0), *after = tile_row(s, g + 1, x0);
        double *restrict difference = s->sorted[g];
        EACH_LANE(x) difference[x] = (double) after[x] - (double) before[x];
    }
    sort_lanes(p, s);
    const double *upper = s->sorted[n / 2], *lower = s->sorted[(n - 1) / 2];
    EACH_LANE(x) median[x] = upper[x] + lower[x];
}

/* Each pixel's power, as a number and as a bit. */
JC_INLINE void tile_powers(const plan *p, int x0, const strip *s, double *restrict power,
                           uint8_t *restrict bit)
{
    const float *first = tile_row(s, 0, x0), *last = tile_row(s, p->in->used - 1, x0);
    const double *restrict gain = s->gain + x0, *restrict noise = s->noise + x0;
    int32_t bits[TILE];
    for (int x = 0; x < TILE; x++) {
        const double rise = (double) last[x] - (double) first[x];
        double variance, count = 0.0;
        const double squared = squared_signal(rise, gain[x], noise[x], &variance);
        UNROLL for (int k = 0; k < N_POWERS - 1; k++)
            count += squared >= SNR_FROM[k] * SNR_FROM[k] * variance ? 1.0 : 0.0;
        power[x] = count;
    }
    for (int x = 0; x < TILE; x++)
        bits[x] = 1 << (int) power[x];
    for (int x = 0; x < TILE; x++)
        bit[x] = (uint8_t) bits[x];
}

/* The bits of a tile, all in one. */
JC_INLINE unsigned tile_bits(const uint8_t *bit)
{
    uint64_t half[2];
    memcpy(half, bit, sizeof half);
    half[0] |= half[1];
    half[0] |= half[0] >> 32;
    half[0] |= half[0] >> 16;
    return (unsigned) (half[0] | half[0] >> 8) & 0xff;
}

/* Slopes with each pixel's power; not finite where a group is not. */
JC_INLINE void tile_slopes(const plan *p, int x0, const strip *s, const double *restrict power,
                           unsigned bits, double *restrict slope)
{
    const int n = p->in->used;
    const float *middle = tile_row(s, n / 2, x0);
    double sum[JC_LANES];
    for (int k = 0; k < n / 2; k++) {
        const float *early = tile_row(s, k, x0), *late = tile_row(s, n - 1 - k, x0);
        double *restrict rise = s->rise[k];
        EACH_LANE(x) rise[x] = (double) late[x] - (double) early[x];
    }
    EACH_LANE(x) slope[x] = 0.0 * middle[x];
    for (int c = 0; c < N_POWERS; c++) {
        if (!(bits >> c & 1)) continue;
        const double *weights = p->whole[c], own = c;
        EACH_LANE(x) sum[x] = weights[0] * s->rise[0][x];
        for (int k = 1; k < n / 2; k++) {
            const double weight = weights[k], *restrict rise = s->rise[k];
            EACH_LANE(x) sum[x] += weight * rise[x];
        }
        EACH_LANE(x) slope[x] += power[x] == own ? sum[x] : 0.0;
    }
}

/* The same of ramps of any length. */
JC_INLINE void fit_long(const plan *p, int integ, int row, int x0, int width, strip *s,
                        double *restrict median, double *restrict slope)
{
    double power[TILE];
    uint8_t bit[TILE];
    for (int x = 0; x < width; x += TILE) {
        fetch_ahead(p, integ, row, x0, width, x);
        tile_medians(p, x, s, median + x);
        tile_powers(p, x, s, power, bit);
        tile_slopes(p, x, s, power, tile_bits(bit), slope + x);
    }
}

/* ---- strips of pixels --------------------------------------------------------------------- */

JC_CLONES
static void load_strip(const plan *p, int row, int x0, int width, strip *s)
{
    const jc_slope_ramps *in = p->in;
    const jc_slope_options *o = p->opt;
    const size_t at = image_index(in, row, x0);
    float gain[STRIP], noise[STRIP], unfit[STRIP];
    jc_copy_plane(in->gain, at, in->gain_swapped, gain, width);
    jc_copy_plane(in->read_noise, at, in->noise_swapped, noise, width);
    const uint32_t *dq = in->pixeldq + at;
    const uint32_t bad = o->do_not_use | o->saturated, no_gain = o->no_gain | o->do_not_use;
    const double per_frame = 1.0 / sqrt(2.0 * o->n_frames), time = o->group_time;
    for (int x = 0; x < width; x++) {
        s->median[x] = s->slopes_sum[x] = s->n_plain[x] = 0.0;
        s->gain[x] = gain[x];
        s->noise[x] = (float) (noise[x] * (s->gain[x] * per_frame));
        s->whole.dq[x] = dq[x] | (s->gain[x] > 0.0 ? 0 : no_gain);
    }
    for (int x = 0; x < width; x++) {
        const double vr = s->vr[x] = rnoise_variance(in->used, s->gain[x], s->noise[x], time);
        unfit[x] = vr > 0.0 && vr - vr == 0.0 ? 0.0f : 1.0f;
        s->factor[x] = s->whole.dq[x] & bad ? NAN : vr >= LARGE_VARIANCE ? 0.0 : 1.0;
    }
    for (int x = 0; x < width; x++)
        s->unfit[x] = (uint8_t) (int) unfit[x];
    if (in->dark_current)
        for (int x = 0; x < width; x++)
            s->dark[x] = in->dark_current[at + (size_t) x];
}

/* List the columns that are not marked; returns how many. */
static int list_unmarked(const uint8_t *mark, int width, int *where)
{
    static const uint8_t all[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    int n = 0;
    for (int x = 0; x < width; x += 8) {
        if (memcmp(mark + x, all, 8) == 0) continue;
        for (int k = x; k < x + 8 && k < width; k++) {
            where[n] = k;
            n += !mark[k];
        }
    }
    return n;
}

JC_INLINE int any_zero(const uint8_t *flags, int width)
{
    int found = 0;
    for (int x = 0; x < width; x++)
        found |= flags[x] == 0;
    return found;
}

/* Where the ramps of the strip are, and the flags they have. */
JC_INLINE void find_rows(const plan *p, int integ, int row, int x0, int width, strip *s)
{
    uint8_t *restrict flags = s->flags;
    s->from = in_exposure(p->in, integ, row, x0);
    if (width % TILE != 0) load_rows(p, integ, row, x0, width, s);
    memcpy(flags, s->unfit, STRIP);
    for (int g = 0; g < p->in->used; g++) {
        const uint8_t *restrict row_flags = s->from.groupdq + (size_t) g * s->from.stride;
        for (int x = 0; x < width; x++)
            flags[x] |= row_flags[x];
    }
}

/* Which ramps are plain, and their slopes. */
JC_CLONES
static void fit_plain(const plan *p, int integ, int row, int x0, int width, strip *s)
{
    uint8_t *restrict plain = s->plain + (size_t) integ * STRIP;
    double median[STRIP], slope[STRIP], flagged[STRIP];
    find_rows(p, integ, row, x0, width, s);
    jc_settle(2 * p->in->used);
    const int n = p->in->used - 1;
    const int fits = p->segments == NULL && n > 0 &&
                     (n < SHORT || p->network.pairs != NULL);
    if (!fits || !any_zero(s->flags, width)) {
        memset(plain, 0, STRIP);
        for (int x = 0; x < width; x += TILE)
            fetch_ahead(p, integ, row, x0, width, x);
        return;
    }
    switch (p->in->used) {
    case 2: fit_short(p, 2, integ, row, x0, width, s, median, slope); break;
    case 3: fit_short(p, 3, integ, row, x0, width, s, median, slope); break;
    case 4: fit_short(p, 4, integ, row, x0, width, s, median, slope); break;
    case 5: fit_short(p, 5, integ, row, x0, width, s, median, slope); break;
    case 6: fit_short(p, 6, integ, row, x0, width, s, median, slope); break;
    case 7: fit_short(p, 7, integ, row, x0, width, s, median, slope); break;
    case 8: fit_short(p, 8, integ, row, x0, width, s, median, slope); break;
    case 9: fit_short(p, 9, integ, row, x0, width, s, median, slope); break;
    case 10: fit_short(p, 10, integ, row, x0, width, s, median, slope); break;
    case 11: fit_short(p, 11, integ, row, x0, width, s, median, slope); break;
    case 12: fit_short(p, 12, integ, row, x0, width, s, median, slope); break;
    default: fit_long(p, integ, row, x0, width, s, median, slope);
    }
    const double per_time = 0.5 / p->opt->group_time;
    for (int x = 0; x < width; x++)
        flagged[x] = s->flags[x];
    for (int x = 0; x < width; x++) {
        const double good = slope[x] - slope[x] == flagged[x] ? 1.0 : 0.0;
        s->n_plain[x] += good;
        s->median[x] += good > 0.0 ? median[x] * per_time : 0.0;
        s->slopes_sum[x] += good > 0.0 ? slope[x] : 0.0;
        s->slopes[integ][x] = (float) (slope[x] * s->factor[x]);
        flagged[x] = good;
    }
    for (int x = 0; x < width; x++)
        plain[x] = (uint8_t) (int) flagged[x];
}

/* The next ramps that are not plain, from the given one on, at most as many as there are lanes. */
static void make_batch(strip *s, int first)
{
    batch *b = &s->batch;
    const int left = s->n_flagged - first, n = b->n = left < JC_LANES ? left : JC_LANES;
    for (int k = 0; k < JC_LANES; k++)
        b->where[k] = s->flagged[k < n ? first + k : first];
}

static source column_of(source from, int x)
{
    from.data += x;
    from.groupdq += x;
    if (from.zero) from.zero += x;
    return from;
}

/* Load a batch of ramps one by one, and find their median rates. */
static void load_each(const plan *p, const source *from, strip *s, ramp *ramps)
{
    const uint32_t unusable = p->opt->do_not_use | p->opt->saturated;
    batch *b = &s->batch;
    int usable[JC_LANES];
    for (int k = 0; k < b->n; k++) {
        const source own = column_of(*from, b->where[k]);
        load_ramp(p, &own, s, k, ramps + k);
        usable[k] = list_differences(p, ramps + k, s, k);
    }
    if (p->sorts) sort_lanes(p, s);
    for (int k = 0; k < b->n; k++) {
        const ramp *r = ramps + k;
        double rate = r->q[0] & unusable ? 0.0 : r->y[0] / p->opt->group_time;
        if (usable[k] > 0 && p->sorts)
            rate = middle_of(p, s, k, usable[k]) / p->opt->group_time;
        else if (usable[k] != 0)
            rate = odd_middle_of(p, r, s->differences) / p->opt->group_time;
        if (r->alone) rate = r->y[0] / r->alone_time;
        b->rate[k] = rate;
        b->by_itself[k] = 1;
    }
}

/* Load a batch of ramps. */
static void load_batch(const plan *p, const source *from, strip *s, ramp *ramps)
{
    batch *b = &s->batch;
    if (!p->by_lanes) {
        load_each(p, from, s, ramps);
        return;
    }
    gather_lanes(p, from->data, from->groupdq, from->stride, b);
    load_lanes(p, b);
    for (int k = 0; k < b->n; k++) {
        b->by_itself[k] = ((uint32_t) b->seen[k] & p->opt->charge_loss) != 0;
        if (!b->by_itself[k])
            continue;
        const source own = column_of(*from, b->where[k]);
        load_ramp(p, &own, s, k, ramps + k);
    }
}

/* Add the median rates of a batch to those of its pixels. */
static void add_rates(const plan *p, const source *from, strip *s)
{
    batch *b = &s->batch;
    if (p->by_lanes) {
        int32_t usable[JC_LANES], odd[JC_LANES];
        subtract_lanes(p, s, usable, odd);
        sort_lanes(p, s);
        rates_of_lanes(p, s, usable);
        for (int k = 0; k < b->n; k++) {
            if (!odd[k])
                continue;
            ramp r;
            const source own = column_of(*from, b->where[k]);
            load_ramp(p, &own, s, k, &r);
            b->rate[k] = odd_middle_of(p, &r, s->differences) / p->opt->group_time;
        }
    }
    for (int k = 0; k < b->n; k++)
        s->median[b->where[k]] += b->rate[k];
}

/* First pass: slopes of the plain ramps, and every pixel's median rate. */
static void first_pass(const plan *p, int row, int x0, int width, strip *s)
{
    ramp ramps[JC_LANES];
    for (int i = 0; i < p->in->n_ints; i++) {
        fit_plain(p, i, row, x0, width, s);
        if (p->in->n_ints == 1) return; /* the second pass finds it there still */
        s->n_flagged = list_unmarked(s->plain + (size_t) i * STRIP, width, s->flagged);
        for (int k = 0; k < s->n_flagged; k += JC_LANES) {
            make_batch(s, k);
            load_batch(p, &s->from, s, ramps);
            add_rates(p, &s->from, s);
        }
    }
}

/* Second pass: the results of one integration. */
static void second_pass(const plan *p, int integ, int row, int x0, int width, strip *s)
{
    s->n_flagged = list_unmarked(s->plain + (size_t) integ * STRIP, width, s->flagged);
    const int alone = p->in->n_ints == 1, again = !alone && s->n_flagged > MANY;
    if (!alone) s->from = in_exposure(p->in, integ, row, x0);
    batch *b = &s->batch;
    ramp ramps[JC_LANES];
    lane_results found;
    if (again) load_rows(p, integ, row, x0, width, s);
    s->each = s->whole;
    memcpy(s->each.slope, s->slopes[integ], sizeof s->each.slope);
    for (int x = 0; x < s->n_flagged; x += JC_LANES) {
        make_batch(s, x);
        load_batch(p, &s->from, s, ramps);
        if (alone) add_rates(p, &s->from, s);
        if (p->by_lanes) {
            fit_lanes(p, s, &found);
            store_lanes(p, &found, s);
        }
        for (int k = 0; k < b->n; k++)
            if (b->by_itself[k]) fit_ramp(p, ramps + k, integ, row, x0, b->where[k], s);
    }
}

/* Errors of the plain ramps, and the rate as if all were plain. */
JC_CLONES
static void find_errors(const plan *p, int width, strip *s)
{
    const double time = p->opt->group_time * (p->in->used - 1), n = p->in->n_ints;
    const double per_int = 1.0 / n;
    results *restrict each = &s->whole, *restrict rate = &s->rate;
    double *restrict sums = s->sums, *restrict mean = s->mean;
    for (int x = 0; x < width; x++)
        s->has_rate[x] = s->n_plain[x] == n;
    for (int x = 0; x < width; x++) {
        s->median[x] *= per_int;
        const double good = s->factor[x] - s->factor[x]; /* 0, or NaN for a bad pixel */
        const double variance = s->vp[x] =
            poisson_variance(s->median[x], s->dark[x], s->gain[x], time);
        const double sum = variance + s->vr[x] + good;
        double poisson = variance + good > 0.0 ? variance : 0.0;
        poisson = poisson >= LARGE_VARIANCE ? 0.0 : poisson;
        const double rnoise = s->vr[x] + good < LARGE_VARIANCE ? s->vr[x] : 0.0;
        each->var_poisson[x] = (float) poisson;
        each->var_rnoise[x] = (float) rnoise;
        sums[x] = sum <= LARGE_VARIANCE ? sum : 0.0;
    }
    for (int x = 0; x < width; x++)
        each->err[x] = (float) sqrt(sums[x]);
    for (int x = 0; x < width; x++) {
        const double good = s->factor[x] - s->factor[x];
        double poisson = s->vp[x] + good > 0.0 ? s->vp[x] * per_int : 0.0;
        poisson = poisson >= LARGE_VARIANCE ? 0.0 : poisson;
        const double rnoise =
            s->vr[x] * per_int + good < LARGE_VARIANCE ? s->vr[x] * per_int : 0.0;
        const double slope = rnoise > 0.0 ? s->slopes_sum[x] * per_int : 0.0;
        rate->slope[x] = (float) (slope + good);
        rate->var_poisson[x] = (float) poisson;
        rate->var_rnoise[x] = (float) rnoise;
        mean[x] = poisson + rnoise;
    }
    memcpy(rate->dq, each->dq, sizeof rate->dq);
    if (n == 1 && memcmp(sums, mean, (size_t) width * sizeof *sums) == 0) {
        memcpy(rate->err, each->err, sizeof rate->err); /* a root is dear */
        return;
    }
    for (int x = 0; x < width; x++)
        rate->err[x] = (float) sqrt(mean[x]);
}

/* The rate of a pixel some of whose ramps are not plain: integrations averaged with the inverse
 * of the read-noise variance as weight. */
static void find_rate(const plan *p, int x, strip *s)
{
    const jc_slope_options *o = p->opt;
    results *out = &s->rate;
    const uint32_t invalid = o->do_not_use | o->saturated;
    tally *t = s->tallies + x;
    uint32_t dq = s->whole.dq[x] | t->seen;
    double slope = NAN, var_poisson = 0.0, var_rnoise = 0.0, err = 0.0;
    if (s->n_plain[x] > 0.0) {
        if (s->vp[x] > 0.0) t->sum.poisson += s->n_plain[x] / s->vp[x];
        t->sum.rnoise += s->n_plain[x] / s->vr[x];
        t->sum.slope += s->slopes_sum[x] / s->vr[x];
        if (!(s->whole.dq[x] & invalid)) t->charge += s->n_plain[x] / s->vr[x];
    }
    if (t->n_bad == p->in->n_ints) dq |= o->do_not_use;
    if (t->n_full == p->in->n_ints) dq |= o->saturated;
    if (!(dq & invalid)) {
        if (t->sum.poisson > 0.0) var_poisson = stored_variance(1.0 / t->sum.poisson);
        var_rnoise = stored_variance(1.0 / t->sum.rnoise);
        slope = t->sum.slope * var_rnoise;
        err = sqrt(var_poisson + var_rnoise);
    }
    if (t->has_charge && t->charge > 0.0) var_rnoise = stored_variance(1.0 / t->charge);
    if (t->has_saturated) dq |= o->saturated;
    *t = (tally) {.seen = 0};
    out->slope[x] = (float) slope;
    out->dq[x] = dq;
    out->var_poisson[x] = (float) var_poisson;
    out->var_rnoise[x] = (float) var_rnoise;
    out->err[x] = (float) err;
}

static void send(const results *from, size_t at, int width, const jc_slope_image *to)
{
    const size_t bytes = (size_t) width * sizeof(float);
    jc_stream(to->slope + at, from->slope, bytes);
    jc_stream(to->dq + at, from->dq, bytes);
    jc_stream(to->var_poisson + at, from->var_poisson, bytes);
    jc_stream(to->var_rnoise + at, from->var_rnoise, bytes);
    jc_stream(to->err + at, from->err, bytes);
}

static void fit_row(const plan *p, int row, strip *s)
{
    const int n_cols = p->in->n_cols, n_strips = (n_cols + STRIP - 1) / STRIP;
    const int most = (n_cols - 1) / n_strips / TILE * TILE + TILE;
    for (int x0 = 0; x0 < n_cols; x0 += most) {
        const int width = n_cols - x0 < most ? n_cols - x0 : most;
        const size_t at = image_index(p->in, row, x0);
        load_strip(p, row, x0, width, s);
        first_pass(p, row, x0, width, s);
        find_errors(p, width, s);
        for (int i = 0; i < p->in->n_ints; i++) {
            second_pass(p, i, row, x0, width, s);
            send(&s->each, (size_t) i * p->step + at, width, p->rateints);
            jc_settle(5);
        }
        s->n_flagged = list_unmarked(s->has_rate, width, s->flagged);
        for (int k = 0; k < s->n_flagged; k++)
            find_rate(p, s->flagged[k], s);
        send(&s->rate, at, width, p->rate);
    }
    jc_stream_end();
}

/* ---- memory, and the entry points --------------------------------------------------------- */

static void free_strip(strip *s)
{
    if (s == NULL)
        return;
    free(s->rows);
    free(s->row_flags);
    free(s->sorted);
    free(s->y);
    free(s->q);
    free(s->plain);
    free(s->slopes);
    free(s->batch.y);
    free(s->batch.q);
    free(s->batch.value);
    free(s->batch.flag);
    free(s->batch.good);
    free(s);
}

static strip *new_strip(const jc_slope_ramps *in)
{
    const size_t n = (size_t) in->used, words = (size_t) words_of(in->used);
    strip *s = jc_room(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->rows = jc_room(n, sizeof *s->rows);
    s->row_flags = jc_room(n, sizeof *s->row_flags);
    s->sorted = jc_room(n + n / 2, sizeof *s->sorted);
    s->y = jc_room((JC_LANES + 2) * n, sizeof *s->y);
    s->q = jc_room(2 * JC_LANES * n, 1);
    s->plain = jc_room((size_t) in->n_ints, STRIP);
    s->slopes = jc_room((size_t) in->n_ints, sizeof *s->slopes);
    s->batch.y = jc_room(n, sizeof *s->batch.y);
    s->batch.q = jc_room(n, sizeof *s->batch.q);
    s->batch.good = jc_room(4 * words, sizeof *s->batch.good);
    s->batch.value = jc_room(n, sizeof *s->batch.value);
    s->batch.flag = jc_room(n, sizeof *s->batch.flag);
    if (!s->rows || !s->row_flags || !s->sorted || !s->y || !s->q || !s->plain ||
        !s->slopes || !s->batch.y || !s->batch.q || !s->batch.good || !s->batch.value ||
        !s->batch.flag) {
        free_strip(s);
        return NULL;
    }
    s->rise = s->sorted + n;
    s->differences = s->y + JC_LANES * n;
    s->coefficients = s->differences + n;
    s->uncharged = s->q + JC_LANES * n;
    s->batch.landed = s->batch.good + words;
    s->batch.from = s->batch.landed + words;
    s->batch.to = s->batch.from + words;
    return s;
}

static void free_plan(plan *p)
{
    for (int c = 0; c < N_POWERS; c++)
        free(p->whole[c]);
    free(p->tables);
    jc_network_free(&p->network);
}

static jc_status fill_plan(plan *p)
{
    const int n = p->in->used;
    p->longest = n < LONGEST_TABLE ? n : LONGEST_TABLE;
    const size_t size = table_start(p->longest + 1);
    p->tables = calloc(N_POWERS * size + 1, sizeof *p->tables);
    if (p->tables == NULL)
        return JC_NO_MEMORY;
    for (int c = 0; c < N_POWERS; c++) {
        p->table[c] = p->tables + (size_t) c * size;
        p->whole[c] = malloc((size_t) (n / 2 + 1) * sizeof(double));
        if (p->whole[c] == NULL)
            return JC_NO_MEMORY;
        for (int length = 2; length <= p->longest; length++)
            fill_coefficients(length, c, p->opt->group_time, p->table[c] + table_start(length));
        if (n > 1) fill_coefficients(n, c, p->opt->group_time, p->whole[c]);
    }
    const jc_status status =
        jc_network_make(&p->network, n - 1, n > 2 ? (n - 3) / 2 : 0, (n - 1) / 2);
    p->sorts = n < 3 || p->network.pairs != NULL;
    p->by_lanes = p->sorts && p->longest == n && p->opt->suppress_one_group && !p->segments;
    return status;
}

static int is_sound(const jc_slope_ramps *in, const jc_slope_options *o, int n_threads)
{
    return in->n_ints > 0 && in->n_rows > 0 && in->n_cols > 0 && in->first >= 0 &&
           in->used > 0 && in->first + in->used <= in->n_groups && n_threads > 0 &&
           o->n_frames > 0 && o->group_time > 0.0 && o->frame_time > 0.0 && o->first_time > 0.0;
}

jc_status jc_slope_extent(const jc_slope_ramps *in, const jc_slope_options *o, int n_threads,
                          int *n_segments, int *n_jumps)
{
    plan p = {.in = in, .opt = o};
    int failed = 0, most_segments = 0, most_jumps = 0;
    if (!is_sound(in, o, n_threads))
        return JC_BAD_ARGUMENT;
#pragma omp parallel num_threads(n_threads) reduction(| : failed) \
    reduction(max : most_segments, most_jumps)
    {
        strip *s = new_strip(in);
        failed |= s == NULL;
#pragma omp for schedule(static) collapse(2)
        for (int row = 0; row < in->n_rows; row++)
            for (int i = 0; i < in->n_ints; i++)
                for (int col = 0; s && col < in->n_cols; col++) {
                    ramp r;
                    int at = 0, segments = 0, jumps = 0;
                    const source from = in_exposure(in, i, row, col);
                    load_ramp(&p, &from, s, 0, &r);
                    const int longest = longest_segment(&p, r.q);
                    for (segment g; next_fitted(&p, r.q, longest, &at, &g);)
                        segments++;
                    for (int g = 1; g < in->used; g++)
                        jumps += (r.q[g] & o->jump) != 0;
                    if (!(r.q[0] & o->saturated) && segments > most_segments)
                        most_segments = segments;
                    if (jumps > most_jumps) most_jumps = jumps;
                }
        free_strip(s);
    }
    *n_segments = most_segments;
    *n_jumps = most_jumps;
    return failed ? JC_NO_MEMORY : JC_OK;
}

jc_status jc_slope(const jc_slope_ramps *in, const jc_slope_options *o, int n_threads,
                   const jc_slope_image *rate, const jc_slope_image *rateints, size_t step,
                   const jc_slope_segments *segments)
{
    plan p = {.in = in, .opt = o, .rate = rate, .rateints = rateints, .step = step,
              .segments = segments};
    int failed = 0;
    if (!is_sound(in, o, n_threads) || step < (size_t) in->n_rows * (size_t) in->n_cols)
        return JC_BAD_ARGUMENT;
    const jc_status status = fill_plan(&p);
    if (status != JC_OK) {
        free_plan(&p);
        return status;
    }
#pragma omp parallel num_threads(n_threads) reduction(| : failed)
    {
        strip *s = new_strip(in);
        failed |= s == NULL;
#pragma omp for schedule(static)
        for (int row = 0; row < in->n_rows; row++)
            if (s) fit_row(&p, row, s);
        free_strip(s);
    }
    free_plan(&p);
    return failed ? JC_NO_MEMORY : JC_OK;
}
